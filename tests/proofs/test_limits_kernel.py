"""The other limits on the running kernel: predicted equals measured, and each fails as foretold."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosttune.host import text
from hosttune.host.live import LiveHost
from hosttune.model import Proven, Unknown
from hosttune.proofs.arena import Arena
from hosttune.proofs.child import Failed
from hosttune.proofs.experiments import accept, churn, conntrack, epoll, ghosts, knee, memory, nofile, syn
from tests import needs
from tests.proofs.arena import arena, proof, setup

ATTEMPTS = 40
"""Tests beside these open sockets for a few seconds each."""

pytestmark = pytest.mark.slow

TRIES = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
NO_PORT_LEFT = "connect: EADDRNOTAVAIL (99)"


@pytest.fixture(scope="module")
def here() -> Iterator[Arena]:
    with arena() as entered:
        yield entered


def test_the_knee_is_at_half_and_costs_more_than_twenty_times() -> None:
    forecast = knee.forecast(1024, 65535, "", setup())
    with arena() as fresh:
        answer = fresh.measure("knee", 90, **forecast.args)
    assert (answer["measured"], forecast.predicted) == (32256, 32256)
    assert answer["ratio"] > 20


@settings(max_examples=25, **TRIES)
@given(low=st.integers(1024, 60000), size=st.integers(2, 300), reserved=st.sets(st.integers(0, 299), max_size=9))
def test_the_knee_is_where_the_ports_of_one_parity_end(here: Arena, low: int, size: int, reserved: set[int]) -> None:
    ports = ",".join(str(low + port) for port in sorted(reserved))
    found = proof("knee", knee.forecast(low, low + size - 1, ports, setup()), here)
    assert found.verdict is Proven.AGREES, found


@pytest.mark.parametrize(("backlog", "somaxconn", "count"), [(0, 4096, 1), (10, 4096, 11), (65535, 4096, 4097)])
def test_the_accept_queue_holds_one_more(here: Arena, backlog: int, somaxconn: int, count: int) -> None:
    found = proof("accept", accept.forecast(backlog, somaxconn), here)
    assert (found.measured, found.verdict) == (count, Proven.AGREES)


@settings(max_examples=15, **TRIES)
@given(backlog=st.integers(0, 300), somaxconn=st.integers(0, 300))
def test_any_backlog(here: Arena, backlog: int, somaxconn: int) -> None:
    assert proof("accept", accept.forecast(backlog, somaxconn), here).verdict is Proven.AGREES


SYN = {(128, 1, 2048): 129, (1000, 1, 64): 1001, (128, 0, 64): 49, (16, 0, 2048): 17, (128, 2, 2048): 0}


@pytest.mark.parametrize("setting", SYN, ids=str)
def test_the_syn_queue(here: Arena, setting: tuple[int, int, int]) -> None:
    backlog, cookies, longest = setting
    found = proof("syn", syn.forecast("it", backlog, 4096, cookies, longest), here)
    assert (found.measured, found.verdict) == (SYN[setting], Proven.AGREES)


@settings(max_examples=40, **TRIES)
@given(
    backlog=st.integers(0, 300),
    somaxconn=st.integers(0, 300),
    cookies=st.sampled_from([0, 1, 2]),
    longest=st.integers(1, 300),
)
def test_any_syn_queue(here: Arena, backlog: int, somaxconn: int, cookies: int, longest: int) -> None:
    found = proof("syn", syn.forecast("it", backlog, somaxconn, cookies, longest), here)
    assert found.verdict is Proven.AGREES, found


GHOSTS = {(400, 128, 1): 271, (400, 399, 1): 0, (400, 400, 1): 0, (400, 398, 1): 1, (200, 128, 0): 0}


@pytest.mark.parametrize("setting", GHOSTS, ids=str)
def test_ghosts_are_what_the_backlog_has_no_room_for(setting: tuple[int, int, int]) -> None:
    burst, backlog, cookies = setting
    found = proof("ghosts", ghosts.forecast(burst, backlog, 4096, cookies, 2048))
    assert (found.measured, found.verdict) == (GHOSTS[setting], Proven.AGREES)


@pytest.mark.parametrize("call", ["socket", "connect", "accept"])
@pytest.mark.parametrize("soft", [64, 1000])
def test_the_descriptors_end_at_the_soft_limit(here: Arena, call: str, soft: int) -> None:
    found = proof("nofile", nofile.forecast(call, soft), here)
    assert (found.measured, found.verdict) == (soft, Proven.AGREES)


def test_time_wait_holds_each_port_for_a_minute() -> None:
    count, length = churn.host(0, True, 1000)
    assert proof("churn", count).verdict is Proven.AGREES
    assert proof("churn", length).verdict is Proven.AGREES


@pytest.mark.parametrize("delay", [1000, 100])
def test_the_rate_is_the_pool_by_the_delay(delay: int) -> None:
    if not text(LiveHost(), "/proc/sys/net/ipv4/tcp_tw_reuse_delay"):
        delay = 0
    (forecast,) = churn.host(1, True, delay)
    found = proof("churn", forecast)
    assert found.verdict is Proven.AGREES, found


@pytest.mark.parametrize(("reuse", "stamps", "count"), [(0, True, 1000), (1, True, 1000), (1, False, 1)])
def test_an_explicit_bind_has_no_time_wait_with_timestamps(reuse: int, stamps: bool, count: int) -> None:
    found = proof("churn", churn.explicit(reuse, stamps))
    assert (found.measured, found.verdict) == (count, Proven.AGREES)
    assert found.failed == ("" if count > 1 else NO_PORT_LEFT)


def test_without_timestamps_nothing_is_taken_over() -> None:
    count, _ = churn.host(1, False, 1000)
    found = proof("churn", count)
    assert (found.measured, found.failed, found.verdict) == (200, NO_PORT_LEFT, Proven.AGREES)


def test_the_conntrack_table_holds_its_maximum() -> None:
    maximum = text(LiveHost(), "/proc/sys/net/netfilter/nf_conntrack_max")
    (forecast,) = conntrack.predict(setup(conntrack_max=int(maximum) if maximum else None))
    if isinstance(forecast.predicted, Unknown):
        needs.missing(str(forecast.predicted))
    found = proof("conntrack", forecast)
    assert (found.measured, found.verdict) == (int(maximum), Proven.AGREES)


def _root() -> None:
    if not setup().root:
        needs.missing(needs.ROOT)


def test_memory_of_a_socket() -> None:
    _root()
    (forecast,) = memory.predict(setup())
    for attempt in range(ATTEMPTS):
        try:
            found = proof("memory", forecast)
            break
        except Failed:  # others opened sockets meanwhile, and it says so
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(2)
    assert found.verdict is Proven.AGREES, found


def test_epoll_watches_of_a_user() -> None:
    _root()
    watches = int(text(LiveHost(), "/proc/sys/fs/epoll/max_user_watches"))
    (forecast,) = epoll.predict(setup(watches=watches))
    found = proof("epoll", forecast)
    assert (found.measured, found.verdict) == (watches, Proven.AGREES)
