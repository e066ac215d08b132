"""What a server line says behind its address, and default-server for those that follow (srv_kw_list of src/*.c)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hosttune.programs.shelves.haproxy.grammar import listed

_ONE = listed("arguments.txt")
_FLAGS = {
    "backup": ("backup", True),
    "no-backup": ("backup", False),
    "disabled": ("disabled", True),
    "enabled": ("disabled", False),
    "check": ("checked", True),
    "no-check": ("checked", False),
    "agent-check": ("agent", True),
    "no-agent-check": ("agent", False),
}
_NUMBERS = {"weight": "weight", "maxconn": "maxconn", "minconn": "minconn", "id": "id"}
_TEXTS = {
    "init-addr": "init_addr",
    "resolvers": "resolvers",
    "resolve-prefer": "prefer",
    "socks4": "socks4",
    "namespace": "namespace",
    "cookie": "cookie",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where connections come from: `address` as it is written, whose address is used instead, `interface`."""

    where: str
    address: str
    instead: str = ""
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for a server; `weight` 1, no limit (0), no `id` (0) and no source where nothing says another.

    `set_at` is file:line of the line that set `maxconn` or `minconn` last, `inherited`: the source is default-server's.
    """

    backup: bool = False
    disabled: bool = False
    checked: bool = False
    agent: bool = False
    weight: int = 1
    maxconn: int = 0
    minconn: int = 0
    set_at: str = ""
    source: Source | None = None
    inherited: bool = False
    init_addr: str = ""
    resolvers: str = ""
    prefer: str = ""
    socks4: str = ""
    namespace: str = ""
    cookie: str = ""
    id: int = 0


def read(where: str, words: Sequence[str], held: Options) -> Options:
    """Return what holds after the words of a line; a word that is not known takes no argument."""
    changes: dict[str, object] = {}
    at, end = 0, len(words)
    while at < end:
        word = words[at]
        value = words[at + 1] if at + 1 < end else ""
        if word in _FLAGS:
            name, on = _FLAGS[word]
            changes[name] = on
        elif word in _NUMBERS:
            _number(changes, where, word, value)
        elif word == "source":
            changes["source"], changes["inherited"] = source(where, words[at:]), False
        elif word in _TEXTS:
            changes[_TEXTS[word]] = value
        at += 2 if word in _ONE or word.startswith("set-proxy-v2-tlv-fmt(") else 1
    return replace(held, **changes) if changes else held  # type: ignore[arg-type]


def source(where: str, words: Sequence[str]) -> Source:
    """Return what `source ADDRESS [usesrc WHOSE] [interface NAME]` says (src/server.c, srv_parse_source())."""
    more = dict(zip(words[2:6:2], words[3:6:2], strict=False))
    return Source(where, words[1] if len(words) > 1 else "", more.get("usesrc", ""), more.get("interface", ""))


def _number(changes: dict[str, object], where: str, word: str, value: str) -> None:
    if number(value) is None:
        return
    changes[word] = number(value)
    if word in ("maxconn", "minconn"):
        changes["set_at"] = where


def number(text: str) -> int | None:
    """Return the number that a word begins with, as atol(3) has it; None where it begins with none."""
    digits = ""
    for sign in text[:12]:
        if not "0" <= sign <= "9":
            break
        digits += sign
    return int(digits) if digits else None


def inheriting(held: Options) -> Options:
    """Return options whose source is that of a default-server line."""
    return replace(held, inherited=True)
