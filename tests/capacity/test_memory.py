"""Memory by what is known: the kernel's figure, MPTCP, messages that wait, what a group is charged."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.capacity import capacity
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.footprint import queue
from hosttune.model import Bound, GroupLimit, Process, Unknown, Value, Workload
from hosttune.profile import demand
from tests.capacity.test_capacity import facts, limit, machine

LOAD = Workload(1_000_000, 1000)
TCP_MEM: dict[str, Value] = {
    "net.ipv4.tcp_mem": (287898, 383867, 575796),
    "net.ipv4.tcp_rmem": (4096, 131072, 6291456),
    "net.ipv4.tcp_wmem": (4096, 16384, 4194304),
}


def find(of: CapacityFacts, kind: str) -> Bound:
    return next(b for b in capacity(of) if b.kind == kind)


def on(kernel: str, **more: object) -> CapacityFacts:
    of = facts(workload=LOAD, machine=dataclasses.replace(machine(2**34), kernel=kernel))
    return dataclasses.replace(of, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kernel", "least", "most"),
    [("6.18.4", 4190, 4190), ("5.10.223", 3934, 3934), ("6.1.0-48-amd64", 4010, 4010), ("6.6.1", 3934, 4241)],
)
def test_an_idle_socket_has_the_figure_of_its_kernel(kernel: str, least: int, most: int) -> None:
    found = find(on(kernel), "kernel-memory")
    assert found.hard == 2**34 // (most + 8)
    assert found.most == (2**34 // (least + 8) if least < most else None)


def test_mptcp_takes_more_and_is_said() -> None:
    found = find(on("6.18.4", multipath=True), "kernel-memory")
    assert (found.hard, found.most) == (2**34 // 6902, 2**34 // 4198)
    assert any("MPTCP" in note for note in found.notes)


def test_the_best_case_is_never_all_that_is_said_of_tcp_mem() -> None:
    found = find(facts(TCP_MEM, workload=LOAD), "tcp-mem")
    assert (found.hard, found.knee) == (None, None)
    # 6 MiB received and 4 MiB sent: 2,560 pages
    assert found.notes[0].startswith("from 224 connections") and "to 575,796 with one page" in found.notes[0]


@pytest.mark.parametrize(
    ("queued", "message", "least", "most"),
    [(6400, 64, 2, 24), (10_000, 200, 3, 14), (14_600, 1460, 4, 6), (16_000, 0, 5, 5), (64, 64, 1, 1), (0, 64, 0, 0)],
)
def test_small_messages_take_more_pages(queued: int, message: int, least: int, most: int) -> None:
    span = queue(queued, message)
    assert (span.least, span.most) == (least, most)


def test_what_waits_is_the_same_for_the_bound_and_for_what_is_required() -> None:
    load = dataclasses.replace(LOAD, bytes_in_flight=6400, message_size=64)
    found = find(facts(TCP_MEM, workload=load), "tcp-mem")
    assert found.knee == 575_796 // 24
    host = dataclasses.replace(machine(2**40), page_size=4096)
    wanted = demand.memory_pages(load, host, {"low": 0.01, "pressure": 0.02, "high": 0.03})
    assert found.remedies[0].value == wanted == (12_000_000, 16_000_000, 24_000_000)


@pytest.mark.parametrize(("kernel", "most"), [("5.10.223", 30_602), ("6.12.1", None), ("7.2.13", None)])
def test_accepted_sockets_are_charged_to_a_group_since_a_release(kernel: str, most: int | None) -> None:
    group = GroupLimit("memory", "x.service", "/sys/fs/cgroup/x.service/memory.max", 48 << 20, 2 << 20)
    load = dataclasses.replace(LOAD, tuples_per_connection=0)
    found = find(on(kernel, workload=load, groups=(group,)), "cgroup-memory")
    assert isinstance(found.hard, int) and found.hard < 13_000
    if most:
        assert found.most is not None and abs(found.most - most) < 100 and "may allow more" in found.notes[-1]
    elif kernel.startswith("7"):
        assert found.most is None


def test_descriptors_do_not_bound_sockets_that_have_none() -> None:
    of = facts(workload=LOAD, nofile=limit(64), process=Process(7, 11, None, False, direct=300))
    found = find(of, "nofile")
    assert isinstance(found.hard, Unknown) and "300 sockets" in found.hard.detail and not found.remedies


@pytest.mark.parametrize(("page", "raised"), [(4096, True), (65536, False)])
def test_no_remedy_takes_more_than_half_of_memory(page: int, raised: bool) -> None:
    load = Workload(600_000, 1000, bytes_in_flight=100)
    of = facts(TCP_MEM, workload=load, machine=dataclasses.replace(machine(2**34), page_size=page, memory=2**34))
    found = find(of, "tcp-mem")
    assert (bool(found.remedies), any("more than half of RAM" in note for note in found.notes)) == (raised, not raised)
