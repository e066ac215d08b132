"""Queues belong to sockets: those that share a port add up, each port is a bound, an off-by-one goes by the release."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.capacity import capacity
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Listener, Process, Value, Workload
from tests.capacity.test_capacity import facts, machine

SERVER = Workload(100_000, 1000, tuples_per_connection=0, own_descriptors=0)
APP = Workload(1000, 1000)


def host(load: Workload, *listeners: Listener, kernel: str = "6.18.1", **settings: Value) -> CapacityFacts:
    backlogs = tuple(listener.backlog for listener in listeners)
    process = Process(7, 20, None, False, backlogs=backlogs, listeners=listeners) if listeners else None
    values = {"net.core.somaxconn": 4096, **{f"net.ipv4.{key}": value for key, value in settings.items()}}
    return facts(values, workload=load, process=process, machine=dataclasses.replace(machine(), kernel=kernel))


def queues(of: CapacityFacts, kind: str = "accept-queue") -> dict[str, Bound]:
    return {bound.id: bound for bound in capacity(of) if bound.kind == kind}


def at(port: int, backlog: int, inode: int = 0) -> Listener:
    return Listener("10.0.0.1", port, 0, backlog, inode)


@pytest.mark.parametrize("load", [SERVER, APP])
def test_sockets_that_share_a_port_hold_what_all_hold_if_the_hash_is_even(load: Workload) -> None:
    (found,) = queues(host(load, *(at(1890, 10, n) for n in range(4)))).values()
    assert (found.id, found.hard, found.most) == ("accept-queue", 11, 44)
    assert "44 in all" in found.notes[0] and "full at 11" in found.notes[0]


def test_those_that_share_a_port_may_differ() -> None:
    (found,) = queues(host(SERVER, at(1890, 10), at(1890, 20))).values()
    assert (found.hard, found.most) == (11, 32) and "11 to 21 each" in found.notes[0]


def test_each_port_of_a_program_is_a_bound() -> None:
    found = queues(host(SERVER, at(80, 10), at(81, 20), at(81, 20)))
    assert {id: (b.hard, b.most) for id, b in found.items()} == {
        "accept-queue:10.0.0.1:80": (11, None),
        "accept-queue:10.0.0.1:81": (21, 42),
    }


def test_who_only_connects_has_no_queue() -> None:
    assert not queues(host(APP)) and not queues(host(APP), "syn-queue")


@pytest.mark.parametrize(
    ("kernel", "hard", "most"),
    [
        ("5.10.223", 100, None),
        ("5.10.234", 101, None),
        ("6.1.176", 101, None),
        ("6.12.9", 100, None),
        ("6.13.0", 101, None),
        ("6.18.44-fc", 101, None),
        ("6.1.0-48-amd64", 100, 101),
        ("", 100, 101),
    ],
)
def test_one_more_half_open_connection_goes_by_the_release(kernel: str, hard: int, most: int | None) -> None:
    of = host(SERVER, at(80, 100), kernel=kernel, tcp_syncookies=0, tcp_max_syn_backlog=4096)
    (found,) = queues(of, "syn-queue").values()
    assert (found.hard, found.most) == (hard, most)
    assert any("prove --only syn" in note for note in found.notes) == (most is not None)
    # what raises it does so on either kernel
    want = next(remedy.value for remedy in found.remedies if remedy.subject == "listen:backlog")
    assert want == (999 if most is None and hard == 101 else 1000)
