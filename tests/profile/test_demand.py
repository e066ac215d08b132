"""What a workload asks: floors that follow it, and nothing where it needs nothing."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.model import Backend, BindMode, Machine, Value, Workload
from hosttune.profile.demand import FUNCTIONS, NOTHING
from tests.profile.test_shipped import MACHINE

PROXY = Workload(1000, 10, sockets_per_connection=2, descriptors_per_connection=2)
CLIENT = Workload(1000, 10)
SERVER = Workload(1000, 10, tuples_per_connection=0)
BACKENDS = (Backend("10.0.0.1", 80, sources=("10.0.1.1", "10.0.1.2")), Backend("10.0.0.2", 80))
QUEUES = dataclasses.replace(MACHINE, queueing=("RPS of eth0",))
DROPS = dataclasses.replace(MACHINE, queueing=("18 packets dropped",))


def asked(name: str, load: Workload, machine: Machine = MACHINE, /, **given: float) -> Value | None:
    return FUNCTIONS[name](load, machine, given)


@pytest.mark.parametrize(
    ("connections", "mode", "backends", "wanted"),
    [
        (28_232, BindMode.CONNECT, (), (32768, 60999)),
        (28_233, BindMode.CONNECT, (), (16384, 65535)),
        (49_152, BindMode.NO_PORT, (), (16384, 65535)),
        (49_153, BindMode.NO_PORT, (), (10240, 65535)),
        (55_297, BindMode.NO_PORT, (), (1024, 65535)),
        (1_000_000, BindMode.NO_PORT, (), (1024, 65535)),
        (3 * 28_232, BindMode.NO_PORT, BACKENDS, (32768, 60999)),
        (3 * 28_232, BindMode.BIND, BACKENDS, (1024, 65535)),
        (1_000_000, BindMode.EXPLICIT, BACKENDS, NOTHING),
    ],
)
def test_the_range_is_the_least_that_holds_them(
    connections: int, mode: BindMode, backends: tuple[Backend, ...], wanted: Value
) -> None:
    load = dataclasses.replace(PROXY, connections=connections, bind_mode=mode, backends=backends)
    assert asked("port_range", load) == wanted
    assert asked("port_range", dataclasses.replace(load, tuples_per_connection=0)) == NOTHING


def test_the_queue_of_a_cpu_is_asked_for_only_where_packets_wait_in_it() -> None:
    given = {"least": 1000, "packets": 4}
    busy = dataclasses.replace(PROXY, rate=1000)
    assert asked("backlog", busy, **given) == NOTHING
    assert asked("backlog", busy, QUEUES, **given) == 8000
    assert asked("backlog", PROXY, QUEUES, **given) == 1000
    assert asked("backlog", PROXY, DROPS, **given) == 1000
    assert asked("backlog", busy, DROPS, **given) == 8000
    near = dataclasses.replace(busy, backends=(Backend("127.0.0.1", 80),))
    assert asked("backlog", near, **given) == 8000


def test_who_accepts_nothing_has_no_queue_of_a_listener() -> None:
    assert asked("burst", CLIENT) == asked("half_open", CLIENT) == NOTHING
    assert (asked("burst", SERVER), asked("half_open", SERVER)) == (9, 14)
    assert asked("burst", dataclasses.replace(SERVER, rate=10_001, stall=1.5)) == 15_001


def test_only_what_ends_leaves_something_behind() -> None:
    assert asked("time_wait", CLIENT) == NOTHING
    ending = dataclasses.replace(CLIENT, connections=1000, rate=1000, hold=10)
    assert asked("time_wait", ending) == 100 * 60  # no more end than there are
    assert asked("tracked", ending, time_wait=120) == 1000 + 100 * 120
    assert asked("buckets", ending, time_wait=120, each=4) == 7 * 512  # 3,250, in whole pages of pointers


def test_threads_and_peers_are_asked_for_where_there_are_any() -> None:
    for name in ("threads", "ids", "maps", "peers", "orphans"):
        assert asked(name, CLIENT, spare=300) == NOTHING
    load = dataclasses.replace(CLIENT, threads_per_connection=2, backends=BACKENDS, disconnect=0.1)
    assert asked("ids", load, spare=300) == 2300
    assert (asked("threads", load), asked("maps", load), asked("peers", load), asked("orphans", load)) == (
        2000,
        4000,
        2,
        100,
    )
