"""What the rule of full pools makes of pools, words and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hosttune.diagnosis.rules import ports
from hosttune.model import Backend, BindMode, Certainty, Listener, Pools, Traffic
from tests.diagnosis.given import DEFAULT, WIDE, clues, hit, is_, pool

B = (Backend("10.0.0.9", 1883),)
CASES: dict[str, tuple[Any, Certainty, int | None]] = {
    "a full pool": (clues(pool(100)), Certainty.CERTAIN, 100),
    "a full pool of an odd range: its last port is found by luck": (clues(pool(100, 101)), Certainty.CERTAIN, 101),
    "one port left of an even range": (clues(pool(99)), Certainty.EXCLUDED, None),
    "a full pool, and another errno": (clues(pool(100), errno="EMFILE"), Certainty.LIKELY, 100),
    "a full pool, and no error": (clues(pool(100), errno="none"), Certainty.LIKELY, 100),
    "nothing is known": (clues(limits={}), Certainty.UNKNOWN, None),
    "no error, nothing is known": (clues(errno="none", limits={}), Certainty.EXCLUDED, None),
    "the errno alone": (clues(errno="EADDRNOTAVAIL", limits={}), Certainty.POSSIBLE, None),
    "the errno and the call": (clues(errno="EADDRNOTAVAIL", call="connect", limits={}), Certainty.LIKELY, None),
    "the errno, and pools that are nearly empty now": (clues(pool(3), errno="EADDRNOTAVAIL"), Certainty.POSSIBLE, None),
    "bind() of an address that is not here": (clues(errno="EADDRNOTAVAIL", call="bind"), Certainty.EXCLUDED, None),
    "the number of one pool": (clues(at=28_232), Certainty.LIKELY, 28232),
    "one pool, less what others take of it": (clues(at=27_003, errno="EADDRNOTAVAIL"), Certainty.CERTAIN, 28232),
    "one pool of the wide range": (clues(at=64_512, limits=WIDE), Certainty.LIKELY, 64512),
    "more than one pool has": (clues(at=28_600), Certainty.UNKNOWN, None),
    "three pools, of how many nobody says": (clues(at=84_000), Certainty.POSSIBLE, 84696),
    "three pools, and the errno": (clues(at=84_000, errno="EADDRNOTAVAIL"), Certainty.LIKELY, 84696),
    "three pools of three backends": (
        clues(at=84_000, errno="EADDRNOTAVAIL", backends=B * 3),
        Certainty.CERTAIN,
        84696,
    ),
    "the number of one pool where there are ten": (clues(at=28_232, backends=B * 10), Certainty.UNKNOWN, None),
    "about 100,000 of four pools, as a log says": (
        clues(at=100_000, backends=B * 4, hits=(hit("ports", errno="EADDRNOTAVAIL", call="connect"),)),
        Certainty.LIKELY,
        112928,
    ),
    "the number of one pool, which is empty now": (clues(pool(9, 28_232), at=28_232), Certainty.POSSIBLE, 28232),
    "one that is nearly full now": (clues(pool(28_000, 28_232), at=28_000), Certainty.LIKELY, 28232),
    "TIME_WAIT could be it as well": (
        clues(errno="EADDRNOTAVAIL", stands={"sockstat.TCP.tw": 48_611, "sockstat.TCP.inuse": 2_866}),
        Certainty.POSSIBLE,
        None,
    ),
    "so could the rate": (clues(errno="EADDRNOTAVAIL", rate=1_000), Certainty.POSSIBLE, None),
    "a range that is only guessed": (clues(pool(100, mode=BindMode.EXPLICIT)), Certainty.POSSIBLE, 100),
    "the same, and the errno": (
        clues(pool(100, mode=BindMode.EXPLICIT), errno="EADDRINUSE", call="bind"),
        Certainty.LIKELY,
        100,
    ),
    "a range that is known": (
        clues(pools=Pools((pool(100, mode=BindMode.EXPLICIT),))),
        Certainty.CERTAIN,
        100,
    ),
    "TIME_WAIT fills it": (clues(pool(20, time_wait=80)), Certainty.EXCLUDED, None),
    "others hold most of it": (clues(pool(40, blocked=60)), Certainty.EXCLUDED, None),
    "others hold a part of it": (clues(pool(80, blocked=20)), Certainty.CERTAIN, 80),
}


@pytest.mark.parametrize(("found", "certainty", "at"), CASES.values(), ids=CASES)
def test_judged(found: Any, certainty: Certainty, at: int | None) -> None:
    is_(ports.judge(found), certainty, at)


def test_full_pools_are_one_cause() -> None:
    several = [pool(100, port=port, source=source) for source in ("10.0.0.1", "10.0.0.2") for port in range(1, 6)]
    (cause,) = ports.judge(clues(*several))
    assert (cause.certainty, cause.at) == (Certainty.CERTAIN, 1_000)
    assert cause.what == "source ports of 2 addresses to 5 destinations run out"
    assert any(one.text == "and 6 more pairs are full" for one in cause.evidence)


LISTENING = Traffic(listeners=(Listener("0.0.0.0", 1883, 0, 128),))
RESERVED = {**DEFAULT, "net.ipv4.ip_local_reserved_ports": "1883"}


@pytest.mark.parametrize(
    ("limits", "traffic", "reserves"),
    [(DEFAULT, LISTENING, True), (RESERVED, LISTENING, False), (DEFAULT, Traffic(), False)],
)
def test_the_command_is_one_that_apply_does_not_refuse(limits: Any, traffic: Traffic, reserves: bool) -> None:
    (cause,) = ports.judge(clues(pool(100), limits=limits, traffic=traffic))
    assert cause.fixes[0].command.startswith("sudo hosttune apply --key 'net.ipv4.ip_local_port_range=1024 65535'")
    assert ("--reserve-listeners" in cause.fixes[0].command) is reserves


def test_another_errno_than_its_own_is_no_evidence_of_a_full_pool() -> None:
    log = hit("ports", errno="EADDRNOTAVAIL", call="connect")
    (cause,) = ports.judge(clues(errno="EMFILE", at=28_232, hits=(log,)))
    assert "EMFILE" not in " ".join(map(str, cause.evidence))


def test_a_backend_that_was_named_is_named_in_the_command() -> None:
    (cause,) = ports.judge(clues(errno="EADDRNOTAVAIL", call="connect", backends=B))
    assert "--backend 10.0.0.9:1883" in cause.confirm


def test_ports_of_sockets_that_the_program_never_closed_are_told_first() -> None:
    full = replace(pool(100), established=0, other=100)
    (left,) = ports.judge(clues(full, traffic=Traffic(states={"CLOSE_WAIT": 100})))
    assert "must close" in left.fixes[0].text and any("CLOSE_WAIT" in one.text for one in left.evidence)
    (kept,) = ports.judge(clues(pool(100), traffic=Traffic(states={"CLOSE_WAIT": 100})))
    assert "must close" not in kept.fixes[0].text
