"""What the rule of descriptors makes of processes, words and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hosttune.diagnosis import log_reading
from hosttune.diagnosis.rules import nofile
from hosttune.model import Certainty, Listener, LogHit, Traffic
from tests.diagnosis.given import KNOWN, clues, hit, is_, program

QUEUED = Traffic(listeners=(Listener("0.0.0.0", 1883, 40, 128, inode=5),))
CASES: dict[str, tuple[Any, Certainty, int | None]] = {
    "a process at its limit": (clues(programs=(program(1_024),)), Certainty.CERTAIN, 1024),
    "just below it, and nothing wants more": (clues(programs=(program(1_023),)), Certainty.EXCLUDED, None),
    "just below it, and clients wait": (
        clues(programs=(program(1_023),), traffic=QUEUED, owners={5: 7}),
        Certainty.CERTAIN,
        1024,
    ),
    "just below it, and it was named": (clues(programs=(program(1_023),), named=True), Certainty.CERTAIN, 1024),
    "just below it, and the errno": (clues(programs=(program(1_022),), errno="EMFILE"), Certainty.CERTAIN, 1024),
    "95 % of it": (clues(programs=(program(973),), named=True), Certainty.EXCLUDED, None),
    "more than the limit: it was lowered afterwards": (clues(programs=(program(2_000),)), Certainty.POSSIBLE, 1024),
    "at its limit in another network namespace": (
        clues(programs=(replace(program(1_024), here=False),)),
        Certainty.LIKELY,
        1024,
    ),
    "at its limit in another network namespace, and it was named": (
        clues(programs=(replace(program(1_024), here=False),), named=True),
        Certainty.CERTAIN,
        1024,
    ),
    "at its limit, and another errno": (
        clues(programs=(program(1_024),), errno="EADDRNOTAVAIL"),
        Certainty.LIKELY,
        1024,
    ),
    "EMFILE, of whom is not known": (clues(errno="EMFILE"), Certainty.LIKELY, None),
    "EMFILE from accept(), at the limit that nobody set": (
        clues(errno="EMFILE", call="accept", at=1_015),
        Certainty.CERTAIN,
        1024,
    ),
    "EMFILE from accept()": (clues(errno="EMFILE", call="accept"), Certainty.CERTAIN, None),
    "EMFILE, and programs that are far from their limits": (
        clues(errno="EMFILE", programs=(program(30), program(20, pid=8))),
        Certainty.LIKELY,
        None,
    ),
    "a line that names its limit": (
        clues(hits=(hit("nofile", errno="EMFILE", soft=37_563),)),
        Certainty.CERTAIN,
        37563,
    ),
    "the number, and the named one's limit": (
        clues(at=1_015, programs=(program(30),), named=True),
        Certainty.LIKELY,
        1024,
    ),
    "the number, and somebody's limit": (clues(at=1_015, programs=(program(30),)), Certainty.EXCLUDED, None),
    "half of the limit, for a proxy": (clues(at=505, programs=(program(30),), named=True), Certainty.LIKELY, 1024),
    "the number, and a limit far above": (
        clues(at=1_000, programs=(program(1_030, 65_536),), named=True),
        Certainty.EXCLUDED,
        None,
    ),
    "the number alone": (clues(at=1_000), Certainty.POSSIBLE, 1024),
    "another errno": (clues(errno="ENFILE"), Certainty.EXCLUDED, None),
    "no error": (clues(errno="none"), Certainty.EXCLUDED, None),
    "limits that could not be read": (clues(programs=(program(30, None, None),)), Certainty.UNKNOWN, None),
    "nothing is known": (clues(), Certainty.UNKNOWN, None),
}


@pytest.mark.parametrize(("found", "certainty", "at"), CASES.values(), ids=CASES)
def test_judged(found: Any, certainty: Certainty, at: int | None) -> None:
    is_(nofile.judge(found), certainty, at)


FAR = (replace(program(30), started=1_000),)
OLD, NEW = (LogHit("broker", ("nofile",), "a line", 1, "EMFILE", "accept", {}, at) for at in (900, 1_100))
WATCH = LogHit("broker", ("inotify", "nofile"), "a line", 1, "EMFILE")


@pytest.mark.parametrize(
    ("found", "certainties"),
    [
        (clues(errno="EMFILE", call="accept", programs=FAR, named=True), [Certainty.EXCLUDED, Certainty.POSSIBLE]),
        (clues(hits=(NEW,), programs=FAR, named=True), [Certainty.EXCLUDED, Certainty.POSSIBLE]),
        (clues(hits=(OLD,), programs=FAR, named=True), [Certainty.POSSIBLE]),
        (clues(hits=(OLD, NEW), programs=FAR, named=True), [Certainty.EXCLUDED, Certainty.POSSIBLE]),
        (clues(hits=(WATCH,), programs=FAR, named=True), [Certainty.EXCLUDED]),
        (clues(hits=(WATCH,), programs=FAR), [Certainty.EXCLUDED]),  # it has the name of who wrote
        (clues(hits=(replace(NEW, program="other"),), programs=FAR), [Certainty.CERTAIN]),
        (clues(hits=(NEW,), programs=(program(600),), named=True), [Certainty.CERTAIN]),
        (clues(hits=(WATCH,), programs=(program(600),), named=True), [Certainty.POSSIBLE]),
        (clues(hits=(WATCH,), programs=(program(1_000),), named=True), [Certainty.LIKELY]),
        (clues(hits=(WATCH,), programs=(program(1_024),), named=True), [Certainty.CERTAIN]),
    ],
)
def test_a_process_with_descriptors_left_is_not_what_ran_out(found: Any, certainties: list[Certainty]) -> None:
    causes = nofile.judge(found)
    assert [cause.certainty for cause in causes] == certainties, causes
    if certainties[-1] is Certainty.POSSIBLE:
        assert "another process" in causes[-1].what or "before" in causes[-1].what or causes[-1].at == 1024


def test_a_limit_that_haproxy_computed_is_raised_where_it_comes_from() -> None:
    (line,) = log_reading.recognise(
        b"Proxy tcp-443 reached process FD limit (maxsock=37563). Please check 'ulimit-n'\n", KNOWN
    )
    (cause,) = nofile.judge(clues(hits=(line,)))
    assert cause.at == 37_563 and "maxconn" in cause.fixes[0].text
