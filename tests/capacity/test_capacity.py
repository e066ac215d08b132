"""Bounds: exact numbers of known hosts, and more of anything never carries less."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.capacity import capacity
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import (
    Backend,
    BindMode,
    Bound,
    Machine,
    PortPool,
    Reading,
    Reason,
    Subject,
    Unknown,
    Value,
    Workload,
)
from hosttune.programs import knowledge

KNOWN = knowledge.every()
UNSET = Unknown(Reason.UNSET)
INCIDENTS = tomllib.loads((Path(__file__).parent / "incidents.toml").read_text())["incident"]


def machine(memory: int | None = None, conntrack: bool | Unknown = False) -> Machine:
    return Machine(
        "h", "debian", "12", "Debian 12", "6.18", 2, memory, memory, "", "", "", conntrack, True, True, "net:[1]"
    )


def readings(values: dict[str, Value]) -> dict[str, Reading]:
    return {f"sysctl:{k}": Reading(Subject("sysctl", k), v, UNSET) for k, v in values.items()}


def pool(source: str, backend: str, usable: int, mode: BindMode = BindMode.CONNECT, used: int = 0) -> PortPool:
    address, _, port = backend.rpartition(":")
    knee = usable // 2 if mode in (BindMode.CONNECT, BindMode.NO_PORT) else None
    left = usable - used
    return PortPool(
        source, Backend(address, int(port)), mode, 1024, 65535, usable, 0, 0, usable, used, 0, 0, left, left, knee
    )


def widened(narrow: PortPool) -> PortPool:
    """Return the pool as it would be with every port of 1024 to 65535."""
    knee = 32256 if narrow.knee else None
    left = 64512 - narrow.used
    return dataclasses.replace(narrow, usable=64512, free=left, free_most=left, knee=knee)


def limit(soft: int, name: str = "unit/mosquitto.service") -> Reading:
    return Reading(Subject("nofile", name), (soft, soft), UNSET)


def facts(
    values: dict[str, Value] | None = None,
    pools: tuple[PortPool, ...] = (),
    workload: Workload | None = None,
    **more: Any,
) -> CapacityFacts:
    more.setdefault("machine", machine())
    more.setdefault("wide", tuple(widened(p) for p in pools))
    return CapacityFacts(readings(values or {}), pools, workload or Workload(1_000_000, 1000), programs=KNOWN, **more)


def bound(of: CapacityFacts, name: str) -> Bound:
    return next(b for b in capacity(of) if b.id == name)


@pytest.mark.parametrize("case", INCIDENTS, ids=[case["name"] for case in INCIDENTS])
def test_what_an_incident_carried(case: dict[str, Any]) -> None:
    workload = Workload(
        case["connections"],
        1000,
        sockets_per_connection=case.get("sockets", 1),
        descriptors_per_connection=case.get("sockets", 1),
        tuples_per_connection=case.get("tuples", 1),
        own_descriptors=case.get("own", 200),
    )
    values: dict[str, Value] = {"net.ipv4.ip_local_port_range": tuple(case["range"])} if "range" in case else {}
    pools = tuple(pool(*row) for row in case.get("pools", []))
    nofile = limit(case["nofile"]) if "nofile" in case else None
    first = capacity(facts(values, pools, workload, nofile=nofile))[0]
    assert (first.id, first.hard, first.knee) == (case["smallest"], case["hard"], case.get("knee"))
    assert first.raised_by


@pytest.mark.parametrize(
    ("range_", "reserved", "hard", "knee"),
    [
        ((32768, 60999), "", 28232, 14116),
        ((1024, 65535), "", 64512, 32256),
        ((1024, 65535), "1883,8883,9000-9009", 64500, 32251),
        ((32768, 60999), "1883,32768-32777", 28222, 14111),
        ((32768, 60999), "32768-32777,32770-32779,32768", 28220, 14110),
        ((1024, 65535), 1883, 64511, 32256),
        ((32768, 60999), "garbage,99999999", 28232, 14116),
    ],
)
def test_one_pool_is_the_range_without_the_reserved(
    range_: tuple[int, int], reserved: Value, hard: int, knee: int
) -> None:
    values: dict[str, Value] = {
        "net.ipv4.ip_local_port_range": range_,
        "net.ipv4.ip_local_reserved_ports": reserved,
    }
    found = bound(facts(values), "ports:one-pool")
    assert (found.hard, found.knee) == (hard, knee)


def test_bind_shares_the_ports_of_a_source_over_all_backends() -> None:
    pools = tuple(pool("10.0.0.9", f"10.0.0.{n}:1883", 28232, BindMode.BIND) for n in (11, 12))
    ports = [b for b in capacity(facts(pools=pools)) if b.id.startswith("ports:")]
    assert [b.hard for b in ports] == [28232]
    assert "EADDRINUSE" in ports[0].fails


def test_bind_counts_what_all_backends_use_of_a_source_once() -> None:
    """200 ports, 93 of them used towards one backend and 107 towards another: still 200, none free."""
    full = [pool("10.0.0.9", f"10.0.0.{n}:1883", 200, BindMode.BIND, used) for n, used in ((11, 93), (12, 107))]
    pools = tuple(dataclasses.replace(one, free=0, free_most=0) for one in full)
    (bound,) = [b for b in capacity(facts(pools=pools)) if b.id.startswith("ports:")]
    assert (bound.hard, bound.used) == (200, 200)


def test_what_is_used_now_counts_as_carried() -> None:
    found = bound(facts(pools=(pool("10.0.0.9", "10.0.0.1:80", 200, used=50),)), "ports:all")
    assert (found.hard, found.used) == (200, 50)


def test_the_remedy_has_the_number() -> None:
    lb = Workload(1_000_000, 1000, sockets_per_connection=2, descriptors_per_connection=2)
    found = bound(facts(workload=lb, nofile=limit(131_072, "unit/haproxy.service")), "nofile")
    assert (found.hard, found.raised_by) == (65_436, "LimitNOFILE=2,000,200")


def test_a_login_and_a_process_are_not_told_to_set_a_unit() -> None:
    assert bound(facts(nofile=limit(1024, "login/root")), "nofile").raised_by.startswith("nofile=")


def test_memory_takes_two_sockets_of_a_proxied_connection() -> None:
    lb = Workload(1_000_000, 1000, sockets_per_connection=2, descriptors_per_connection=2)
    found = bound(facts(workload=lb, machine=machine(8_396_000_000)), "kernel-memory")
    assert found.hard == 1_000_000


@pytest.mark.parametrize(
    ("tracks", "limit_", "hard"),
    [(True, 262144, 262144), (True, 0, None), (Unknown(Reason.INVISIBLE), 262144, Unknown)],
)
def test_conntrack_limits_where_it_tracks(tracks: bool | Unknown, limit_: int, hard: Any) -> None:
    of = facts({"net.netfilter.nf_conntrack_max": limit_}, machine=machine(conntrack=tracks))
    found = bound(of, "conntrack").hard
    assert isinstance(found, Unknown) if hard is Unknown else found == hard


def test_no_conntrack_bound_where_nothing_is_tracked() -> None:
    assert "conntrack" not in {b.id for b in capacity(facts({"net.netfilter.nf_conntrack_max": 5}))}


def test_the_unknown_come_last() -> None:
    kinds = [isinstance(b.hard, int) for b in capacity(facts({"fs.nr_open": 1048576}, nofile=limit(1024)))]
    assert kinds == sorted(kinds, reverse=True)


@given(st.integers(0, 2**32), st.integers(0, 2**32), st.integers(1, 2), st.integers(0, 5000))
def test_a_higher_limit_never_carries_less(low: int, more: int, per: int, own: int) -> None:
    workload = Workload(
        10**6,
        1,
        sockets_per_connection=per,
        descriptors_per_connection=per,
        own_descriptors=own,
        tuples_per_connection=0,
    )
    keys = ("fs.nr_open", "fs.file-max", "fs.epoll.max_user_watches", "net.netfilter.nf_conntrack_max")

    def hard(value: int) -> dict[str, int]:
        of = facts(
            dict.fromkeys(keys, value), workload=workload, nofile=limit(value), machine=machine(value, conntrack=True)
        )
        return {b.id: b.hard for b in capacity(of) if isinstance(b.hard, int)}

    before, after = hard(low), hard(low + more)
    assert all(after[name] >= 0 and after[name] >= before.get(name, 0) for name in after)


@given(st.integers(1, 70_000), st.integers(1, 8), st.sampled_from(list(BindMode)))
def test_another_source_never_carries_less(usable: int, sources: int, mode: BindMode) -> None:
    def hard(count: int) -> Any:
        return bound(
            facts(pools=tuple(pool(f"10.0.1.{n}", "10.0.0.1:80", usable, mode) for n in range(count))), "ports:all"
        ).hard

    assert hard(sources + 1) == hard(sources) + usable


@pytest.mark.parametrize(
    ("usable", "mode", "remedy"),
    [
        (28232, BindMode.CONNECT, "15 more source addresses (31 to stay fast), range 1024 65535"),
        (64512, BindMode.CONNECT, "15 more source addresses (31 to stay fast)"),
        (64512, BindMode.EXPLICIT, "15 more source addresses"),
    ],
)
def test_the_remedy_says_what_stays_below_the_knee(usable: int, mode: BindMode, remedy: str) -> None:
    assert bound(facts(pools=(pool("10.0.0.9", "10.0.0.1:80", usable, mode),)), "ports:all").raised_by == remedy


def test_a_program_that_raises_its_soft_limit_has_the_hard_one() -> None:
    subject = Subject("nofile", "unit/haproxy.service")
    reading = Reading(subject, Unknown(Reason.ABSENT, "not running"), (1024, 524288))
    load = Workload(connections=10**6, rate=1, descriptors_per_connection=2, own_descriptors=200)
    for raises, hard in ((False, 412), (True, 262_044)):
        facts = CapacityFacts({}, (), load, machine(), nofile=reading, raises_nofile=raises)
        assert bound(facts, "nofile").hard == hard
