"""What the operator names: backends, source addresses, the way of binding."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from hosttune.errors import HostError, UsageError
from hosttune.host import Host
from hosttune.model import Backend, BindMode

Hint = tuple[BindMode, tuple[int, int] | None]


_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")


def parse(host: Host, text: str, option: str = "--backend") -> Backend:
    """Return the backend that HOST:PORT or [V6]:PORT names; raises UsageError."""
    name, port = split(text, option)
    return Backend(_address(host, name, option, text), port, text)


def split(text: str, option: str = "--backend") -> tuple[str, int]:
    """Return name or address, and port, as they were written; raises UsageError where they can be none."""
    name, colon, port = text.rpartition(":")
    if not colon or (":" in name and not name.startswith("[")):
        raise UsageError(f"{option} {text!r}: no port; write HOST:PORT, or [ADDRESS]:PORT for IPv6")
    if not port.isascii() or not port.isdecimal() or not 0 < int(port[:9]) < 65536:
        raise UsageError(f"{option} {text!r}: {port!r} is no port; write a number from 1 to 65535")
    if not numeric(name) and not _NAME.fullmatch(name):
        raise UsageError(f"{option} {text!r}: {name!r} is no host; write HOST:PORT, or [ADDRESS]:PORT for IPv6")
    return name, int(port)


def parse_sources(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the source addresses, or ("all",); raises UsageError."""
    if "all" in texts:
        if len(texts) > 1:
            raise UsageError("--source all: it already names every address; leave the others out")
        return ("all",)
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_address(text)) for text in texts))
    except ValueError as error:
        raise UsageError(f"--source: {error}; write a numeric address, or all") from error


def parse_bind_mode(text: str) -> Hint:
    """Return the mode and, for explicit:LO-HI and bind:LO-HI, its range; raises UsageError."""
    name, colon, ports = text.partition(":")
    known = ", ".join(mode.value for mode in BindMode)
    if name not in [mode.value for mode in BindMode] or (colon and name not in (BindMode.EXPLICIT, BindMode.BIND)):
        raise UsageError(f"--bind-mode {text!r}: unknown; choose {known}; bind and explicit take :LO-HI")
    return BindMode(name), span(ports, f"--bind-mode {text!r}") if colon else None


def merge(pairs: Sequence[tuple[Backend, str]]) -> tuple[Backend, ...]:
    """Join rows of one address and port: their sources become the backend's."""
    joined: dict[tuple[str, int], list[tuple[Backend, str]]] = {}
    for backend, source in pairs:
        joined.setdefault((backend.address, backend.port), []).append((backend, source))
    return tuple(
        Backend(address, port, rows[0][0].name, tuple(dict.fromkeys(source for _, source in rows if source)))
        for (address, port), rows in joined.items()
    )


def span(text: str, where: str) -> tuple[int, int]:
    """Return the range LO-HI; raises UsageError that names `where`."""
    match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    if not match or not 0 < int(match[1]) <= int(match[2]) < 65536:
        raise UsageError(f"{where}: {text!r} is no range; write LO-HI within 1 and 65535")
    return int(match[1]), int(match[2])


def numeric(name: str) -> str:
    """Return a numeric address as the kernel writes it, "" for anything else."""
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return ""


def _address(host: Host, name: str, option: str, text: str) -> str:
    if known := numeric(name):
        return known
    try:
        answers = host.probe("names", hostname=name)
    except HostError as error:
        raise UsageError(f"{option} {text!r}: {name} cannot be resolved ({error.detail}); use an address") from error
    return str(ipaddress.ip_address(answers[0]))
