"""Registers of nftables' virtual machine, byte by byte: which byte of which field of the packet each holds.

net/netfilter/nf_tables_core.c, nft_payload.c, nft_bitwise.c, nft_cmp.c. A byte is a number that is known, a byte of a
field with the mask and the bits that were laid over it, or not known.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from dataclasses import dataclass
from typing import Any

from hosttune.host.filters.conditions import Condition, Match, anything, both, narrowed, only, with_excepts

Byte = tuple[str, int, int, int] | int | None
"""A field's name, the number of the byte in it, mask and bits (nft_bitwise.c: byte & mask ^ bits); or its value."""

_WIDTHS = {
    "ip saddr": 4,
    "ip daddr": 4,
    "ip6 saddr": 16,
    "ip6 daddr": 16,
    "sport": 2,
    "dport": 2,
    "mark": 4,
    "skuid": 4,
    "iif": 4,
    "oif": 4,
    "iifname": 16,
    "oifname": 16,
}
_NAMES: dict[str, str] = {
    "ip saddr": "sources",
    "ip6 saddr": "sources",
    "ip daddr": "destinations",
    "ip6 daddr": "destinations",
    "sport": "source_ports",
    "dport": "ports",
    "mark": "marks",
    "skuid": "uids",
    "iif": "enters",
    "iifname": "enters",
    "oif": "leaves",
    "oifname": "leaves",
}
_LITTLE = ("mark", "skuid", "iif", "oif")  # in the host's order


def loaded(name: str) -> list[Byte]:
    """Return the bytes of a field as they are loaded."""
    return [(name, number, 255, 0) for number in range(_WIDTHS[name])]


@dataclass(slots=True)
class _Part:
    """Bytes of one field among those that are compared: value and mask of the whole field."""

    name: str
    value: bytearray
    mask: bytearray

    @property
    def whole(self) -> bool:
        return all(byte == 255 for byte in self.mask)


def compared(held: list[Byte], wanted: bytes) -> Condition | bool:
    """Return what must hold for bytes to be those wanted; a Boolean where that is known."""
    parts: dict[str, _Part] = {}
    unknown = False
    for byte, want in zip(held, wanted, strict=False):
        if byte is None:
            unknown = True
        elif isinstance(byte, int):
            if byte != want:
                return False
        else:
            name, number, mask, bits = byte
            want ^= bits
            if want & ~mask & 255:
                return False
            part = parts.get(name)
            if part is None:
                part = parts[name] = _Part(name, bytearray(_WIDTHS[name]), bytearray(_WIDTHS[name]))
            part.value[number], part.mask[number] = want, mask
    if not parts and not unknown:
        return True
    if len(parts) == 1 and not unknown:
        (part,) = parts.values()
        if not part.name.startswith("ip"):  # an address says of which family it is too
            return _condition(part)
    whole = anything()
    if unknown:
        whole["unknown"] = ["a field that is not understood"]
    for part in parts.values():
        joined = both(whole, _condition(part))
        if joined is None:
            return False
        whole = joined
    return whole


def ranged(held: list[Byte], first: bytes, last: bytes) -> Condition | bool:
    """Return what must hold for bytes to be within a range, both ends included, field by field."""
    whole = anything()
    for name, at, width in _fields(held):
        low, high = first[at : at + width], last[at : at + width]
        if not name or len(low) < width:
            plain = compared(held[at : at + width], low) if low == high else anything(unknown=["a range"])
            if isinstance(plain, bool):
                if not plain:
                    return False
                continue
        elif low == high:
            plain = compared(held[at : at + width], low)
            if isinstance(plain, bool):
                return False
        else:
            plain = _span(name, low, high)
        joined = both(whole, plain)
        if joined is None:
            return False
        whole = joined
    return whole


def _fields(held: list[Byte]) -> list[tuple[str, int, int]]:
    """Return the fields that bytes hold whole and unchanged, each with its place; "" for anything else."""
    fields: list[tuple[str, int, int]] = []
    at = 0
    while at < len(held):
        byte = held[at]
        if isinstance(byte, tuple):
            name = byte[0]
            width = _WIDTHS[name]
            if [b for b in held[at : at + width]] == loaded(name) or _is_turned(name, held[at : at + width]):
                fields.append((name, at, width))
                at += width
                continue
        fields.append(("", at, 1))
        at += 1
    return fields


def _is_turned(name: str, held: list[Byte]) -> bool:
    return name in _LITTLE and held == loaded(name)[::-1]


def _span(name: str, low: bytes, high: bytes) -> Condition:
    if name in ("sport", "dport", "skuid"):
        return only("", {_NAMES[name]: [[int.from_bytes(low), int.from_bytes(high)]]})
    if name.startswith("ip") and len(low) in (4, 16):
        return only("", {_NAMES[name]: prefixes(low, high)})
    return anything(unknown=[f"a range of {name}"])


def prefixes(low: bytes, high: bytes) -> list[str]:
    """Return the prefixes that a range of addresses comes to; of one that goes backwards none."""
    first, last = ipaddress.ip_address(low), ipaddress.ip_address(high)
    if last < first:  # type: ignore[operator]
        return []
    return [str(net) for net in ipaddress.summarize_address_range(first, last)]


def _condition(part: _Part) -> Condition:
    name, value, mask = part.name, bytes(part.value), bytes(part.mask)
    field = _NAMES[name]
    if name == "mark":
        return anything(marks=[[int.from_bytes(value, sys.byteorder), int.from_bytes(mask, sys.byteorder)]])
    if name in ("iifname", "oifname"):
        return only("", {field: [_interface(value, mask)]})
    if name.startswith("ip"):
        bits = f"{int.from_bytes(mask):0{len(mask) * 8}b}"
        if "01" in bits:
            return anything(unknown=[f"{name} & {ipaddress.ip_address(mask)} == {ipaddress.ip_address(value)}"])
        return only("", {field: [f"{ipaddress.ip_address(value)}/{bits.count('1')}"] if "1" in bits else []})
    if not part.whole:
        return anything(unknown=[f"{name} & 0x{mask.hex()} == 0x{value.hex()}"])
    if name in ("iif", "oif"):
        return _by_index(field, int.from_bytes(value, sys.byteorder))
    number = int.from_bytes(value, sys.byteorder if name in _LITTLE else "big")
    return only("", {field: [[number, number]]})


def _by_index(field: str, index: int) -> Condition:
    try:
        return only("", {field: [narrowed(socket.if_indextoname(index))]})
    except (OSError, OverflowError):
        return anything(unknown=[f"an interface of number {index}"])


def _interface(value: bytes, mask: bytes) -> str:
    """Return the name of an interface; of one that is compared up to a letter, `*` stands for what follows."""
    known = value[: mask.index(0)] if 0 in mask else value
    name, nul, _ = known.partition(b"\0")
    return narrowed(name.decode(errors="replace") + ("" if nul or len(known) == len(value) else "*"))


def met(match: Match, wanted: Condition | bool, negated: bool) -> Match | None:
    """Return conditions with another one, or with what it excepts; None for never."""
    if isinstance(wanted, bool):
        return match if wanted != negated else None
    if not negated:
        return both(match, wanted)
    if wanted["unknown"]:
        words = [*match["unknown"], *(f"not {w}" for w in wanted["unknown"])]
        widened: Any = {**match, "unknown": list(dict.fromkeys(words))}
        return widened  # type: ignore[no-any-return]
    if not any(wanted[name] for name in wanted if name not in ("unknown", "excepts")):  # type: ignore[literal-required]
        return None
    return with_excepts(match, [*match["excepts"], {**wanted, "excepts": []}])
