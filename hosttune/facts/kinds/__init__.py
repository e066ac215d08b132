"""What there is on a host: a kind of subject is a module here, and its file name the kind.

`read(host, names)` returns a Reading of each name; what cannot be read is Unknown in it, and stops nothing. A module
may have beside it, else what stands in brackets holds:
- NAME: the pattern of a name in a profile (one word); `spelled(name)`: its one spelling (as it is written)
- PAIR: a single number that a profile asks for is meant for both numbers of the value (no)
- `aimed(name, programs)`: the names that a profile's name has on this host (itself)
- `always(programs)`: the names that are read whatever profiles name (none)
- `at_start(readings, where, known)`: the readings, by subject, as they are after a start of what is judged (the same)
- `of_namespace(name)`: each network namespace has its own; `of_process(name)`: a process has it (no)
- `now(host, name)`: its value as text, "" where the name alone says nothing of it (what is read)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hosttune import registry
from hosttune.host import Host
from hosttune.model import Programs, Reading, Subject, Unknown, Value, Where

_HERE = "hosttune.facts.kinds"
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:/-]*")


def names() -> tuple[str, ...]:
    """Return the kinds that there are."""
    return registry.names(_HERE)


def read(host: Host, subjects: Iterable[Subject]) -> dict[str, Reading]:
    """Return the reading of each subject, by the subject's text; raises KeyError for one of no known kind."""
    by_kind: dict[str, dict[str, None]] = {}
    for subject in subjects:
        by_kind.setdefault(subject.kind, {})[subject.name] = None
    return {
        str(reading.subject): reading
        for kind, wanted in by_kind.items()
        for reading in registry.load(_HERE, kind).read(host, tuple(wanted)).values()
    }


def aimed(subject: Subject, programs: Programs) -> list[Subject]:
    """Return what a profile's subject is on this host: the row for the service, that of its unit."""
    aims = _asked(subject.kind, "aimed", lambda name, _: [name])(subject.name, programs)
    return [Subject(subject.kind, name) for name in aims]


def always(programs: Programs) -> list[Subject]:
    """Return what is read whatever profiles name: the bounds, the lints and the causes need it."""
    return [Subject(kind, name) for kind in names() for name in _asked(kind, "always", lambda _: ())(programs)]


def at_start(readings: Mapping[str, Reading], where: Where, known: Mapping[str, Value | None]) -> dict[str, Reading]:
    """Return the readings with what is there after a start of what is judged; `known` are defaults, by subject."""
    after = dict(readings)
    for kind in names():
        own = {text: reading for text, reading in readings.items() if reading.subject.kind == kind}
        after |= _asked(kind, "at_start", lambda same, *_: same)(own, where, known)
    return after


def of_namespace(subject: Subject) -> bool:
    """Say whether each network namespace has a value of its own of it, which is set from inside it."""
    return bool(_asked(subject.kind, "of_namespace", lambda _: False)(subject.name))


def of_process(subject: Subject) -> bool:
    """Say whether it is what one process has, which ends with it."""
    return bool(_asked(subject.kind, "of_process", lambda _: False)(subject.name))


def now(host: Host, subject: Subject) -> str:
    """Return the value that it has now as text, "" where the subject names none."""
    ask = _asked(subject.kind, "now", None)
    if ask is not None:
        return str(ask(host, subject.name))
    value = read(host, [subject])[str(subject)].runtime
    if isinstance(value, Unknown):
        return f"({value})"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def valid(text: str) -> bool:
    """Say whether a profile may name this subject."""
    kind, _, name = text.partition(":")
    return kind in names() and bool(_asked(kind, "NAME", _WORD).fullmatch(name))


def spelled(text: str) -> str:
    """Return a subject's text in its one spelling."""
    kind, _, name = text.partition(":")
    return f"{kind}:{_asked(kind, 'spelled', str)(name)}" if kind in names() else text


def is_pair(kind: str) -> bool:
    """Say whether a single number that is asked for is meant for both numbers of the value."""
    return bool(_asked(kind, "PAIR", False))


def _asked(kind: str, what: str, default: Any) -> Any:
    return getattr(registry.load(_HERE, kind), what, default) if kind in names() else default
