"""Expressions that load a field into a register, change it, and compare it.

net/netfilter/nft_meta.c, nft_payload.c, nft_bitwise.c, nft_byteorder.c, nft_cmp.c, nft_range.c, nft_ct.c.
"""

from __future__ import annotations

import socket
import sys

from hosttune.host.filters import symbols
from hosttune.host.filters.conditions import anything
from hosttune.host.filters.nft_state import State, doubt, held_at, number_of, put, register_of, require, value_of
from hosttune.host.filters.symbols import Byte

_EQ, _NEQ, _LT, _LTE, _GT, _GTE = range(6)  # NFT_CMP_*
_META = {3: "mark", 4: "iif", 5: "oif", 6: "iifname", 7: "oifname", 10: "skuid"}  # NFT_META_*
_META_WORDS = {11: "skgid", 12: "nftrace", 19: "pkttype", 20: "cpu", 21: "iifgroup", 22: "oifgroup", 23: "cgroup"}
_PROTOCOL, _NFPROTO, _L4PROTO = 1, 15, 16
_STATE, _DIRECTION = 0, 1  # NFT_CT_*
_NEW = (8).to_bytes(4, sys.byteorder)  # NF_CT_STATE_BIT(IP_CT_NEW)
_TCP = socket.IPPROTO_TCP
_NETWORK, _TRANSPORT = 1, 2  # NFT_PAYLOAD_*
_PAYLOAD = {
    ("ip", 12): "ip saddr",
    ("ip", 16): "ip daddr",
    ("ip6", 8): "ip6 saddr",
    ("ip6", 24): "ip6 daddr",
}


def meta(state: State, body: dict[int, bytes]) -> list[State]:
    if 1 not in body:
        return [state]  # it sets, and asks nothing
    key, at = number_of(body, 2), register_of(body, 1)
    family = state.way.match["family"]
    if key == _L4PROTO:
        put(state, at, [_TCP])
    elif key == _NFPROTO:
        number = {"ip": 2, "ip6": 10}.get(family)
        put(state, at, [number], "meta nfproto")
    elif key == _PROTOCOL:
        kind = {"ip": b"\x08\x00", "ip6": b"\x86\xdd"}.get(family)
        put(state, at, list(kind) if kind else [None, None], "meta protocol")
    elif key in _META:
        put(state, at, symbols.loaded(_META[key]), f"meta {_META[key]}")
    else:
        put(state, at, [None] * 16, f"meta {_META_WORDS.get(key, f'key {key}')}")
    return [state]


def payload(state: State, body: dict[int, bytes]) -> list[State]:
    if 1 not in body:
        return [state]
    base, offset, length = number_of(body, 2), number_of(body, 3), min(number_of(body, 4), 64)
    held = [_packet_byte(state.way.match["family"], base, number) for number in range(offset, offset + length)]
    put(
        state,
        register_of(body, 1),
        held,
        f"@{('ll', 'nh', 'th')[base] if base < 3 else base},{offset * 8},{length * 8}",
    )
    return [state]


def _packet_byte(family: str, base: int, number: int) -> Byte:
    """Return a byte of a TCP segment that begins a connection."""
    if base == _TRANSPORT:
        if number < 4:
            return (("sport", "dport")[number // 2], number % 2, 255, 0)
        return 2 if number == 13 else None  # SYN
    if base != _NETWORK or not family:
        return None
    width = 4 if family == "ip" else 16
    for (of, at), name in _PAYLOAD.items():
        if of == family and at <= number < at + width:
            return (name, number - at, 255, 0)
    return _TCP if number == (9 if family == "ip" else 6) else None


def bitwise(state: State, body: dict[int, bytes]) -> list[State]:
    at, length = register_of(body, 1), min(number_of(body, 3), 64)
    mask, bits = value_of(body, 4), value_of(body, 5)
    words = state.words.get(at if at is not None else -1, "")
    held = held_at(state, at, length)
    if number_of(body, 6) or len(mask) < len(held) or len(bits) < len(held):
        held = [None] * length
    else:
        held = [_masked(*row) for row in zip(held, mask, bits, strict=False)]
    put(state, register_of(body, 2), held, words)
    return [state]


def _masked(byte: Byte, mask: int, bits: int) -> Byte:
    if byte is None:
        return bits if mask == 0 else None
    if isinstance(byte, int):
        return byte & mask ^ bits
    name, number, before, over = byte
    return (name, number, before & mask, over & mask ^ bits) if before & mask else over & mask ^ bits


def byteorder(state: State, body: dict[int, bytes]) -> list[State]:
    at, length, size = register_of(body, 1), min(number_of(body, 4), 64), max(number_of(body, 5), 1)
    held = held_at(state, at, length)
    turned = [byte for start in range(0, len(held), size) for byte in held[start : start + size][::-1]]
    words = state.words.get(at if at is not None else -1, "")
    put(state, register_of(body, 2), turned if sys.byteorder == "little" else held, words)
    return [state]


def cmp(state: State, body: dict[int, bytes]) -> list[State]:
    at, operation, data = register_of(body, 1), number_of(body, 2), value_of(body, 3)
    held, words = held_at(state, at, len(data)), state.words.get(at if at is not None else -1, "")
    if words in ("meta nfproto", "meta protocol") and held and held[0] is None and operation in (_EQ, _NEQ):
        family = {2: "ip", 10: "ip6", 8: "ip", 0x86: "ip6"}.get(data[0])
        if operation == _NEQ:
            family = {"ip": "ip6", "ip6": "ip"}.get(family or "", "")
        return require(state, anything(family)) if family is not None else []
    if operation in (_EQ, _NEQ):
        wanted = symbols.compared(held, data)
    else:
        number, top = int.from_bytes(data), (1 << len(data) * 8) - 1
        low, high = {
            _LT: (0, number - 1),
            _LTE: (0, number),
            _GT: (number + 1, top),
            _GTE: (number, top),
        }.get(operation, (0, top))
        if low > high or low < 0 or high > top:
            return []
        wanted = symbols.ranged(held, low.to_bytes(len(data)), high.to_bytes(len(data)))
    return require(state, wanted, operation == _NEQ, words)


def range_(state: State, body: dict[int, bytes]) -> list[State]:
    at, first, last = register_of(body, 1), value_of(body, 3), value_of(body, 4)
    if len(first) != len(last):
        doubt(state, "a range")
        return [state]
    wanted = symbols.ranged(held_at(state, at, len(first)), first, last)
    return require(state, wanted, number_of(body, 2) == 1, state.words.get(at if at is not None else -1, ""))


def ct(state: State, body: dict[int, bytes]) -> list[State]:
    if 1 not in body:
        return [state]
    key, at = number_of(body, 2), register_of(body, 1)
    if key == _STATE:
        put(state, at, list(_NEW))
    elif key == _DIRECTION:
        put(state, at, [0])
    else:
        put(state, at, [None] * 16, f"ct key {key}" if key != 3 else "ct mark")
    return [state]
