"""Where nginx connects to: host and port as it writes them, and what a name stands for (ngx_parse_inet_url())."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hosttune import addresses
from hosttune.errors import HostError
from hosttune.programs.configuration import Given

_MOST = 1000  # names that are asked for: each may take a resolver its time
_URL = re.compile(r"\[([^\]]*)\](?::(.*))?|([^:]*)(?::(.*))?", re.S)
_NAME = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.-]{0,253}")
UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Goal:
    """A host, name or numeric address, and its port; 0 where none is written. `problem` is why it is none."""

    host: str
    port: int = 0
    problem: str = ""


def goal(text: str) -> Goal:
    """Return where HOST, HOST:PORT or [V6]:PORT leads."""
    match = _URL.fullmatch(text)
    host = (match[1] if match[1] is not None else match[3]) if match else ""
    port = (match[2] if match[1] is not None else match[4]) if match else None
    if not match or not (numeric(host) if match[1] is not None else _NAME.fullmatch(host)):
        return Goal(host, problem=f"{text!r} is no host")
    if "%" in host:
        return Goal(host, problem=f"{text!r}: nginx takes no interface in an address")
    if port is None:
        return Goal(host)
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        return Goal(host, problem=f"{text!r}: {port!r} is no port")
    return Goal(host, int(port))


def numeric(host: str) -> str:
    """Return a numeric address as the kernel writes it, "" for anything else."""
    return addresses.numeric(host.strip("[]"))


class Names:
    """What names resolve to, each asked once: nginx takes every address, as servers of their own."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._known: dict[str, tuple[tuple[str, ...], str]] = {}

    def addresses(self, host: str) -> tuple[tuple[str, ...], str]:
        """Return the numeric addresses of a host, or () and why there are none."""
        if known := numeric(host):
            return (addresses.reached(known),), ""
        if host not in self._known:
            self._known[host] = self._ask(host)
        return self._known[host]

    def _ask(self, host: str) -> tuple[tuple[str, ...], str]:
        if not self._given.resolves:
            return (), f"{host} is a name, and names are not resolved here"
        if len(self._known) >= _MOST:
            return (), f"{host} is a name, and {_MOST:,} others were resolved before it"
        try:
            answers = self._given.host.probe("names", hostname=host)
        except HostError as error:
            return (), f"{host} cannot be resolved ({error.detail})"
        return tuple(addresses.numeric(answer) for answer in answers), ""
