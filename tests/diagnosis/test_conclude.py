"""What the causes come to: the program itself only where it stands at its number and nothing else is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hosttune.diagnosis import Clues, concluding, diagnose
from hosttune.model import Cause, Certainty, Conclusion, Evidence, Flow, Rates, Sample, Traffic
from tests.diagnosis.given import clues, hit, pool, program

AT_IT = {"at": 1_000, "programs": (program(1_030, 65_536),)}
ONCE = Cause("ghosts", "the queue ran over", Certainty.POSSIBLE, evidence=(Evidence("once", past=True),), confirm="x")
NOW = Cause("ghosts", "the queue runs over", Certainty.POSSIBLE, evidence=(Evidence("now"),), confirm="x")
ELSEWHERE = Cause("knee", "half is used", Certainty.POSSIBLE, 14_116, evidence=(Evidence("now"),), confirm="x")
HERE = Cause("tcp-mem", "memory is full", Certainty.POSSIBLE, 1_000, evidence=(Evidence("now"),), confirm="x")
LIKELY = Cause("nofile", "descriptors run out", Certainty.LIKELY, 1_024, evidence=(Evidence("now"),), confirm="x")
UNKNOWN = Cause("nofile", "descriptors run out", Certainty.UNKNOWN, evidence=(Evidence("not read"),))
SILENT = Traffic(flows=(Flow("10.0.0.1", "10.0.0.9", 1883, opening=40, retried=40),))
ONE_DOWN = Traffic(flows=(Flow("10.0.0.1", "10.0.0.9", 1883, opening=2, retried=2),))


@pytest.mark.parametrize(
    ("given", "held", "unknown", "conclusion"),
    [
        (clues(), (), (), Conclusion.NOTHING),
        (clues(), (NOW,), (), Conclusion.NOTHING),
        (clues(traffic=ONE_DOWN), (), (), Conclusion.NOTHING),
        (clues(traffic=SILENT), (), (), Conclusion.NOT_ENOUGH),
        (clues(errno="none"), (), (), Conclusion.NOT_ENOUGH),
        (clues(call="accept"), (), (), Conclusion.NOT_ENOUGH),
        (clues(hits=(hit("ports"),)), (), (), Conclusion.NOT_ENOUGH),
        (clues(**AT_IT), (LIKELY, HERE), (), Conclusion.CAUSE),
        (clues(**AT_IT), (), (), Conclusion.OWN_LIMIT),
        (clues(**AT_IT, errno="none"), (), (), Conclusion.OWN_LIMIT),
        (clues(**AT_IT), (ONCE, ELSEWHERE), (), Conclusion.OWN_LIMIT),
        (clues(**AT_IT), (NOW,), (), Conclusion.NOT_ENOUGH),
        (clues(**AT_IT), (HERE,), (), Conclusion.NOT_ENOUGH),
        (clues(**AT_IT), (), (UNKNOWN,), Conclusion.NOT_ENOUGH),
        (clues(**AT_IT, traffic=SILENT), (), (), Conclusion.NOT_ENOUGH),
        (clues(**AT_IT, errno="EPERM"), (), (), Conclusion.NOT_ENOUGH),
        (clues(**AT_IT, hits=(hit("x", errno="EMFILE"),)), (), (), Conclusion.NOT_ENOUGH),
        (clues(at=1_000), (), (), Conclusion.NOT_ENOUGH),
        (clues(at=5_000, programs=(program(1_030, 65_536),), named=True), (), (), Conclusion.NOT_ENOUGH),
        (clues(at=1_000, programs=(program(0, 65_536),), named=True, examined=False), (), (), Conclusion.OWN_LIMIT),
    ],
)
def test_concluded(given: Clues, held: tuple[Any, ...], unknown: tuple[Any, ...], conclusion: Conclusion) -> None:
    found = concluding.conclude(given, held, (), unknown)
    assert found.conclusion is conclusion, found.text
    if conclusion in (Conclusion.NOT_ENOUGH, Conclusion.OWN_LIMIT):
        assert found.next
        assert len(set(found.next)) == len(found.next)


def test_connections_without_an_answer_are_named() -> None:
    found = concluding.conclude(clues(traffic=SILENT), (), (), ())
    assert "40 connections to 10.0.0.9:1883 wait for an answer to their SYN" in found.text


def test_bind_of_an_address_that_is_not_here_is_looked_at_first() -> None:
    found = concluding.conclude(clues(pool(3), errno="EADDRNOTAVAIL", call="bind"), (NOW,), (), ())
    assert "ip addr" in found.next[0]


def test_a_known_program_is_told_what_its_own_limit_is_called() -> None:
    mosquitto = program(1_030, 65_536)
    mosquitto = type(mosquitto)(mosquitto.pid, "mosquitto", 0, mosquitto.descriptors, mosquitto.soft, mosquitto.hard)
    found = concluding.conclude(clues(at=1_000, programs=(mosquitto,), named=True), (), (), ())
    assert found.text == "No host limit explains this: mosquitto (7) stops by itself at 1,000"
    assert "max_connections" in found.next[0]
    assert any("round number" in text for text in found.next)


def test_what_a_program_wrote_of_its_own_limit_stands_beside_a_cause() -> None:
    found = concluding.conclude(clues(hits=(hit("own-limit"),)), (LIKELY,), (), ())
    assert found.conclusion is Conclusion.CAUSE
    assert found.next == ("broker wrote of a limit of its own too: a line",)


@pytest.mark.parametrize(
    ("errno", "call", "first"),
    [
        ("EADDRNOTAVAIL", "accept", "accept() does not give EADDRNOTAVAIL"),
        ("EADDRINUSE", "socket", "socket() does not give EADDRINUSE"),
        ("ECONNREFUSED", "connect", "ECONNREFUSED is an answer, and no limit of this host"),
        ("EHOSTUNREACH", "connect", "EHOSTUNREACH: is there a route"),
    ],
)
def test_an_errno_that_no_limit_of_this_host_gives_is_told_first(errno: str, call: str, first: str) -> None:
    assert concluding.conclude(clues(errno=errno, call=call), (), (), ()).next[0].startswith(first)


def test_the_errno_and_the_call_are_asked_for_once() -> None:
    found = diagnose(clues(at=84_000))
    assert [text for text in found.next if text.startswith("the errno and the call")] == [found.next[0]]


def test_nobody_is_asked_for_the_call_where_nothing_failed() -> None:
    found = concluding.conclude(clues(hits=(hit("conntrack"),)), (NOW,), (), ())
    assert not [text for text in found.next if "the call that failed" in text]


def test_what_was_done_is_not_advised_again() -> None:
    done = clues(errno="none", rates=Rates(Sample(100.0, {}), Sample(110.0, {})))
    done = replace(done, machine=replace(done.machine, root_user=True))
    assert "again while it stalls: `hosttune diagnose`" in concluding.conclude(done, (), (), ()).next
    once = replace(done, machine=replace(done.machine, root_user=False), rates=Rates(Sample(0.0, {}), Sample(1.0, {})))
    assert "again while it stalls: `sudo hosttune diagnose --for 10s`" in concluding.conclude(once, (), (), ()).next


def test_one_gathering_is_told_to_show_no_movement() -> None:
    found = concluding.conclude(clues(rates=Rates(Sample(100.0, {}), Sample(100.0, {}))), (), (), ())
    assert found.conclusion is Conclusion.NOTHING and "hosttune snapshot --for 10s" in found.next[0]
    assert not concluding.conclude(clues(), (), (), ()).next
