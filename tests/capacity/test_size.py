"""Thousands of backends: what is reckoned grows as they do, and questions to the host do not grow at all."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from hosttune.capacity import capacity, remedies
from hosttune.facts import links, pool
from hosttune.model import Backend, BindMode, Configuration, Section, Server, Settings, Workload
from tests.capacity.test_capacity import facts
from tests.capacity.test_capacity import pool as one_pool


def address(number: int) -> str:
    return f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def backends(count: int) -> tuple[Backend, ...]:
    return tuple(Backend(address(number), 80) for number in range(count))


def calls(work: Callable[[], object]) -> int:
    """Return how many functions a piece of work calls, those in C among them: no clock says as much on a busy host."""
    counted = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


class Stub:
    """A host that answers what the pools ask, and counts the questions."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def read(self, path: str) -> str:
        return {"ip_local_port_range": "32768 60999", "osrelease": "6.18.1"}.get(path.rpartition("/")[2], "0")

    def probe(self, name: str, **given: Any) -> Any:
        self.asked[name] += 1
        if name == "routes":
            way = {"source": "10.200.0.1", "gateway": "10.200.0.254", "interface": "eth0", "error": ""}
            return dict.fromkeys(given["destinations"], way)
        if name == "ways":
            return [
                {"source": "10.200.0.1", "gateway": "10.200.0.254", "interface": "eth0"} for _ in given["questions"]
            ]
        if name == "elsewhere":
            return {"rows": [], "rest": "0x0", "whole": True}
        return {"tuples": [], "held": [], "local": []} if name == "sockets" else []


def survey(count: int, host: Any) -> pool.Survey:
    made = pool.survey(host, backends(count), (), BindMode.NO_PORT, None)
    assert len(made.pools()) == count
    return made


def on_link(host: Any, count: int, known: Any) -> int | None:
    return links.on_link(host, backends(count), known)


def test_the_host_is_asked_as_often_for_thousands_as_for_one() -> None:
    asked = []
    for count in (1, 3000):
        host = Stub()
        assert on_link(host, count, survey(count, host).routes) == 0
        asked.append(host.asked)
    assert asked[0] == asked[1]
    assert set(asked[0].values()) == {1} and {"sockets", "elsewhere"} <= asked[0].keys()


def test_ways_that_are_not_known_yet_are_asked_for() -> None:
    host = Stub()
    assert on_link(host, 3, {}) == 0
    assert host.asked == {"routes": 1}


def test_pools_grow_as_backends_do() -> None:
    few, many = (calls(lambda count=count: survey(count, Stub())) for count in (100, 400))  # type: ignore[misc]
    assert many < 4.4 * few


@pytest.mark.parametrize("sections", [0, 1, 50])
@pytest.mark.parametrize("mode", list(BindMode))
def test_bounds_grow_as_backends_do(sections: int, mode: BindMode) -> None:
    """Four times the backends make four times the calls: in one section, in many, and without any."""
    few, many = (reckoned(count, sections, mode) for count in (50, 200))
    assert many < 4.4 * few


def reckoned(count: int, sections: int, mode: BindMode) -> int:
    rows = tuple(one_pool("10.200.0.1", f"{address(number)}:80", 28_232, mode) for number in range(count))
    more: dict[str, Any] = {}
    if sections:
        servers = [Server(f"s{number}", f"a.cfg:{number}", row.backend) for number, row in enumerate(rows)]
        parts = [
            Section(f"backend b{number}", "a.cfg:1", tuple(servers[number::sections])) for number in range(sections)
        ]
        settings = Settings("haproxy", "a.cfg")
        more["configuration"] = Configuration("haproxy", ("a.cfg",), settings, (), tuple(parts))
        more["routed"] = {row.backend.address: "10.200.0.1" for row in rows}
    of = facts({}, rows, Workload(1_000_000, 1000, bind_mode=mode, hold=60), **more)
    return calls(lambda: remedies(of, capacity(of)))
