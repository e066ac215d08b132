"""Expressions that decide: verdicts, translations, counts, and what iptables calls matches and targets.

net/netfilter/nft_immediate.c, nft_nat.c, nft_masq.c, nft_connlimit.c, nft_dynset.c, nft_compat.c.
"""

from __future__ import annotations

import ipaddress
import socket

from hosttune.host.filters import ways, xtables
from hosttune.host.filters.netlink_tables import FAMILIES, listed, nested, text
from hosttune.host.filters.nft_state import REGISTERS, State, doubt, held_at, number_of, put, register_of
from hosttune.host.filters.ways import Counting, SourceNat, Way

_VERDICTS = {0: ways.DROP, 1: ways.ACCEPT, 3: ways.QUEUE, -3: ways.JUMP, -4: ways.GOTO, -5: ways.RETURN}


def immediate(state: State, body: dict[int, bytes]) -> list[State]:
    data = nested(body.get(2, b""))
    if 2 in data:
        decide(state.way, nested(data[2]).get(1, b""), nested(data[2]).get(2, b""))
    else:
        put(state, register_of(body, 1), list(data.get(1, b"")))
    return [state]


def decide(way: Way, code: bytes, chain: bytes) -> None:
    way.verdict = _VERDICTS.get(int.from_bytes(code[:4], signed=True), ways.CONTINUE)
    way.chain = chain.rstrip(b"\0").decode(errors="replace")


def connlimit(state: State, body: dict[int, bytes]) -> list[State]:
    state.way.counting = Counting(number_of(body, 1), bool(number_of(body, 2) & 1))
    return [state]


def dynset(state: State, body: dict[int, bytes]) -> list[State]:
    """Have a count that is kept for each key of a set (`add @name { ip saddr ct count over 20 }`)."""
    inner = [nested(body[7])] if 7 in body else []
    inner += [nested(raw) for raw in listed(body.get(10, b""))]
    for expression in inner:
        name, data = text(expression.get(1, b"")), nested(expression.get(2, b""))
        if name == "connlimit":
            connlimit(state, data)
            if state.way.counting:
                state.way.counting.by = _keyed(state, register_of(body, 4))
        elif name != "counter":
            doubt(state, name)
    return [state]


def _keyed(state: State, at: int | None) -> str:
    byte = state.registers[at] if at is not None else None
    if not isinstance(byte, tuple):
        return "a key that is not understood"
    name, _, _, _ = byte
    held = held_at(state, at, 16 if name.startswith("ip6") else 4)
    length = sum(bin(part[2]).count("1") for part in held if isinstance(part, tuple) and part[0] == name)
    kind = {"saddr": "source", "daddr": "destination"}.get(name.split()[-1], name)
    whole = length == (128 if name.startswith("ip6") else 32) or " " not in name
    after = state.registers[at + len(held)] if at is not None and at + len(held) < REGISTERS else None
    more = isinstance(after, tuple) and after[0] != name and after[1] == 0 and whole and " " in name
    return f"{kind} and {after[0]}" if more and isinstance(after, tuple) else kind if whole else f"{kind}/{length}"


def nat(state: State, body: dict[int, bytes]) -> list[State]:
    state.way.verdict = ways.ACCEPT
    if number_of(body, 1) != 0:  # NFT_NAT_SNAT
        return [state]
    width = 16 if number_of(body, 2) == socket.AF_INET6 else 4
    state.way.translation = _translation(state, body, 3, 4, 5, 6, number_of(body, 7), width)
    return [state]


def masq(state: State, body: dict[int, bytes]) -> list[State]:
    state.way.verdict = ways.ACCEPT
    state.way.translation = _translation(state, body, 0, 0, 2, 3, number_of(body, 1), 4)
    return [state]


def _translation(
    state: State, body: dict[int, bytes], low: int, high: int, first: int, last: int, flags: int, width: int
) -> SourceNat:
    nat = SourceNat(flags=flags)
    if low in body:
        at, to = register_of(body, low), register_of(body, high) if high in body else register_of(body, low)
        rows = state.choice.get(at if at is not None else -1)
        if rows:
            nat.addresses = [[_address(row.data[:width]), _address(row.data[:width])] for row in rows if row.data]
        else:
            nat.addresses = [[_address(_known(state, at, width)), _address(_known(state, to, width))]]
        if any("" in pair for pair in nat.addresses):
            nat.addresses = [["", ""]]
            doubt(state, "which address it takes")
    if first in body:
        start = _known(state, register_of(body, first), 2)
        end = _known(state, register_of(body, last), 2) if last in body else start
        nat.ports = [int.from_bytes(start), int.from_bytes(end)] if start and end else []
        if not nat.ports:
            doubt(state, "which ports it takes")
    return nat


def _known(state: State, at: int | None, length: int) -> bytes:
    held = [byte for byte in held_at(state, at, length) if isinstance(byte, int)]
    return bytes(held) if len(held) == length else b""


def _address(data: bytes) -> str:
    return str(ipaddress.ip_address(data)) if len(data) in (4, 16) else ""


def match_(state: State, body: dict[int, bytes]) -> list[State]:
    name, family = text(body.get(1, b"")), FAMILIES[state.chain.key[0]]
    return [state] if xtables.apply_match(state.way, name, number_of(body, 2), body.get(3, b""), family) else []


def target(state: State, body: dict[int, bytes]) -> list[State]:
    xtables.apply_target(
        state.way, text(body.get(1, b"")), number_of(body, 2), body.get(3, b""), FAMILIES[state.chain.key[0]]
    )
    return [state]


def notrack(state: State, _body: dict[int, bytes]) -> list[State]:
    state.way.untracked = True
    return [state]
