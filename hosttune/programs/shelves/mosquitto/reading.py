"""What a mosquitto.conf comes to: its listeners, each with its limit of connections."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hosttune.model import Configuration, Entry, OwnLimit, Settings
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.mosquitto import lines
from hosttune.programs.shelves.mosquitto.lines import Line

_PORT = 1883
_FAILS = "closed before CONNACK"
_GLOBAL = ("global_max_connections", "global_max_clients")  # of 2.1
_BRIDGE = ("address", "addresses")
_SILENT = "nothing is logged of it: connection_messages is false"


@dataclass(slots=True)
class _Listener:
    """A listener as far as it was read; `most` is 0 for no limit."""

    where: str
    port: int = _PORT
    address: str = ""
    most: int = 0
    limited: str = ""
    local: bool = False

    @property
    def name(self) -> str:
        return f"listener {self.port} {self.address}".rstrip()


@dataclass(slots=True)
class _Read:
    """What the lines so far come to. `default` is what stands before any listener; `used`: it is one itself."""

    default: _Listener
    used: bool = False
    listeners: list[_Listener] = field(default_factory=list)
    limits: list[OwnLimit] = field(default_factory=list)
    silent: bool = False
    bridge: str = ""
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def recognises(text: str) -> bool:
    """Say whether most of its lines begin with a word of mosquitto.conf(5), and none opens a block or has a sign."""
    names = [line.split(None, 1)[0] for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    known = sum(name in lines.WORDS or name.startswith(("bridge_", "auth_opt_", "plugin_opt_")) for name in names)
    unlike = any(name in ("defaults", "global", "frontend", "backend", "listen") for name in names)
    return 2 * known > len(names) and not unlike and re.search(r"[{;]\s*$|^\s*\w+\s*=", text, re.M) is None


def read(given: Given) -> Configuration:
    """Return an entry for each listener; raises UsageError where a file cannot be read.

    A limit is of the listener that its line follows, of IPv4 and IPv6 together; before any listener, or in an included
    file before any of that file, it is that of the default listener, which is opened by it (src/conf.c). A bridge
    does not end a listener. 0 and less are no limit (src/net.c, net__socket_accept()).
    """
    path = given.paths[0]
    state = _Read(_Listener(path))
    current: list[_Listener] = []
    for number, words in enumerate(given.overrides, 1):
        name, _, rest = words.partition(" ")
        _take(state, Line(f"command line:{number}", name, rest), state.default)
    for line in (line for each in given.paths for line in lines.read(given, each, state.notes)):
        if line.begins:
            state.files.append(line.where)
            current.append(state.default)
        elif line.ends:
            current.pop()
        else:
            current[-1] = _take(state, line, current[-1])
    return _configuration(path, state)


def _take(state: _Read, line: Line, now: _Listener) -> _Listener:
    """Take one line, which stands below a listener; return the listener that the next one stands below."""
    first = line.rest.partition(" ")[0]
    if line.name == "listener":
        return _listener(state, line)
    if line.name in ("port", "bind_address"):
        _default(state, line, first)
    elif line.name == "max_connections":
        now.most, now.limited = max(_number(first), 0), line.where
        state.used |= now is state.default and now.most > 0
    elif line.name in _GLOBAL and _number(first) > 0:
        state.limits.append(OwnLimit("max-connections", _number(first), line.name, where=line.where, fails=_FAILS))
    elif line.name == "connection_messages":
        state.silent = first == "false"
    elif line.name == "connection":
        state.bridge = line.rest
    elif line.name in _BRIDGE and state.bridge:
        to = f"{len(line.rest.split()):,} addresses" if " " in line.rest else line.rest
        state.notes.append(f"{line.where}: bridge {state.bridge} to {to}: one connection of its own, none of a client")
    return now


def _listener(state: _Read, line: Line) -> _Listener:
    port, _, address = line.rest.partition(" ")
    made = _Listener(line.where, _number(port), address.strip(" ") if address[:1] != "#" else "")
    if made.port == 0 and made.address:
        state.notes.append(f"{line.where}: listener at {made.address}, a Unix socket, which takes no ports; skipped")
    elif not 0 < made.port < 65536:
        state.notes.append(f"{line.where}: mosquitto does not start: listener {port} is no port")
    elif any((made.port, made.address) == (other.port, other.address) for other in state.listeners):
        state.notes.append(f"{line.where}: mosquitto does not start: {made.name} is there already")
    else:
        state.listeners.append(made)
    return made


def _default(state: _Read, line: Line, value: str) -> None:
    state.used = True
    if line.name == "bind_address":
        state.default.address = value
    elif 0 < _number(value) < 65536:
        state.default.port = _number(value)
    state.default.where = line.where


def _number(text: str) -> int:
    """Return what atoi(3) makes of a word, within 31 bits."""
    match = re.match(r"[+-]?[0-9]{1,10}", text)
    return min(max(int(match[0]), -1), 2**31 - 1) if match else 0


def _configuration(path: str, state: _Read) -> Configuration:
    listeners = state.listeners
    if state.used:
        if state.default.limited and state.default.where == path:
            state.default.where = state.default.limited
        listeners = [state.default, *listeners]
    elif not listeners and not any("Unix socket" in note for note in state.notes):
        listeners = [_Listener(path)]
        state.notes.append(f"{path}: without a listener mosquitto takes clients of this host alone, at port {_PORT}")
    return Configuration(
        "mosquitto",
        tuple(dict.fromkeys(state.files)),
        Settings("mosquitto", path),
        entries=tuple(Entry(one.name, one.where, _limits(one, state.silent)) for one in listeners),
        limits=tuple(state.limits),
        notes=tuple(dict.fromkeys(state.notes)),
    )


def _limits(listener: _Listener, silent: bool) -> tuple[OwnLimit, ...]:
    if not listener.most:
        return ()
    notes = (_SILENT,) if silent else ()
    most, where = listener.most, listener.limited
    return (OwnLimit("max-connections", most, "max_connections", listener.name, where, fails=_FAILS, notes=notes),)
