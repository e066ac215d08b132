"""The forms of address that HAProxy takes, and what is no TCP towards a host (src/tools.c, str2sa_range())."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hosttune import addresses, scope

_FAMILY = {
    **dict.fromkeys(("ipv4@", "tcp4@", "mptcp4@"), 4),
    **dict.fromkeys(("ipv6@", "tcp6@", "mptcp6@"), 6),
    **dict.fromkeys(("ip@", "tcp@", "mptcp@", ""), 0),
}
_NO_TCP = {
    **dict.fromkeys(("unix@", "uxst@", "uxdg@", "abns@", "abnsz@"), "a Unix socket"),
    **dict.fromkeys(("fd@", "sockpair@"), "an inherited socket"),
    **dict.fromkeys(("udp@", "udp4@", "udp6@", "dgram@"), "UDP, out of scope"),
    **dict.fromkeys(("quic@", "quic4@", "quic6@"), "QUIC, which is UDP and out of scope"),
    **dict.fromkeys(("rhttp@", "rev@"), "a connection that the server itself opens"),
}
_BEYOND = {"udp": scope.UDP, "dgram": scope.UDP, "quic": scope.QUIC}
_PREFIX = re.compile(r"(?:stream\+)?([a-z0-9]+@)")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_PORT = re.compile(r"([+-]?)(\d{1,9})")
ANY = frozenset({"", "*", "0.0.0.0", "::"})


class NoAddress(ValueError):
    """HAProxy takes no such address; the text says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """`host` is numeric, or a name; "" for any address. `port` is one, or is added to that of the client (`relative`).

    `family` is 4 or 6 where the form asks for it, else 0. `skipped` says what it is instead where it is no TCP.
    """

    host: str = ""
    port: int = 0
    relative: bool = False
    family: int = 0
    is_name: bool = False
    skipped: str = ""


def parse(text: str) -> Address:
    """Return the address of a server; raises NoAddress. The port stands behind the last colon outside of brackets."""
    family = 0
    if not text:
        raise NoAddress("server without an address; write server NAME HOST:PORT")
    if text.startswith("/"):
        return Address(skipped="a Unix socket")
    if "@" in text and (match := _PREFIX.match(text)):
        prefix = match[1]
        if prefix in _NO_TCP:
            return Address(skipped=_NO_TCP[prefix])
        if prefix not in _FAMILY:
            return Address(skipped=f"{prefix}, which is not known here")
        family, text = _FAMILY[prefix], text[match.end() :]
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        host, port = text, ""
    number, relative = _port(port)
    numeric = _numeric(host)
    if numeric and "%" in host:
        raise NoAddress(f"{host!r}: HAProxy takes no interface there; write source [::]:0 interface NAME behind it")
    if numeric or host in ANY:
        return Address("" if host in ANY or numeric in ANY else numeric, number, relative, family)
    if not _HOST.fullmatch(host):
        raise NoAddress(f"{text!r}: {host!r} is no address")
    return Address(host, number, relative, family, is_name=True)


def listeners(text: str) -> tuple[tuple[str, range], ...]:
    """Return the numeric hosts of a bind line's addresses, "" for others, with their ports; none for what is no TCP."""
    return tuple(map(_listener, text.split(",")))


def beyond(text: str) -> str:
    """Return what is to be said of a bind line's addresses that are no TCP but a transport of their own, "" of none."""
    names = (match[1].rstrip("@46") for part in text.split(",") if (match := _PREFIX.match(part)))
    return next((_BEYOND[name] for name in names if name in _BEYOND), "")


def span(text: str) -> tuple[str, tuple[int, int] | None]:
    """Return the address of `source ADDRESS[:LOW[-HIGH]]`, "" for any, and its ports; raises NoAddress.

    A single port is bound to as well: it is a range of one.
    """
    if "@" in text and (match := _PREFIX.match(text)) and match[1] in _FAMILY:
        text = text[match.end() :]
    host, colon, ports = text.rpartition(":")
    if not colon or "]" in ports:
        host, ports = text, ""
    if host in ANY:
        numeric = ""
    elif not (numeric := _numeric(host)):
        raise NoAddress(f"{host!r} is no numeric address")
    if not ports:
        return numeric, None
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", ports)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
    if not 0 <= low <= high < 65536:
        raise NoAddress(f"{ports!r} is no range of ports")
    return "" if numeric in ANY else numeric, (low, high) if high else None


def _port(text: str) -> tuple[int, bool]:
    if not text:
        return 0, True
    match = _PORT.match(text)
    if not match:
        raise NoAddress(f"{text!r} is no port")
    number = int(match[2])
    if "-" in text[1:] or number > 65535:
        raise NoAddress(f"{text!r} is no port" + (", and a server has no range of them" if "-" in text[1:] else ""))
    if match[1]:
        return (-number if match[1] == "-" else number), True
    return number, number == 0


def _numeric(host: str) -> str:
    return addresses.numeric(host) if "." in host or ":" in host else ""


def _listener(text: str) -> tuple[str, range]:
    if text.startswith("/"):
        return "", range(0)
    if "@" in text and (match := _PREFIX.match(text)):
        if match[1] not in _FAMILY:
            return "", range(0)
        text = text[match.end() :]
    host, _, ports = text.rpartition(":")
    match = re.match(r"(\d{1,5})(?:-(\d{1,5}))?$", ports)
    if not match:
        return "", range(0)
    low, high = int(match[1]), int(match[2] or match[1])
    numeric = _numeric(host)
    return "" if numeric in ANY else numeric, range(low, min(high, 65535) + 1)
