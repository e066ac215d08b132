"""The verbs that change a host as the command line has them, on a host that a test has made: printed, with codes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosttune.commands import acting
from hosttune.facts.where import HERE, Came
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.options import ApplyOptions, Dialogue, Options, Place, RollbackOptions, SourceOptions
from hosttune.terminal import presenting, streams
from hosttune.workflows import apply as applying
from hosttune.workflows import confirming, past, sources, telling, undoing


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verb is asked: `how` are the options of its own."""

    how: Any
    place: Place = Place()  # noqa: RUF009  # frozen
    dialogue: Dialogue = Dialogue()  # noqa: RUF009
    options: Options = Options()  # noqa: RUF009
    script: bool = False
    remove: bool = False


def asked(kind: type, **given: Any) -> Asked:
    """Return options by their names, whatever group has them; by default nobody is asked, and JSON is printed."""
    given = {"yes": True, "format": "json"} | given
    rest = {name: given.pop(name) for name in ("script", "remove") if name in given}
    groups = {"how": kind, "place": Place, "dialogue": Dialogue, "options": Options}
    made = {
        name: group(**{f.name: given.pop(f.name) for f in dataclasses.fields(group) if f.name in given})
        for name, group in groups.items()
    }
    assert not given, given
    return Asked(**made, **rest)


def applied(**given: Any) -> Asked:
    return asked(ApplyOptions, **given)


def undone(**given: Any) -> Asked:
    return asked(RollbackOptions, **given)


def changed(*addresses: str, **given: Any) -> Asked:
    return asked(SourceOptions, addresses=addresses, **given)


def wish(asked: Asked) -> applying.Wish:
    return applying.Wish(asked.options, asked.place, asked.how, presenting.command(), asked.dialogue.dry_run)


def apply(host: Host, asked: Asked, came: Came = HERE) -> int:
    with telling.to(presenting.tell):
        if asked.script:
            streams.put(applying.script_on(host, wish(asked), came))
            return 0
        done = applying.on(host, wish(asked), acting.agree(asked.dialogue, acting.changes), came)
    return acting.applied(done, asked.dialogue)


def run(asked: Asked) -> None:
    """Carry an apply out, or make its script, on the host that the options name."""
    applying.as_script(wish(asked)) if asked.script else applying.apply(wish(asked))


def rollback(host: LiveHost, asked: Asked) -> int:
    wish = undoing.Wish(asked.how, asked.place, presenting.command(), asked.dialogue.dry_run)
    with telling.to(presenting.tell):
        done = undoing.on(host, wish, acting.agree(asked.dialogue, acting.undoing))
    return acting.undone(done, asked.dialogue)


def change(host: LiveHost, asked: Asked) -> int:
    wish = sources.Wish(asked.how, asked.place, asked.remove, presenting.command(), asked.dialogue.dry_run)
    with telling.to(presenting.tell):
        done = sources.on(host, wish, acting.agree(asked.dialogue, acting.changes))
    return acting.applied(done, asked.dialogue)


def confirm(host: LiveHost, id: int | None = None, *, dry_run: bool = False, format: str = "json") -> int:
    return acting.present(confirming.confirm_apply(host, id, dry_run=dry_run), format)


def history(host: LiveHost | Path, format: str) -> None:
    presenting.present(past.on(host if isinstance(host, LiveHost) else LiveHost(str(host))), format)
