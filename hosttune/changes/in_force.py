"""Whether what a run wrote is in force at its end: success means that it holds, not that it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hosttune.changes import backends, entries, kinds, transaction
from hosttune.changes.order import lasting
from hosttune.errors import HostError
from hosttune.facts import writers
from hosttune.host import Host
from hosttune.model import Change, FileState, State
from hosttune.model.acting import Lost


def lost(host: Host, changes: Sequence[Change]) -> tuple[Lost, ...]:
    """Return what of the changes of a record, as they were read back, is not in force any more.

    A value that the kernel has rounded was read back rounded. A process that has ended took its limits with it.
    """
    losses: list[Lost] = []
    for change in lasting(changes):
        now = _now(host, change)
        if isinstance(now, HostError):
            losses.append(Lost(change.target, "now", _shown(change.after), f"nothing that can be read ({now})"))
        elif not transaction.is_ours(change, now):
            by = writers.holders(host, change.target) if change.backend == "sysctl" else ()
            holds = "another text, mode or owner" if isinstance(now, FileState) else _shown(now)
            losses.append(Lost(change.target, "now", _shown(change.after), holds, by))
        elif change.backend == "file":
            losses += _at_boot(host, change)
    return tuple(losses)


def _now(host: Host, change: Change) -> State | HostError:
    try:
        return backends.read(host, change.backend, change.target)
    except HostError as error:
        return error


def _at_boot(host: Host, change: Change) -> Iterator[Lost]:
    """Return the settings that are new in a file of ours and do not come into force at the next boot or login."""
    place = next((place for place in kinds.places() if change.target.startswith(f"{place.folder}/")), None)
    if place is None or place.resolve is None:
        return
    before, after = (_settings(state, place.key) for state in (change.before, change.after))
    wanted = {name: line for name, line in after.items() if before.get(name) != line}
    for name, (value, by) in place.resolve(host, change.target, wanted).items():
        wrote = _value(wanted[name])
        if value != wrote:
            yield Lost(name, "at boot", wrote, value or "nothing", (by,) if by else ())


def _settings(state: State, key: re.Pattern[str]) -> dict[str, str]:
    lines = entries.parse(state.text, key) if isinstance(state, FileState) else {}
    return {name: line.text for name, line in lines.items()}


def _value(line: str) -> str:
    """Return what a line of a file of ours sets: behind the sign, or the last word of one without."""
    return line.partition("=")[2].strip() if "=" in line else line.split()[-1]


def _shown(state: State) -> str:
    if isinstance(state, FileState):
        return "the file as planned"
    return "nothing" if state is None else state
