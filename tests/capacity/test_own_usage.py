"""What the workload itself uses is part of its capacity: with its connections open the totals are those without."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.capacity import capacity
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Backend, BindMode, Machine, PortPool, Process, Value, Workload
from tests.capacity.world import reading

OPEN = 150
PORTS = 28_232
BACKEND = Backend("10.0.0.9", 1883)
LIMITS: dict[str, Value] = {
    "sysctl:fs.file-max": 1_000_000,
    "sysctl:fs.nr_open": 1_048_576,
    "sysctl:fs.epoll.max_user_watches": 500_000,
    "sysctl:net.netfilter.nf_conntrack_max": 262_144,
    "sysctl:net.ipv4.ip_local_port_range": (32_768, 60_999),
    "sysctl:net.ipv4.tcp_tw_reuse": 0,
    "sysctl:net.ipv4.tcp_timestamps": 1,
    "sysctl:kernel.threads-max": 100_000,
    "sysctl:kernel.pid_max": 4_194_304,
}
MACHINE = Machine(
    "h", "debian", "12", "", "6.18.1", 2, 24 << 30, 20 << 30, "", "", "", None, True, True, "", page_size=4096
)


def host(mode: BindMode, connections: int) -> CapacityFacts:
    """Return a client with so many connections open, towards its only backend."""
    pool = PortPool(
        *("10.0.0.1", BACKEND, mode, 32_768, 60_999, PORTS, 0, 0, PORTS, connections, 0, 0),
        *(PORTS - connections, PORTS - connections, None),
    )
    return CapacityFacts(
        readings={name: reading(name, value) for name, value in LIMITS.items()},
        pools=(pool,),
        workload=Workload(1000, 100, bind_mode=mode, backends=(BACKEND,)),
        machine=MACHINE,
        nofile=dataclasses.replace(reading("nofile:pid/7", (1000, 1000))),
        program="of process 7",
        files_open=2_000 + connections,
        threads=300,
        process=Process(7, 3 + connections, None, False, "bench", 1, 0, connections),
        sockets_open=20 + connections,
    )


@pytest.mark.parametrize("mode", list(BindMode))
def test_the_totals_do_not_move(mode: BindMode) -> None:
    before, after = (
        {bound.id: bound.hard for bound in capacity(host(mode, count)) if isinstance(bound.hard, int)}
        for count in (0, OPEN)
    )
    assert {"nofile", "kernel-memory", "ports:all"} <= before.keys()
    assert before.keys() == after.keys()
    moved = {name: (hard, after[name]) for name, hard in before.items() if after[name] != hard}
    # what is available stands still here, though open sockets have taken of it
    memory = moved.pop("kernel-memory", (0, 0))
    assert abs(memory[1] - memory[0]) <= OPEN
    assert moved == {}
