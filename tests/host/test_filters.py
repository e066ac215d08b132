"""Rules of the packet filter may be made of any bytes: what comes of them is an answer of its type, or OSError."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.host import answers
from hosttune.host.filters import conditions, legacy, netlink_tables, xtables
from hosttune.host.filters.conditions import anything
from hosttune.host.filters.netlink_tables import Chain, Dump, Rule, SetInfo
from hosttune.host.filters.nft_rules import _STEPS
from hosttune.host.filters.nft_walk import Nft
from hosttune.host.filters.walking import Walk
from hosttune.host.filters.ways import Way
from hosttune.host.probes import ruleset

_MATCHES = ("tcp", "multiport", "conntrack", "state", "connlimit", "mark", "owner", "iprange", "comment", "addrtype")
_TARGETS = ("MASQUERADE", "SNAT", "NETMAP", "CT", "NOTRACK", "REJECT", "MARK", "DNAT", "")


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nest(rows: dict[int, bytes]) -> bytes:
    return b"".join(attribute(kind, value) for kind, value in rows.items())


_value = st.one_of(
    st.binary(max_size=20),
    st.integers(0, 24).map(lambda n: n.to_bytes(4)),
    st.binary(max_size=8).map(lambda data: attribute(1, data)),
    st.tuples(st.sampled_from([0, 1, -1, -3, -4, -5]), st.sampled_from([b"in", b"other", b"none"])).map(
        lambda v: attribute(2, attribute(1, v[0].to_bytes(4, signed=True)) + attribute(2, v[1] + b"\0"))
    ),
    st.sampled_from([name.encode() + b"\0" for name in (*_MATCHES, *_TARGETS, "s", "connlimit")]),
)
_body = st.dictionaries(st.integers(0, 11), _value, max_size=6).map(nest)
_expression = st.tuples(st.sampled_from([*_STEPS, "fib", "limit", "reject", "?"]), _body).map(
    lambda pair: attribute(1, attribute(1, pair[0].encode() + b"\0") + attribute(2, pair[1]))
)
_rule = st.lists(_expression, max_size=5).map(
    lambda parts: attribute(3, bytes(7) + b"\5") + attribute(4, b"".join(parts))
)


def sound(walk: Walk) -> None:
    """Hold what a walk finds to the type of an answer."""
    for effect in walk.effects:
        assert not answers.unlike(conditions.Match, json.loads(json.dumps(effect.match))), effect
        if effect.translation:
            row: Any = ruleset._translation(effect, effect.translation)
            assert not answers.unlike(ruleset.TranslationRow, row), row
        if effect.counting:
            counted: Any = ruleset._count(effect, effect.counting)
            assert not answers.unlike(ruleset.CountRow, counted), counted
    assert not answers.unlike(list[conditions.Word], walk.unread)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([1, 2, 10]), st.lists(_rule, max_size=4), st.lists(_rule, max_size=3), st.integers(0, 4))
def test_any_rules_of_nftables_are_walked_to_an_end(
    family: int, rules: list[bytes], others: list[bytes], hook: int
) -> None:
    base = Chain((family, b"t", b"in"), netlink_tables.HOOKS[hook], "nat" if hook == 4 else "filter", drops=True)
    other = Chain((family, b"t", b"other"))
    base.rules = [Rule(data, 0, len(data)) for data in rules]
    other.rules = [Rule(data, 0, len(data)) for data in others]
    dump = Dump({base.key: base, other.key: other}, rules=len(rules) + len(others))
    dump.sets[(family, b"t", b"s")] = SetInfo((family, b"t", b"s"), 8, b"")
    sound(Nft(None, dump).walk())


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([*_MATCHES, "unheard-of"]),
    st.integers(0, 3),
    st.binary(max_size=160),
    st.sampled_from(["ip", "ip6"]),
)
def test_any_bytes_of_a_match_are_a_condition(name: str, revision: int, info: bytes, family: str) -> None:
    way = Way(anything(family))
    xtables.apply_match(way, name, revision, info, family)
    assert not answers.unlike(conditions.Match, way.match), way


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(_TARGETS), st.integers(0, 3), st.binary(max_size=80), st.sampled_from(["ip", "ip6"]))
def test_any_bytes_of_a_target_are_a_way(name: str, revision: int, info: bytes, family: str) -> None:
    xtables.apply_target(Way(anything(family)), name, revision, info, family)


def entry(family: str, verdict: int, target: str = "", info: bytes = b"", matches: bytes = b"") -> bytes:
    size, at = (112, 88) if family == "ip" else (168, 140)
    body = info or struct.pack("=ii", verdict, 0)
    tail = struct.pack("=H29sB", 32 + len(body), target.encode(), 0) + body
    head = bytearray(size)
    struct.pack_into("=HH", head, at, size + len(matches), size + len(matches) + len(tail))
    return bytes(head) + matches + tail


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["ip", "ip6"]),
    st.lists(st.tuples(st.integers(-6, 1200), st.sampled_from(_TARGETS), st.binary(max_size=40)), max_size=6),
    st.integers(0, 3000),
    st.lists(st.integers(0, 1000), min_size=5, max_size=5),
)
def test_any_table_of_iptables_is_walked_to_an_end(
    family: str, rows: list[tuple[int, str, bytes]], cut: int, hooks: list[int]
) -> None:
    data = b"".join(entry(family, verdict, target, info if target else b"") for verdict, target, info in rows)
    data += entry(family, 0, "ERROR", b"ERROR\0" + bytes(26))
    try:
        table = legacy.parsed(family, "nat", data[: len(data) - cut] if cut < len(data) else data, 31, [0, *hooks[1:]])
    except OSError:
        return
    sound(legacy.Tables([table]).walk())


def test_a_jump_to_itself_ends() -> None:
    data = entry("ip", 0) + entry("ip", -2, "MASQUERADE", bytes(20)) + entry("ip", 0, "ERROR", b"ERROR\0" + bytes(26))
    table = legacy.parsed("ip", "nat", data, 16, [0, 0, 0, 0, 0])
    assert len(legacy.Tables([table]).walk().effects) == 1
