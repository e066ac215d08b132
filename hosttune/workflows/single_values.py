"""Values that were asked for one by one, KEY=VALUE: requirements like those of a profile, for nothing else.

Whatever holds already stays: a number that is a limit is not lowered, a range or a list of ports is not narrowed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hosttune import counts
from hosttune.errors import UsageError
from hosttune.model import Operator
from hosttune.options import Options
from hosttune.profile import keys
from hosttune.profile.load import Profile, Row

_NOFILE = "nofile"
_RANGE, _RESERVED = "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports"
_COVERED = (_RANGE, _RESERVED)
_SHAPES = {
    _RANGE: re.compile(r"[0-9]{1,5} [0-9]{1,5}"),
    _RESERVED: re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*"),
}
_WORDS = {_RANGE: "two numbers, LOW HIGH", _RESERVED: "ports and ranges of them, 7000,8000-8010"}
_EXACT = ("switch", "seconds", "milliseconds", "port")
"""Units of what is no limit: the value that is asked for is the one that is wanted, greater or not."""

_TIMES = re.compile(r"_timeout(?:_|$)|_time$|_delay$")
_LONGEST = 4096


def profile(base: Profile, given: Sequence[str], options: Options) -> Profile:
    """Return the base profile with no rows but those of the values; raises UsageError."""
    rows = [_row(base.about, text, options) for text in given]
    subjects = [row.subject for row in rows]
    twice = next((s for s in subjects if subjects.count(s) > 1), "")
    if twice:
        raise UsageError(f"--key {twice.removeprefix('sysctl:')}: given twice; name one value")
    return dataclasses.replace(base, service="", rows=tuple(rows))


def check(options: Options, given: Sequence[str]) -> None:
    """Raise UsageError for options that do not go with values that are asked for one by one."""
    for name in ("role", "profile", "connections", "rate", "backend", "backends_from"):
        if given and getattr(options, name) not in (None, ()):
            raise UsageError(
                f"--key and --{name.replace('_', '-')}: a value by itself needs no role; name one of the two"
            )


def _row(about: Mapping[str, dict[str, Any]], given: str, options: Options) -> Row:
    key, equals, text = given.partition("=")
    key, text = key.strip(), " ".join(map(_plain, text.split()))
    if not (equals and key and text) or len(text) > _LONGEST:
        raise UsageError(f"--key {given[:80]!r}: write KEY=VALUE, such as net.core.somaxconn=4096 or nofile=65536")
    if key == _NOFILE:
        return _limit(text, options)
    try:
        name = keys.canonical(key)
    except ValueError as error:
        raise UsageError(f"--key {key}: not one sysctl, nor nofile; write it with dots") from error
    subject = f"sysctl:{name}"
    known = about.get(subject, {})
    value = text if name == _RESERVED else _numbers(text)
    shape = _SHAPES.get(name)
    if shape and not shape.fullmatch(text):
        raise UsageError(f"--key {name}={text[:80]}: the kernel takes {_WORDS[name]}")
    operator = Operator.AT_LEAST
    if name in _COVERED:
        operator = Operator.COVERS
    elif isinstance(value, str) or known.get("unit") in _EXACT or (not known and _TIMES.search(name)):
        operator = Operator.EQUALS
    return _made(subject, operator, value, known)


def _plain(word: str) -> str:
    """Return a number that is written as 1M, 1e6 or 1_000_000 in digits, and any other word as it stands.

    One with commas is not such a number: there it is a list of ports.
    """
    try:
        made = counts.short(word)
    except ValueError as error:
        raise UsageError(f"--key {error}") from error
    if made is None and re.fullmatch(r"[0-9]{1,3}(?:_[0-9]{3})+", word):
        made = int(word.replace("_", ""))
    return word if made is None else str(made)


def _numbers(text: str) -> int | list[int] | str:
    """Return a number, several of them, or text that is none."""
    words = text.split(" ")
    if not all(re.fullmatch(r"-?[0-9]{1,19}", word) for word in words):
        return text
    numbers = [int(word) for word in words]
    return numbers[0] if len(numbers) == 1 else numbers


def _limit(text: str, options: Options) -> Row:
    """Return the limit of descriptors, of the service, the logins or the process that the options name."""
    match = re.fullmatch(r"([0-9]{1,10})(?::([0-9]{1,10}))?", text)
    if not match:
        raise UsageError(f"--key nofile={text[:80]}: write a number, or SOFT:HARD")
    whose = "service" if options.service else "login" if options.user else "process"
    if whose == "process" and options.pid is None and not options.process_name:
        raise UsageError("--key nofile: whose? Add --service UNIT, --user NAME or --pid PID")
    soft = int(match[1])
    hard = int(match[2] or soft)
    if hard < soft:
        raise UsageError(f"--key nofile={text}: the hard limit is below the soft one; write SOFT:HARD")
    return _made(f"nofile:{whose}", Operator.AT_LEAST, [soft, hard], {"unit": "descriptors"})


def _made(subject: str, operator: Operator, value: int | str | list[int], known: Mapping[str, Any]) -> Row:
    table = {
        "operator": str(operator),
        "value": value,
        "unit": known.get("unit", ""),
        "why": "given by itself (--key)",
        "source": known.get("source", ""),
        "number_source": "given on the command line",
        "severity": "error",
    }
    return Row(subject, table, "--key")
