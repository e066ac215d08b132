"""What became of a host that a verb has changed, or would change: the answers of apply, rollback, confirm, history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hosttune.model.changes import Change, Plan, Who
from hosttune.model.findings import Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """One subject as it was, is now and will be at boot, as text with its unit, and the verdict that it has now."""

    subject: str
    verdict: Verdict
    was: str
    now: str
    boot: str
    because: str


@dataclass(frozen=True, slots=True)
class Lost:
    """One thing that was written and that something else holds: `when` is "now" or "at boot".

    `by` are sentences on who is known to write it.
    """

    target: str
    when: str
    wrote: str
    holds: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record of the journal that cannot be used: its file, why, and what to do.

    `id` is the number in the file's name, None for the directory and for those that are too many to be read.
    """

    id: int | None
    file: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Until when an apply can be confirmed: `until` is UTC, `timer` who takes it back then, `waits` what is written."""

    seconds: int
    until: str
    timer: str
    waits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Emission:
    """What a container lacks, as a file or options of what makes it: `text`, "" where nothing lacks.

    `capacity` is a sentence, "" where values were asked for one by one; `notes` say where the text goes and what it
    cannot give. `commented`: the text has both.
    """

    text: str
    capacity: str
    notes: tuple[str, ...] = ()
    commented: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply has changed, or would change: `dry_run`, or no `id` where it is shown before it is agreed to.

    `id` is what a rollback takes, None where nothing was written. `diff` are all changes as text, `refused` the reasons
    not to make any, `notes` what is left alone. `restarts` are units that keep old limits until they are started again,
    `restarted`: they are by this. `capacity` is a sentence, `nothing` why there is nothing to do, "" where there is.
    `units` are those of the sysctls, by key; `kernel`: it runs, an image has none. `root` is that of the image.
    """

    id: int | None = None
    dry_run: bool = False
    changed: bool = False
    diff: str = ""
    changes: tuple[Change, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reload: bool = False
    restarts: tuple[str, ...] = ()
    restarted: bool = False
    results: tuple[Result, ...] = ()
    capacity: str = ""
    nothing: str = ""
    confirm: Waiting | None = None
    not_in_force: tuple[Lost, ...] = ()
    damaged: tuple[Unusable, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    kernel: bool = True
    root: str = "/"

    @property
    def plan(self) -> Plan:
        """The changes as they are shown; the notes say already what has to be started again."""
        restarts = self.restarts if self.restarted else ()
        return Plan(self.changes, self.refused, self.notes, self.reload, restarts, self.restarted)

    @property
    def exit_code(self) -> int:
        """0 done, or nothing to do; 1 something does not hold; 4 changes wanted; 5 refused."""
        if self.refused:
            return 5
        if self.dry_run:
            return 4 if self.changed else 0
        return int(bool(self.not_in_force) or any(row.verdict is Verdict.FAIL for row in self.results))


@dataclass(frozen=True, slots=True)
class Answer:
    """Who has an address already: the hardware address that answered for it."""

    address: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesChanged(Applied):
    """The same of source addresses: `verb` is add or remove, `routes` are what peers have to be told of a prefix.

    `persist`: files are written too.
    """

    verb: str
    persist: bool = True
    answers: tuple[Answer, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What a rollback has taken back, or would take back.

    `id` is the apply, None where there was none, or interrupted runs (`heals`) were healed instead; `name` says when it
    was made and for what. `kept` is what somebody else has changed since and was left, `notes` what else there is to
    say: what was healed, what the kernel does not take back, `stays` what another apply wants. `whole`: nothing is left
    undone. `taken_back`: the apply is in force no more; `forcible`: with force more of it comes off. `restarts` are
    units that keep what they have until they are started again, `units` those of the sysctls, by key. `capacity` says
    what the host carries before and after, "" where the apply was of no role.
    """

    id: int | None = None
    dry_run: bool = False
    changed: bool = False
    diff: str = ""
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    damaged: tuple[Unusable, ...] = ()
    name: str = ""
    changes: tuple[Change, ...] = ()
    heals: tuple[int, ...] = ()
    stays: str = ""
    capacity: str = ""
    whole: bool = True
    taken_back: bool = False
    forcible: bool = False
    restarts: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    root: str = "/"

    @property
    def exit_code(self) -> int:
        """0 done, or nothing to do; 1 something stays; 4 changes wanted."""
        if self.dry_run:
            return 4 if self.changed or self.heals else 0
        return 0 if self.whole else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """An apply that is kept: what its confirm writes; `changed` is False where it was confirmed before.

    `files` are those that it writes; `lasts`: it stays after a reboot.
    """

    id: int
    dry_run: bool = False
    changed: bool = False
    files: tuple[str, ...] = ()
    diff: str = ""
    changes: tuple[Change, ...] = ()
    lasts: bool = True

    @property
    def exit_code(self) -> int:
        """0 done, or confirmed before; 4 it waits."""
        return 4 if self.dry_run and self.changed else 0


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a verb: `when` as 2026-11-24T22:58:17Z, its command line, who ran it and the reason they gave."""

    when: str = ""
    command: str = ""
    who: Who = field(default_factory=Who)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One apply of a host's past: `state` is what became of it in words, `status` in a word.

    `steps` are the commands that keep it or take it back, each with what it is for. `record` is all that the journal
    has of it, as plain values.
    """

    id: int
    status: str
    state: str
    made: Invocation
    rollbacks: tuple[Invocation, ...] = ()
    roles: tuple[str, ...] = ()
    connections: int = 0
    layers: tuple[str, ...] = ()
    changes: int = 0
    steps: tuple[tuple[str, str], ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """The applies of a host, oldest first, and the records that cannot be used."""

    applies: tuple[Past, ...] = ()
    damaged: tuple[Unusable, ...] = ()
