"""Rules of routing by what is not known of a program, devices, and what a recording of before answers."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import HostError, UsageError
from hosttune.facts import devices, pool, refusals, route_rules
from hosttune.host.probes import rules
from hosttune.model import Backend, BindMode, Caller, Reason

BACKEND = Backend("10.0.0.2", 1883)


class Answers:
    """A host that answers a few probes; every other one was not recorded."""

    def __init__(self, **probes: Any) -> None:
        self.probes = probes

    def read(self, path: str) -> str:
        if path.endswith("ip_local_port_range"):
            return "40000 40199\n"
        raise HostError(Reason.ABSENT, path)

    def probe(self, name: str, **args: Any) -> Any:
        if name not in self.probes:
            raise HostError(Reason.NOT_RECORDED, name)
        answer = self.probes[name]
        return answer(**args) if callable(answer) else answer

    def glob(self, pattern: str) -> list[str]:
        return []

    def state(self, path: str) -> None:
        return None

    def link(self, path: str) -> str:
        return ""


SOCKETS: dict[str, list[Any]] = {"tuples": [], "held": [], "local": []}


def _rule(**fields: Any) -> dict[str, Any]:
    return {"family": 4, "priority": 100, "action": "lookup", "table": 7, "invert": False, **fields}


def _survey(host: Answers, sources: tuple[str, ...] = (), caller: Caller | None = None) -> pool.Survey:
    return pool.survey(host, (BACKEND,), sources, BindMode.CONNECT, None, caller or Caller())


def test_a_recording_of_before_is_asked_as_it_was() -> None:
    way = {"source": "10.0.0.1", "gateway": "", "interface": "c0", "error": ""}
    host = Answers(routes=lambda destinations: {each: way for each in destinations}, sockets=SOCKETS)
    assert [(p.source, p.usable, p.when, p.fails) for p in _survey(host).pools()] == [("10.0.0.1", 200, "", "")]
    assert [p.usable for p in _survey(host, ("10.9.9.9",)).pools()] == [200]


def test_both_sources_stand_beside_each_other_where_the_mark_is_not_known() -> None:
    def ways(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"source": "10.0.0.11" if q.get("mark") == 9 else "10.0.0.1", "error": ""} for q in questions]

    host = Answers(rules=[_rule(mark=9, mask=0xFFFFFFFF)], ways=ways, sockets=SOCKETS)
    survey = _survey(host)
    assert [(p.source, bool(p.when)) for p in survey.pools()] == [("10.0.0.1", True), ("10.0.0.11", True)]
    (one,) = survey.carried()
    assert (one.usable, one.usable_most) == (200, 200)
    assert "ip rule 100: fwmark 0x9 lookup 7" in survey.notes[0] and "--mark" in survey.notes[0]
    assert [p.source for p in _survey(host, caller=Caller(mark=9)).pools()] == ["10.0.0.11"]
    assert "routing goes by" not in " ".join(_survey(host, caller=Caller(mark=0)).notes)


@pytest.mark.parametrize(
    "fields",
    [
        {"iif": "c0", "mark": 1, "mask": 1},
        {"l3mdev": True},
        {"protocol": 17, "mark": 1, "mask": 1},
        {"destination": "::/0"},
    ],
)
def test_rules_that_cannot_concern_a_program_are_silent(fields: dict[str, Any]) -> None:
    assert not route_rules.variants(route_rules.ours([_rule(**fields)]), Caller(), 4)


@given(
    mark=st.integers(0, 2**32 - 1),
    mask=st.integers(1, 2**32 - 1),
    first=st.integers(0, 2**32 - 3),
    more=st.integers(0, 1000),
)
def test_a_variant_is_held_otherwise_than_what_is_taken_as_known(mark: int, mask: int, first: int, more: int) -> None:
    mark &= mask
    for rule in (_rule(mark=mark, mask=mask), _rule(uids=[first, min(first + more, 2**32 - 3)])):
        (variant,) = route_rules.variants([rule], Caller(), 4)
        base = route_rules.known(Caller())

        def holds(one: route_rules.Variant, rule: dict[str, Any] = rule) -> bool:
            if "mark" in rule:
                return bool((one.mark or 0) & rule["mask"] == rule["mark"])
            return bool(rule["uids"][0] <= one.uid <= rule["uids"][1])

        assert holds(variant) is not holds(base)
        assert route_rules.told(rule)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_a_rule_is_read_as_the_kernel_writes_it() -> None:
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 24, 0, 0, 0, 0, 0, 1, 2)
    body += _attribute(1, bytes([10, 0, 0, 0])) + _attribute(6, struct.pack("=I", 32765)) + _attribute(15, b"\7\0\0\0")
    body += _attribute(10, struct.pack("=I", 9)) + _attribute(16, struct.pack("=I", 255)) + _attribute(17, b"c0\0")
    body += (
        _attribute(20, struct.pack("=II", 5, 6)) + _attribute(22, b"\6") + _attribute(24, struct.pack("=HH", 80, 90))
    )
    rule = rules.parsed(body, 0, len(body))
    assert route_rules.told(rule) == (
        "ip rule 32765: not to 10.0.0.0/24 oif c0 fwmark 0x9/0xff uidrange 5-6 dport 80-90 lookup 7"
    )


@given(st.binary(min_size=12, max_size=200))
def test_whatever_bytes_a_rule_has_it_is_read(data: bytes) -> None:
    assert isinstance(rules.parsed(data, 0, len(data)), dict)


def test_sockets_of_another_vrf_take_no_port() -> None:
    vrfs = {"v1": "v1", "c0": "v1", "d0": "", "lo": ""}
    plain, inside, slave, other = (devices.View(name, vrfs, False) for name in ("", "v1", "c0", "d0"))
    assert [plain.meets(name) for name in ("", "v1", "c0", "d0")] == [True, False, False, False]
    assert [inside.meets(name) for name in ("", "v1", "c0", "d0")] == [False, True, False, False]
    assert [slave.meets(name) for name in ("", "v1", "c0", "d0")] == [False, True, True, False]
    assert [other.meets(name) for name in ("", "v1", "c0", "d0")] == [True, False, False, True]
    assert [plain.shares(name) for name in ("", "v1", "c0", "d0")] == [True, False, False, True]
    assert [inside.conflicts(name) for name in ("", "v1", "c0", "d0")] == [False, True, False, False]


def test_a_program_of_a_vrf_has_the_ports_of_its_own() -> None:
    row = {"source": "10.0.0.1", "address": "10.0.0.2", "port": 1883, "established": hex(((1 << 150) - 1) << 40000)}
    row |= {"time_wait": "0x0", "other": "0x0"}
    held = {"address": "10.0.0.1", "port": 40190, "listen": True, "v6only": False}
    seen = {"tuples": [row, {**row, "device": "v1", "established": "0x0"}], "held": [held], "local": []}
    host = Answers(
        rules=[_rule(l3mdev=True)],
        ways=lambda questions: [{"source": "10.0.0.1", "error": ""} for _ in questions],
        sockets=seen,
        devices={"v1": "v1", "c0": "v1", "lo": ""},
    )
    assert [(p.usable, p.free) for p in _survey(host).pools()] == [(199, 49)]
    assert [(p.usable, p.free) for p in _survey(host, caller=Caller(device="v1")).pools()] == [(200, 200)]
    with pytest.raises(UsageError, match="no such interface"):
        _survey(host, caller=Caller(device="v9"))


@pytest.mark.parametrize("name", ["EACCES", "EINVAL", "EHOSTUNREACH", "ENETUNREACH"])
def test_a_backend_without_a_way_is_refused_with_the_errno_of_connect(name: str) -> None:
    refusal = refusals.of_none({"source": "", "errno": name}, Backend("10.0.0.2", 1883))
    assert refusal is not None and refusal.fails.startswith(f"connect: {name} (")
    assert refusals.of_none({"source": "10.0.0.1", "errno": ""}, Backend("10.0.0.2", 1883)) is None
