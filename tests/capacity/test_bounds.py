"""Each family of bounds: the numbers that the kernel was seen to hold to, and what raises them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hosttune.capacity import capacity
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.footprint import pages
from hosttune.model import (
    Backend,
    BindMode,
    Bound,
    GroupLimit,
    PortPool,
    Process,
    Reading,
    Reason,
    Subject,
    Unknown,
    Value,
    Workload,
)
from hosttune.profile import clouds
from tests.capacity.test_capacity import facts, limit, machine, pool

BUSY = Workload(10**6, 10**6, hold=1, own_descriptors=0)
"""More connections a second than any pool serves, none of which stays."""

FAR, NEAR = ("10.0.0.9", "10.0.0.11:1883"), ("127.0.0.1", "127.0.0.1:80")
SERVER = Workload(100_000, 1000, tuples_per_connection=0, own_descriptors=0)


def find(of: CapacityFacts, name: str) -> Bound:
    return next(b for b in capacity(of) if b.id == name)


@pytest.mark.parametrize(
    ("ports", "settings", "mode", "pair", "rate"),
    [
        (28232, {"tcp_tw_reuse": 0, "tcp_timestamps": 1}, BindMode.CONNECT, FAR, 470),
        (64512, {"tcp_tw_reuse": 0, "tcp_timestamps": 1}, BindMode.CONNECT, FAR, 1075),
        (28232, {"tcp_tw_reuse": 2, "tcp_timestamps": 1}, BindMode.NO_PORT, FAR, 470),
        (28232, {"tcp_tw_reuse": 2, "tcp_timestamps": 1}, BindMode.NO_PORT, NEAR, 28232),
        (28232, {"tcp_tw_reuse": 1, "tcp_timestamps": 1}, BindMode.CONNECT, FAR, 28232),
        (28232, {"tcp_tw_reuse": 1, "tcp_timestamps": 0}, BindMode.CONNECT, FAR, 470),
        (200, {"tcp_tw_reuse": 1, "tcp_timestamps": 1, "tcp_tw_reuse_delay": 100}, BindMode.CONNECT, FAR, 2000),
        (200, {"tcp_tw_reuse": 1, "tcp_timestamps": 1}, BindMode.BIND, FAR, 3),
        (200, {"tcp_tw_reuse": 0, "tcp_timestamps": 1}, BindMode.EXPLICIT, FAR, None),
        (200, {"tcp_tw_reuse": 0, "tcp_timestamps": 0}, BindMode.EXPLICIT, FAR, 3),
    ],
)
def test_the_rate_of_a_pool(
    ports: int, settings: dict[str, Value], mode: BindMode, pair: tuple[str, str], rate: int | None
) -> None:
    values = {f"net.ipv4.{key}": value for key, value in settings.items()}
    of = facts(values, (pool(*pair, ports, mode),), dataclasses.replace(BUSY, bind_mode=mode))
    found = find(of, "churn:all")
    assert (found.hard, found.unit) == (rate, "connections/s")


def test_connections_that_stay_have_no_rate() -> None:
    stay = dataclasses.replace(BUSY, hold=0)
    found = find(facts({"net.ipv4.tcp_tw_reuse": 0}, (pool(*FAR, 28232),), stay), "churn:all")
    assert found.hard is None and any("470 connections/s" in note for note in found.notes)


def test_closed_connections_keep_their_tuples_beside_the_open_ones() -> None:
    # lives 60 s and keeps its tuple for 60 s: half of the tuples are open
    of = facts({"net.ipv4.tcp_tw_reuse": 0}, (pool(*FAR, 10_000),), Workload(20_000, 10_000, hold=60))
    assert find(of, "ports:all").hard == 5000
    # what does not end cannot be more than what begins: 10/s keep 600
    slow = dataclasses.replace(of, workload=Workload(20_000, 10, hold=60))
    assert find(slow, "ports:all").hard == 9400


def test_a_tuple_that_serves_again_is_counted_once() -> None:
    one = pool(*FAR, 28232)
    waiting = dataclasses.replace(one, time_wait=1000)
    assert find(facts(pools=(waiting,)), "ports:all").hard == 28232


def test_families_of_addresses_share_no_ports_with_bind() -> None:
    six = PortPool("fd00::9", Backend("fd00::1", 80), BindMode.BIND, 1, 9, 100, 0, 0, 100, 0, 0, 0, 100, 100, 50)
    of = facts(pools=(six, dataclasses.replace(six, backend=Backend("fd00::2", 80)), pool(*FAR, 900, BindMode.BIND)))
    # two of three connections are to IPv6 backends, which have 100 ports together
    assert find(of, "ports:all").hard == 150


def test_the_cost_beyond_the_knee_is_told() -> None:
    found = find(facts(pools=(pool(*FAR, 64512),)), "ports:all")
    assert any("32,256 ports, about 1.94 ms: 1.9 CPUs at 1,000/s" in note for note in found.notes)


@pytest.mark.parametrize(
    ("somaxconn", "backlog", "stall", "rate", "need"),
    [
        (128, 0, 1.0, 129, "net.core.somaxconn=999"),
        (128, 0, 0.1, 1290, ""),
        (4096, 16, 1.0, 17, "a backlog of 999 in the program"),
        (128, 16, 2.0, 8, "net.core.somaxconn=1,999, a backlog of 1,999 in the program"),
        (0, 0, 1.0, 1, "net.core.somaxconn=999"),
    ],
)
def test_the_accept_queue_holds_one_more_than_the_backlog(
    somaxconn: int, backlog: int, stall: float, rate: int, need: str
) -> None:
    load = dataclasses.replace(SERVER, backlog=backlog, stall=stall)
    found = find(facts({"net.core.somaxconn": somaxconn}, workload=load), "accept-queue")
    assert (found.hard, found.unit, found.raised_by) == (rate, "connections/s", need)
    assert "the server never had" in found.fails


@pytest.mark.parametrize(("most", "held", "need"), [(64, 49, 1331), (2048, 1001, 0), (1000, 751, 1331)])
def test_half_open_connections_without_cookies(most: int, held: int, need: int) -> None:
    values: dict[str, Value] = {
        "net.core.somaxconn": 1000,
        "net.ipv4.tcp_max_syn_backlog": most,
        "net.ipv4.tcp_syncookies": 0,
    }
    found = find(facts(values, workload=SERVER), "syn-queue")
    assert found.hard == held
    assert found.raised_by == (f"net.ipv4.tcp_max_syn_backlog={need:,}" if need else "")
    with_cookies = facts({**values, "net.ipv4.tcp_syncookies": 1}, workload=SERVER)
    assert find(with_cookies, "syn-queue").hard is None


def test_a_client_has_no_accept_queue() -> None:
    assert not {"accept-queue", "syn-queue"} & {b.id for b in capacity(facts({"net.core.somaxconn": 1}))}


@pytest.mark.parametrize(
    ("queued", "charged"), [(0, 0), (1, 1), (1400, 1), (3200, 1), (3500, 2), (8000, 3), (30000, 8)]
)
def test_pages_of_a_queue(queued: int, charged: int) -> None:
    assert pages(queued) == charged


def test_queued_data_slows_and_refuses_nothing() -> None:
    load = Workload(1_000_000, 1000, bytes_in_flight=100)
    found = find(facts({"net.ipv4.tcp_mem": (287898, 383867, 575796)}, workload=load), "tcp-mem")
    assert (found.hard, found.knee) == (None, 575_796)
    assert found.raised_by == "net.ipv4.tcp_mem=500,000 666,666 1,000,000"


def test_orphans_of_a_mass_disconnect() -> None:
    load = dataclasses.replace(SERVER, disconnect=0.1)
    found = find(facts({"net.ipv4.tcp_max_orphans": 4096}, workload=load), "orphans")
    assert (found.hard, found.knee, found.raised_by) == (None, 40_960, "net.ipv4.tcp_max_orphans=10,000")


def test_entries_of_closed_connections_stay_two_minutes() -> None:
    load = Workload(200_000, 1000, hold=100, tuples_per_connection=0)
    key = "net.netfilter.nf_conntrack_max"
    found = find(facts({key: 262_144}, workload=load, machine=machine(conntrack=True), tracked=144), "conntrack")
    # 262,000 are left: 1,000/s keep 120,000
    assert found.hard == 142_000
    assert found.remedies[0].value == 200_000 + 120_000 + 144


@pytest.mark.parametrize(("peers", "hard"), [(1024, None), (2048, 50_000)])
def test_neighbours(peers: int, hard: int | None) -> None:
    load = dataclasses.replace(SERVER, backends=(Backend("10.0.0.1", 80),))
    found = find(facts({"net.ipv4.neigh.default.gc_thresh3": 1024}, workload=load, on_link=peers), "neighbours")
    assert found.hard == hard
    assert found.raised_by == ("net.ipv4.neigh.default.gc_thresh3=2,048" if hard else "")


def test_a_thread_takes_an_id_and_two_maps() -> None:
    load = dataclasses.replace(SERVER, threads_per_connection=1)
    values: dict[str, Value] = {"kernel.threads-max": 5000, "kernel.pid_max": 32768, "vm.max_map_count": 65530}
    group = GroupLimit("pids", "system.slice/x.service", "/sys/fs/cgroup/system.slice/x.service/pids.max", 1140, 3)
    of = facts(values, workload=load, threads=100, groups=(group,))
    found = {b.id: (b.hard, b.raised_by) for b in capacity(of)}
    assert found["threads-max"] == (4900, "kernel.threads-max=100,100")
    assert found["pid-max"] == (32_368, "kernel.pid_max=100,400")
    assert found["map-count"] == (32_765, "vm.max_map_count=200,000")
    assert found["cgroup-pids:system.slice/x.service"] == (1137, "TasksMax=100,003 of x.service")
    assert "threads-max" not in {b.id for b in capacity(facts(values, workload=SERVER))}


def test_what_no_kernel_takes_is_not_advised() -> None:
    load = dataclasses.replace(SERVER, connections=10**7, threads_per_connection=1)
    found = find(facts({"kernel.pid_max": 32768}, workload=load), "pid-max")
    assert found.hard == 32_468 and not found.remedies


def test_a_service_is_charged_for_its_sockets() -> None:
    load = Workload(1_000_000, 1000, sockets_per_connection=2, descriptors_per_connection=2)
    file = "/sys/fs/cgroup/system.slice/haproxy.service/memory.max"
    group = GroupLimit("memory", "system.slice/haproxy.service", file, 2**30, 100 << 20)
    found = find(facts(workload=load, groups=(group,)), f"cgroup-memory:{group.group}")
    assert found.hard == (2**30 - (100 << 20)) // 8396
    assert found.raised_by == "MemoryMax=8.0 GiB of haproxy.service"


def test_groups_that_could_not_be_told_are_a_bound_that_could_not() -> None:
    unknown = Unknown(Reason.NOT_RECORDED, "/sys/fs/cgroup/memory.max")
    assert find(facts(groups=unknown), "cgroup").hard == unknown


def test_the_program_is_measured_where_it_has_enough_connections() -> None:
    load = Workload(1_000_000, 1000, own_descriptors=200)
    few = facts(workload=load, machine=machine(2**34), process=Process(7, 9_999, 2**30, False))
    assert find(few, "kernel-memory").notes[0].startswith("process 7 has too few descriptors")
    many = facts(workload=load, machine=machine(2**34), process=Process(7, 100_200, 100_200 * 5000, False))
    found = find(many, "memory")
    # what it carries now, and what 16 GiB hold of 4,198 bytes of the kernel and 5,000 of its own
    assert (found.used, found.hard) == (100_000, 100_000 + 2**34 // 9198)


def test_memory_of_open_sockets_is_not_free_though_it_counts_as_reclaimable() -> None:
    load = Workload(1_000_000, 1000)
    of = facts(workload=load, machine=machine(2**32), sockets_open=1_000_000)
    assert find(of, "kernel-memory").hard == (2**32 - 1_055_000_000) // 4198


@pytest.mark.parametrize(("exempt", "hard"), [(False, 9_850), (True, None), (None, 9_850)])
def test_file_max_leaves_out_who_is_exempt(exempt: bool | None, hard: int | None) -> None:
    load = Workload(1_000_000, 1000, own_descriptors=50)
    of = facts({"fs.file-max": 10_000}, workload=load, files_open=600, process=Process(7, 500, None, exempt))
    # 100 files of others, 50 of the program: the 500 that it holds are among those it may have
    assert find(of, "file-max").hard == hard


def test_pipes_of_a_proxy_that_splices() -> None:
    load = Workload(1_000, 10, descriptors_per_connection=2, pipes_per_connection=0.25, own_descriptors=100)
    found = find(facts(workload=load, nofile=limit(1100)), "nofile")
    assert (found.hard, found.raised_by) == (400, "LimitNOFILE=2,600")


@pytest.mark.parametrize(
    ("cloud", "cpus", "sockets", "said"),
    [
        ("azure", 8, 2, "Azure publishes 250,000 connections"),
        ("azure", 8, 1, "Azure publishes 500,000 connections"),
        ("gcp", 4, 1, "Google publishes 520,000 connections"),
        ("gcp", 64, 2, "Google publishes 520,000 connections"),
        ("gcp", 64, 1, ""),
    ],
)
def test_what_clouds_publish_speaks_where_it_matters(cloud: str, cpus: int, sockets: int, said: str) -> None:
    load = Workload(1_000_000, 1000, sockets_per_connection=sockets)
    host = dataclasses.replace(machine(), cloud=cloud, cpus=cpus)
    found = find(facts(workload=load, machine=host, clouds=clouds.every()), "cloud")
    assert said in str(found.hard) if said else found.hard is None


def test_what_amazon_counts_is_a_bound() -> None:
    load = Workload(1_000_000, 1000, sockets_per_connection=2)
    found = find(facts(workload=load, allowance=76_957), "cloud")
    assert found.hard == 38_478 and "tracks 2,000,000 more" in found.raised_by


def test_rates_come_after_all_connections() -> None:
    units = [b.unit for b in capacity(facts({"net.core.somaxconn": 1}, workload=SERVER, nofile=limit(9)))]
    assert units == sorted(units) and set(units) == {"connections", "connections/s"}


def test_a_value_that_the_kernel_took_by_mistake_allows_nothing() -> None:
    of: Any = facts(
        workload=SERVER,
        nofile=Reading(Subject("nofile", "pid/1"), (5, 5), Unknown(Reason.UNSET)),
        machine=machine(conntrack=True),
    )
    of = dataclasses.replace(of, readings={"sysctl:fs.file-max": Reading(Subject("sysctl", "fs.file-max"), -1, -1)})
    assert find(of, "file-max").hard == 0
