"""What the operator names: backends, source addresses, the way of binding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hosttune import addresses, scope
from hosttune.errors import HostError, UsageError
from hosttune.host import Host
from hosttune.model import Backend, BindMode

Hint = tuple[BindMode, tuple[int, int] | None]


_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")


def parse(host: Host, text: str, option: str = "--backend", device: str = "") -> Backend:
    """Return the backend that HOST:PORT, [V6]:PORT or [V6%INTERFACE]:PORT names; raises UsageError.

    `device` is the interface that the program binds its sockets to: a link-local address is reached there.
    """
    name, port = split(text, option)
    address, zone = _address(host, name, option, text)
    if addresses.needs_zone(address) and not (zone or device):
        where = f"[{address}%eth0]:{port}"
        raise UsageError(f"{option} {text!r}: link-local, and each link has such; name the interface, as {where}")
    return Backend(
        addresses.reached(address), port, text, zone=zone or (device if addresses.needs_zone(address) else "")
    )


def split(text: str, option: str = "--backend") -> tuple[str, int]:
    """Return name or address, and port, as they were written; raises UsageError where they can be none."""
    if said := scope.scheme(text):
        raise UsageError(f"{option} {text!r}: {said}")
    name, colon, port = text.rpartition(":")
    if not colon or (":" in name and not name.startswith("[")):
        raise UsageError(f"{option} {text!r}: no port; write HOST:PORT, or [ADDRESS]:PORT for IPv6")
    if not port.isascii() or not port.isdecimal() or not 0 < int(port[:9]) < 65536:
        raise UsageError(f"{option} {text!r}: {port!r} is no port; write a number from 1 to 65535")
    if not addresses.numeric(name):
        _check_name(name, option, text)
    return name, int(port)


def _check_name(name: str, option: str, text: str) -> None:
    """Raise UsageError for what is neither a name nor an address."""
    if ":" in name or name.strip("0123456789.") == "":
        try:
            addresses.spelled(name)
        except ValueError as error:
            raise UsageError(f"{option} {text!r}: {error}") from error
    if not _NAME.fullmatch(name):
        raise UsageError(f"{option} {text!r}: {name!r} is no host; write HOST:PORT, or [ADDRESS]:PORT for IPv6")


def parse_sources(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the source addresses, or ("all",); raises UsageError."""
    if "all" in texts:
        if len(texts) > 1:
            raise UsageError("--source all: it already names every address; leave the others out")
        return ("all",)
    try:
        return tuple(dict.fromkeys(map(addresses.zoned, texts)))
    except ValueError as error:
        raise UsageError(f"--source: {error}; write a numeric address, or all") from error


def parse_bind_mode(text: str) -> Hint:
    """Return the mode and the range of MODE:LO-HI; raises UsageError.

    With explicit and bind the program chooses from it, with connect and no-port the kernel (IP_LOCAL_PORT_RANGE).
    """
    name, colon, ports = text.partition(":")
    known = ", ".join(mode.value for mode in BindMode)
    if name not in [mode.value for mode in BindMode]:
        raise UsageError(f"--bind-mode {text!r}: unknown; choose {known}, each also as MODE:LO-HI")
    return BindMode(name), span(ports, f"--bind-mode {text!r}") if colon else None


def merge(backends: Iterable[Backend]) -> tuple[Backend, ...]:
    """Join those of one address and port that are reached in the same way: their sources become the backend's.

    One that names no source has that of routing, so it is not joined with one that does.
    """
    joined: dict[tuple[object, ...], list[Backend]] = {}
    for one in backends:
        joined.setdefault((one.address, one.zone, one.port, one.mode, one.ports, bool(one.sources)), []).append(one)
    return tuple(
        replace(rows[0], sources=tuple(dict.fromkeys(source for row in rows for source in row.sources)))
        for rows in joined.values()
    )


def span(text: str, where: str) -> tuple[int, int]:
    """Return the range LO-HI; raises UsageError that names `where`."""
    match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    if not match or not 0 < int(match[1]) <= int(match[2]) < 65536:
        raise UsageError(f"{where}: {text!r} is no range; write LO-HI within 1 and 65535")
    return int(match[1]), int(match[2])


def _address(host: Host, name: str, option: str, text: str) -> tuple[str, str]:
    if addresses.numeric(name):
        return addresses.spelled(name)
    try:
        answers = host.probe("names", hostname=name)
    except HostError as error:
        raise UsageError(f"{option} {text!r}: {name} cannot be resolved ({error.detail}); use an address") from error
    return addresses.spelled(answers[0])
