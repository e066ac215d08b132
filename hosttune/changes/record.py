"""One apply as the journal keeps it: what was asked, what was written, and all that it takes to go back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from hosttune.changes import backends
from hosttune.changes.confirm import Confirm
from hosttune.changes.request import Request
from hosttune.model import Change
from hosttune.model.acting import Invocation
from hosttune.model.checked import Checked, within

HIGHEST_ID = 999_999_999


def _writable(change: Change) -> None:
    for name, state in (("before", change.before), ("after", change.after)):
        try:
            backends.check(change.backend, change.target, state)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def _unit(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_.@:\\-]{1,255}\.service", name):
        raise ValueError("it is no service")


Id = Annotated[int, within(1, HIGHEST_ID)]
Changes = tuple[Annotated[Change, Checked(_writable)], ...]


class Status(StrEnum):
    """How far an apply has come.

    A record is `applying` before the first write, then `applied`, or `undone` where a write failed; `rolling-back`
    with its way back before the first write of a rollback, then `rolled-back`, or `partly-rolled-back` where it left
    what somebody else has changed since. One that waits to be confirmed is `unconfirmed` after `applying`, and
    `confirming` before the first write of the confirm, which makes it `applied`. What ends in -ing was interrupted.
    """

    APPLYING = "applying"
    UNCONFIRMED = "unconfirmed"
    CONFIRMING = "confirming"
    APPLIED = "applied"
    UNDONE = "undone"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    PARTLY = "partly-rolled-back"


UNFINISHED = (Status.APPLYING, Status.UNCONFIRMED, Status.CONFIRMING, Status.ROLLING_BACK)
"""What is still to be brought to an end: by a confirm, a rollback, a timer, or the next run."""


@dataclass(frozen=True, slots=True)
class Instance:
    """Which boot of which kernel, and which network namespace of it; "" where that is unknown.

    `name` is that of the namespace below /run/netns, "" for none.
    """

    boot: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One apply.

    `made` is the run that made it, `rollbacks` are the latest that took it back or part of it, oldest first.
    `one_way` are targets whose old value the kernel does not take back. `way_back` are the writes of its rollback,
    `rewrites` what the others' changes become by it, `left` those of its own that stay: others have changed them.
    `confirm` is there from the first write until it is confirmed, `pending` are the changes that wait for that.
    """

    id: Id
    status: Status
    made: Invocation
    request: Request
    changes: Changes
    reload: bool = False
    restarts: tuple[Annotated[str, Checked(_unit)], ...] = ()
    one_way: tuple[str, ...] = ()
    where: Instance = Instance()
    way_back: Changes = ()
    rewrites: dict[Id, Changes] = field(default_factory=dict)
    left: Changes = ()
    rollbacks: tuple[Invocation, ...] = ()
    confirm: Confirm | None = None
    pending: Changes = ()
