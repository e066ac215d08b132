"""What programs keep for themselves of nofile, by what is known of them; tests/programs has the programs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hosttune.capacity import capacity
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Configuration, Machine, Process, Reading, Reason, Settings, Subject, Unknown, Workload
from hosttune.programs import knowledge

KNOWN = knowledge.every()
MACHINE = Machine("h", "debian", "12", "", "6.18", 2, None, None, "", "", "", False, True, True, "initial")
BROKER = Workload(10_000, 1, tuples_per_connection=0, own_descriptors=1000)
PROXY = Workload(10_000, 1, sockets_per_connection=2, descriptors_per_connection=2, own_descriptors=200)


def found(load: Workload, nofile: int, process: Process | None, name: str = "nofile", **more: Any) -> Bound:
    subject = Subject("nofile", "pid/7" if process else "unit/x.service")
    reading = Reading(subject, (nofile, nofile), Unknown(Reason.UNSET))
    facts = CapacityFacts({}, (), load, MACHINE, nofile=reading, process=process, programs=KNOWN, **more)
    return next(bound for bound in capacity(facts) if bound.id == name)


def process(name: str, held: int, **more: Any) -> Process:
    return Process(7, held, None, False, name, **more)


@pytest.mark.parametrize(("wrapped", "hard"), [(True, 1014), (False, 1015), (None, 1015)])
def test_a_full_broker_shows_what_it_carries(wrapped: bool | None, hard: int) -> None:
    """An incident of 1,015 clients at a soft limit of 1,024: nine descriptors are its own."""
    bound = found(BROKER, 1024, process("mosquitto", 1024, accepted=1015, outgoing=0, wrapped=wrapped))
    assert (bound.hard, bound.used) == (hard, 1015)
    assert any("which is unknown" in note for note in bound.notes) == (wrapped is None)
    assert ("denied access by tcpd" in bound.log, "socket count" in bound.log) == (wrapped is not False, not wrapped)


@pytest.mark.parametrize(("name", "hard", "least"), [("nginx", 400, 5010), ("envoy", 100, 20_010)])
def test_workers_are_added_up_where_each_is_known_to_accept(name: str, hard: int, least: int) -> None:
    bound = found(PROXY, 210, process(name, 10, accepted=0, outgoing=0, workers=4, total=40))
    assert bound.hard == hard
    (need,) = bound.remedies
    assert need.value == least
    assert any("reckoned for process 7 alone" in note for note in bound.notes) == (name == "envoy")


def test_what_all_workers_hold_is_among_what_they_may_have() -> None:
    one = process("nginx", 110, accepted=50, outgoing=50, workers=4, total=400)
    bound = found(PROXY, 210, one)
    assert bound.used == (400 - 4 * 10) // 2


@pytest.mark.parametrize(
    ("settings", "nofile", "hard", "said"),
    [
        (Settings("haproxy", "/h.cfg", kept=1, threads=2), 310, 146, "nothing is logged"),
        (Settings("haproxy", "/h.cfg", kept=1), 310, 146, "nothing is logged"),
        (Settings("haproxy", "/h.cfg", kept=1, threads=2, ceiling=250), 310, 116, "nothing is logged"),
        (Settings("haproxy", "/h.cfg", 1000, 1, 2), 310, 0, "does not start"),
        (Settings("haproxy", "/h.cfg", 1000, 1, 2), 2016, 0, "does not start"),
        (Settings("haproxy", "/h.cfg", 1000, 1, 2), 2017, 1000, "does not start"),
        (Settings("haproxy", "/h.cfg", 1000, 1, 2, strict=False), 310, 55, "EMFILE"),
    ],
)
def test_a_proxy_that_is_to_start_with_its_configuration(settings: Settings, nofile: int, hard: int, said: str) -> None:
    bound = found(PROXY, nofile, None, configuration=Configuration("haproxy", ("/h.cfg",), settings))
    assert bound.hard == hard and said in bound.fails


def test_a_backlog_is_that_of_the_listener_else_of_the_program() -> None:
    for one, rate in ((process("x", 9, backlogs=(500, 128)), 129), (process("mosquitto", 9), 101)):
        reading = Reading(Subject.parse("sysctl:net.core.somaxconn"), 4096, Unknown(Reason.UNSET))
        subject = Reading(Subject("nofile", "pid/7"), (99, 99), Unknown(Reason.UNSET))
        readings = {"sysctl:net.core.somaxconn": reading}
        facts = CapacityFacts(readings, (), BROKER, MACHINE, nofile=subject, process=one, programs=KNOWN)
        assert next(b for b in capacity(facts) if b.id == "accept-queue").hard == rate


def test_a_profile_that_is_exact_has_the_last_word() -> None:
    load = Workload(10, 1, tuples_per_connection=0, own_descriptors=20, own_descriptors_exact=True)
    assert found(load, 120, process("mosquitto", 9, accepted=0, outgoing=0, wrapped=True)).hard == 100


WORKERS = Settings("nginx", "/n.conf", kept=7, workers=2, nofile=91, nofile_name="worker_rlimit_nofile")


def test_workers_that_are_to_start_have_what_their_configuration_gives_them() -> None:
    bound = found(PROXY, 1024, None, configuration=Configuration("nginx", ("/n.conf",), WORKERS))
    assert bound.hard == 2 * 42
    assert bound.reads == "worker_rlimit_nofile of /n.conf, when its workers start"
    (need,) = bound.remedies
    assert need.value == 10_007 and need.text == f"worker_rlimit_nofile {need.comfortable} (/n.conf)"


def test_workers_have_the_limit_of_their_unit_where_nothing_else_is_set() -> None:
    settings = dataclasses.replace(WORKERS, nofile=0)
    bound = found(PROXY, 91, None, configuration=Configuration("nginx", ("/n.conf",), settings))
    assert bound.hard == 2 * 42 and "each of 2 workers" in bound.notes[0]


def test_workers_that_run_show_what_they_have() -> None:
    running = process("nginx", 11, accepted=0, outgoing=0, workers=4, total=44)
    bound = found(PROXY, 1011, running, configuration=Configuration("nginx", ("/n.conf",), WORKERS))
    assert bound.hard == 4 * 500
