"""A program that stops by itself: what it is called there, and where to look."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.diagnosis import configured, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.configured import Held
from hosttune.model import Configuration, LogHit, Program
from hosttune.model.programs import known_as

CONFIGURATION = "the configuration of the program: a maximum of connections, clients, acceptors, workers or threads"
ID = "own-limit"
"""What a line of a log is a sign of, where a program writes of such a limit."""

_ROUND = 500
_NEXT = "hosttune capacity --connections N: what stops it next, once that is raised"
_NEAR = 0.9


def at_it(clues: Clues) -> bool:
    """Say whether the program is at the number now, so that what binds would be observed; a report's facts hold."""
    held = [program.descriptors for program in clues.programs]
    now = sum(held) if clues.named else max(held, default=0)
    if clues.examined:
        return now >= _NEAR * (clues.stalled_at or 0) and (clues.named or clues.machine.root_user)
    return clues.named


def text(clues: Clues) -> str:
    """Return the conclusion."""
    for hit in clues.hits(ID):
        return f"No host limit explains this: {hit.program} is at a limit of its own. It wrote: {hit.line}"
    return f"No host limit explains this: {_who(clues)} stops by itself at {clues.stalled_at:,}"


def where_to_look(clues: Clues) -> tuple[str, ...]:
    """Return what a program's own limit is called, and where else to look."""
    if clues.stalled_at is None and not clues.configuration and (told := tuple(_by_log(clues))):
        return (*told, _NEXT)
    written = [n for hit in clues.hits(ID) for n in hit.numbers.values()]
    number = clues.stalled_at or next(iter(written), None)
    if number is None:
        return (_configuration(clues),)
    near = (b for b in clues.bounds if isinstance(b.hard, int) and saying.near(number, b.hard))
    hints = [_configuration(clues), *(f"own limit: {bound.name}, {bound.hard:,} ({bound.reads})" for bound in near)]
    if clues.configuration:
        hints.extend(_not_there(number, configured.held(clues), clues.configuration))
    elif number % _ROUND == 0 or number & (number - 1) == 0:
        hints.append(f"{number:,} is a round number, as defaults are: search the configuration for it")
    hints.append(f"the program's own log and metrics at {number:,} connections, its licence or edition")
    if not clues.named:
        hints.append("--pid PID, --service or --process-name names the program that stops: its own limits count")
    return tuple(hints)


def _not_there(number: int, every: tuple[Held, ...], configuration: Configuration) -> Iterator[str]:
    """Yield that the configuration which was read sets no such limit, and which of its limits is the nearest."""
    files = ", ".join(configuration.files[:2]) or configuration.program
    near = configured.nearest(number, every)
    if near is None:
        yield f"{files} sets no limit of connections"
    elif not saying.near(number, near.most):
        yield f"{files} sets no limit near {number:,}: {near.name} is the nearest ({near.where})"


def _configuration(clues: Clues) -> str:
    """Return what the limit is called in the program's configuration, as far as that is known."""
    for written in _by_log(clues):
        return written
    program = _program(clues)
    name = program.name if program else next((hit.program for hit in clues.hits(ID)), "")
    known = known_as(clues.known, name).maximum
    if known:
        return f"the configuration of {name}: {known}"
    return CONFIGURATION.replace("the program", name or "the program")


def _by_log(clues: Clues) -> Iterator[str]:
    """Yield what sets the limits that the log is written of, and how large they are where a line says it."""
    for hit in clues.hits(ID):
        if setting := _setting(clues, hit):
            most = hit.numbers.get("limit", hit.numbers.get("connections"))
            yield f"the configuration of {hit.program}: {setting}{f'. It is {most:,} now' if most else ''}"


def _setting(clues: Clues, hit: LogHit) -> str:
    """Return what sets the very limit that a line is written of, "" where only the program's maximum is known."""
    rows = (row for row in known_as(clues.known, hit.program).log if row.setting)
    return next((row.setting for row in rows if re.search(row.expression, hit.line)), "")


def maximum(clues: Clues, name: str) -> str:
    """Return what the maximum of connections of a program is called in its configuration."""
    return known_as(clues.known, name).maximum or "look for one in its configuration"


def _who(clues: Clues) -> str:
    program = _program(clues)
    return str(program) if program else "the program"


def _program(clues: Clues) -> Program | None:
    """Return the program that was named, the one with the most descriptors of its workers."""
    return max(clues.programs, key=lambda program: program.descriptors) if clues.named and clues.programs else None
