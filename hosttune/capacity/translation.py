"""Source NAT: which rule a connection meets, how many ports it gives, and from how many on SYNs are lost.

net/netfilter/nf_nat_core.c: get_unique_tuple(), find_best_ips_proto(), nf_nat_l4proto_unique_tuple(). A connection
needs a port of the address it is given that no other has towards the same destination. The kernel looks at 128 ports
in a row from a random one on, then at 64, 32, 16 and 8 from other random ones, and then lets the SYN go: it clashes in
__nf_conntrack_confirm() and is dropped, without an errno. The client sends it again, which draws again.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.model.filtering import Hook, Packet, Ruleset, Translation
from hosttune.model.packets import left_out, met
from hosttune.ports import span

WINDOW = 128
"""NF_NAT_MAX_ATTEMPTS: of so many ports each is looked at, so that the last free one is found."""

FREE = (1024, 65535)
"""The ports of a connection that may not keep its own, where the rule names none: those below 1,024 stay below it."""

_FIRST_LOSS = (
    (128, 128, 128, 128),
    (129, 129, 129, 129),
    (140, 139, 140, 140),
    (200, 191, 199, 200),
    (300, 279, 294, 300),
    (400, 367, 389, 399),
    (500, 457, 483, 497),
    (700, 637, 670, 691),
    (1000, 906, 949, 979),
    (2000, 1785, 1872, 1928),
    (3000, 2660, 2784, 2870),
    (5000, 4394, 4601, 4736),
    (10_000, 8480, 8828, 9108),
    (20_000, 15_362, 16_216, 16_832),
    (28_232, 20_140, 21_245, 21_992),
    (32_768, 28_031, 29_274, 29_951),
    (36_000, 28_254, 29_476, 30_293),
    (40_000, 28_864, 29_883, 30_653),
    (45_000, 29_169, 30_431, 31_388),
    (50_000, 29_819, 31_224, 32_373),
    (55_000, 30_864, 32_623, 34_307),
    (60_000, 33_058, 37_419, 44_976),
    (64_512, 51_745, 55_759, 57_526),
    (65_535, 55_864, 57_888, 59_112),
)
"""Ports of a rule, and the number of connections at which the first SYN is lost: in 5 %, half and 95 % of the runs of
a simulation of that search, 300 to 2,000 runs each (python -m tests.capacity.searching). Measured on 6.18:
486 of 500; 925 and 961 of 1,000; 1,845 of 2,000; 4,660 of 5,000."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a connection: the rule that translates it, None where none does.

    `certain`: the rules leave nothing else; else this is one of several outcomes, and `why` is what could not be told.
    """

    rule: Translation | None
    certain: bool = True
    why: str = ""


def outcomes(ruleset: Ruleset, packet: Packet) -> tuple[Outcome, ...]:
    """Return what may become of a connection: the first rule that it meets decides, and before it those it may meet.

    One that rules keep from being tracked meets none.
    """
    untracked = left_out(ruleset, packet)
    if untracked:
        return (Outcome(None),)
    maybe: list[Translation] = []
    final: Translation | None = None
    for rule in ruleset.translations:
        if rule.hook is not Hook.POSTROUTING:
            continue  # what is taken in passes `input`, and is none of those that go out
        answer = met(rule.matching, packet)
        if answer:
            final = rule
            break
        if answer is None:
            maybe.append(rule)
    if untracked is None and (final or maybe):
        names = ", ".join(dict.fromkeys(rule.where for rule in ruleset.untracked))
        why = f"{names} may keep it from being tracked, and so from being translated"
        found = (*(Outcome(rule, False, _why(rule)) for rule in maybe), Outcome(final, False, why))
        return (*found, Outcome(None, False, why))
    if not maybe:
        return (Outcome(final),)
    return (*(Outcome(rule, False, _why(rule)) for rule in maybe), Outcome(final, False))


def _why(rule: Translation) -> str:
    told = "; ".join(rule.matching.unknown[:2])
    return f"{rule.where} may apply" + (f": {told}" if told else "")


def ports(rule: Translation) -> int:
    """Return how many ports a rule gives of one address towards one destination."""
    low, high = rule.ports or FREE
    return high - low + 1


def taken(rule: Translation, used: int) -> int:
    """Return how many of the ports that a rule gives are among those of a set."""
    return (used & span(*(rule.ports or FREE))).bit_count()


def keeps(rule: Translation) -> bool:
    """Say whether a connection keeps its port where it is free: the rule names none, and does not draw."""
    return rule.ports is None and not (rule.random or rule.fully_random)


def count(rule: Translation) -> int:
    """Return how many addresses a rule shares out: that of the interface is one."""
    spans = ((ipaddress.ip_address(first), ipaddress.ip_address(last)) for first, last in rule.addresses)
    return sum(int(last) - int(first) + 1 for first, last in spans) or 1


def address(rule: Translation, source: str, destination: str) -> str | None:
    """Return which of its addresses a rule gives a connection, "" for that of the interface; None: not known.

    It is the same for all connections of a source to a destination: find_best_ips_proto() takes it by a hash of both,
    of the source alone with `persistent`. Of zone 0, on a machine that is little-endian, and of IPv4.
    """
    if rule.masquerades:
        return ""
    first, last = (ipaddress.ip_address(end) for end in rule.addresses[0])
    if first == last and len(rule.addresses) == 1:
        return str(first)
    if len(rule.addresses) > 1 or rule.one_to_one or first.version != 4 or not source or ":" in source + destination:
        return None
    initial = 0 if rule.persistent else int.from_bytes(ipaddress.ip_address(destination).packed, "little")
    words = (int.from_bytes(ipaddress.ip_address(source).packed, "little"), 0, 0, 0)
    return str(first + (_jhash2(words, initial) * (int(last) - int(first) + 1) >> 32))


def gives(rule: Translation, address: str) -> bool:
    """Say whether a rule may give connections this address; that of an interface is not told by the rule."""
    if rule.masquerades:
        return True
    number = ipaddress.ip_address(address)
    spans = [(ipaddress.ip_address(first), ipaddress.ip_address(last)) for first, last in rule.addresses]
    return any(low.version == number.version and int(low) <= int(number) <= int(high) for low, high in spans)


def first_loss(rule_ports: int) -> tuple[int, int, int]:
    """Return at how many connections the first SYN is lost: in 5 %, half and 95 % of all cases."""
    if rule_ports <= WINDOW:
        return (rule_ports,) * 3
    sizes = [row[0] for row in _FIRST_LOSS]
    at = min(bisect_left(sizes, rule_ports), len(sizes) - 1)
    (low, *below), (high, *above) = _FIRST_LOSS[max(at - 1, 0)], _FIRST_LOSS[at]
    part = (rule_ports - low) / (high - low) if high > low else 1.0
    shares = ((1 - part) * b / low + part * a / high for b, a in zip(below, above, strict=True))
    least, middle, most = (min(round(rule_ports * share), rule_ports) for share in shares)
    return (least, middle, most)


def _jhash2(words: Sequence[int], initial: int) -> int:
    """Return Jenkins' hash of 32-bit words (include/linux/jhash.h jhash2())."""
    length = len(words)
    a = b = c = (0xDEADBEEF + (length << 2) + initial) & _MASK
    at = 0
    while length - at > 3:
        a, b, c = _mix((a + words[at]) & _MASK, (b + words[at + 1]) & _MASK, (c + words[at + 2]) & _MASK)
        at += 3
    rest = (*words[at:], 0, 0, 0)
    return _final((a + rest[0]) & _MASK, (b + rest[1]) & _MASK, (c + rest[2]) & _MASK)


_MASK = 0xFFFFFFFF


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _MASK) ^ _turned(c, bits)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _turned(b, bits)) & _MASK
        a, b, c = b, c, a
    return b
