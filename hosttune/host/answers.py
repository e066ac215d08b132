"""What probes answer, as types: a probe's `run` says by its annotation what it returns, and a recording is held to it.

A recording is a file that anybody may have written. Its answers are held to the types by a walk of our own: pydantic
takes no typing.TypedDict before Python 3.12, and its import would take as long as all else that a snapshot needs.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from hosttune import registry

_PROBES = "hosttune.host.probes"
_MOST = 1 << 63
_ROWS = 200_000  # no answer has more rows: each has its own bound far below it
_SET = re.compile("0x[0-9a-f]{1,16384}")  # 65,536 ports, a bit each
_LONG = re.compile("[0-9]{41}")  # 20 digits at most, or the 32 of an address in hexadecimal
_FILE = re.compile("/proc/[0-9]+/root/")  # a file of a process, no file of the kernel's
_WORDS = ("/comm", "/cmdline", "name")  # of people's choosing, and nothing counts with them


@dataclass(frozen=True, slots=True)
class Is:
    """A condition on a value, for `Annotated`, and what to say of a value that breaks it."""

    right: Callable[[Any], object]
    words: str


def wrong_text(path: str, text: str) -> str:
    """Return what is wrong with a file of the kernel's, "" where nothing is: its numbers end at 64 bits."""
    if not path.startswith(("/proc/", "/sys/")) or path.endswith(_WORDS) or _FILE.match(path):
        return ""
    if _LONG.search(text):
        return "a number that no kernel writes"
    odd = not text.isascii() and any(letter.isdigit() and not letter.isdecimal() for letter in text)
    return "a digit that no kernel writes" if odd else ""


def wrong(probe: str, answer: Any) -> str:
    """Return what is wrong with a probe's answer, and where in it; "" where nothing is, or there is no such probe."""
    return unlike(_returned(probe), answer) if probe in registry.names(_PROBES) else ""


@functools.cache
def keys() -> frozenset[str]:
    """Return the names of all fields that answers have."""
    return frozenset(name for probe in registry.names(_PROBES) for name in _named(_returned(probe)))


@functools.cache
def _returned(probe: str) -> Any:
    return get_type_hints(registry.load(_PROBES, probe).run, include_extras=True)["return"]


@functools.cache
def _fields(type_: Any) -> dict[str, Any]:
    return get_type_hints(type_, include_extras=True)


def _named(type_: Any) -> set[str]:
    fields = _fields(type_) if is_typeddict(type_) else {}
    inner = fields.values() if fields else get_args(type_)
    return set(fields).union(*(_named(item) for item in inner))


def unlike(type_: Any, value: Any) -> str:
    """Return what of a value does not fit a type, and where in it: one that an answer may have, and no other."""
    if is_typeddict(type_):
        return _record(_fields(type_), value)
    if type_ in _PLAIN:
        return "" if isinstance(value, type_) else _PLAIN[type_]
    inner = get_args(type_)
    form = _FORMS.get(get_origin(type_))
    if form is not None:
        return form(*inner, value)
    return "" if value is None else unlike(inner[0], value)  # X | None


def _conditional(type_: Any, condition: Is, value: Any) -> str:
    # of a plain type the condition says all
    why = "" if type_ in (int, float, str) else unlike(type_, value)
    return why or ("" if condition.right(value) else condition.words)


def _rows(type_: Any, value: Any) -> str:
    if not isinstance(value, list) or len(value) > _ROWS:
        return "no list"
    return next((f"{n}: {why}" for n, row in enumerate(value) if (why := unlike(type_, row))), "")


def _entries(names: Any, type_: Any, value: Any) -> str:
    if not isinstance(value, dict):
        return "no table"
    entries = ((name, unlike(names, name) or unlike(type_, item)) for name, item in value.items())
    return next((f"{name!r}: {why}" for name, why in entries if why), "")


_PLAIN = {bool: "neither true nor false", str: "no text"}
_FORMS: dict[Any, Callable[..., str]] = {Annotated: _conditional, list: _rows, dict: _entries}


def _record(fields: dict[str, Any], value: Any) -> str:
    if not isinstance(value, dict):
        return "no table"
    missing = [name for name, type_ in fields.items() if get_origin(type_) is not NotRequired and name not in value]
    if missing:
        return f"{min(missing)!r} is missing"
    types = {name: get_args(t)[0] if get_origin(t) is NotRequired else t for name, t in fields.items()}
    return next((f"{k!r}: {why}" for k, item in value.items() if k in types and (why := unlike(types[k], item))), "")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST


def _parses(parse: Callable[[str], object], value: Any) -> bool:
    try:
        parse(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def is_prefix(value: Any) -> bool:
    """Say whether this is ADDRESS/PREFIX."""
    return isinstance(value, str) and "/" in value and _parses(ipaddress.ip_interface, value)


def matches(pattern: str) -> Callable[[Any], bool]:
    """Return the condition that a text is of a pattern, all of it."""
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and bool(compiled.fullmatch(value))


is_interface = matches(r"[^\s/\0-\x1f]{1,15}")  # dev_valid_name() of net/core/dev.c
_is_address = functools.partial(_parses, ipaddress.ip_address)

Count = Annotated[int, Is(_is_count, "no count")]
Number = Annotated[float, Is(_is_number, "no number")]
Port = Annotated[int, Is(lambda value: _is_count(value) and value < 65536, "no port")]
Address = Annotated[str, Is(_is_address, "no address")]
MaybeAddress = Annotated[str, Is(lambda value: value == "" or _is_address(value), "no address")]
Prefix = Annotated[str, Is(is_prefix, "no prefix")]
Interface = Annotated[str, Is(is_interface, "no interface's name")]
Ports = Annotated[str, Is(lambda value: isinstance(value, str) and _SET.fullmatch(value), "no set of ports")]
User = Annotated[str, Is(matches("[0-9]{1,10}"), "no user's number")]
Pid = Annotated[str, Is(matches("[0-9]{1,7}"), "no process's number")]
"""The text of a number up to kernel.PID_MAX_LIMIT."""
