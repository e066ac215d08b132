"""The rules of the accept path on numbers: what is certain, what is a hint, what does not bind, what was not seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hosttune import registry
from hosttune.diagnosis import Clues, diagnose
from hosttune.model import (
    Cause,
    Certainty,
    Flow,
    Listener,
    LogHit,
    Machine,
    Program,
    Rates,
    Reason,
    Sample,
    Symptom,
    Traffic,
    Unknown,
)
from tests.diagnosis.given import KNOWN

MACHINE = Machine("", "", "", "", "", None, None, None, "", "", "", False, False, True, "")
CERTAIN, LIKELY, POSSIBLE, EXCLUDED, UNKNOWN = Certainty
NONE = {
    name: 0
    for name in (
        "TcpExt.ListenOverflows",
        "TcpExt.ListenDrops",
        "TcpExt.SyncookiesSent",
        "TcpExt.SyncookiesRecv",
        "TcpExt.TCPReqQFullDrop",
        "TcpExt.TCPReqQFullDoCookies",
        "Tcp.PassiveOpens",
        "Tcp.RetransSegs",
        "softnet.dropped",
        "softnet.squeezed",
        "dev.rx_dropped",
        "dev.tx_dropped",
    )
}
OVERFLOWS = {"TcpExt.ListenOverflows": 9, "TcpExt.ListenDrops": 9}
SERVER = Program(7, "mosquitto", 0, 500, 1024, 1024, ticks=100, system_ticks=50, threads=1)
LOG = ((2.0, "TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:1883. Sending cookies."),)


def listener(queue: int = 0, backlog: int = 100, **more: Any) -> Listener:
    return Listener("0.0.0.0", more.pop("port", 1883), queue, backlog, inode=more.pop("inode", 70), **more)


def clues(
    *listeners: Listener,
    moved: dict[str, int] | None = None,
    before: dict[str, int] | None = None,
    seconds: float = 10.0,
    somaxconn: int = 4096,
    cookies: int = 1,
    symptom: Symptom | None = None,
    programs: tuple[Program, ...] = (SERVER,),
    flows: tuple[Flow, ...] = (),
    **more: Any,
) -> Clues:
    """Return what two gatherings give, where the counters stood at `before` and rose by `moved`."""
    first = NONE | (before or {})
    now = {name: value + (moved or {}).get(name, 0) for name, value in first.items()}
    limits: dict[str, Any] = {
        "net.core.somaxconn": somaxconn,
        "net.ipv4.tcp_syncookies": cookies,
        "net.ipv4.tcp_max_syn_backlog": 512,
    }
    return Clues(
        machine=MACHINE,
        symptom=symptom or Symptom(),
        rates=Rates(Sample(100.0, first), Sample(100.0 + seconds, now)),
        limits=limits | more.pop("limits", {}),
        traffic=Traffic(listeners=listeners, flows=flows),
        programs=programs,
        earlier=tuple(replace(p, ticks=p.ticks - 50, system_ticks=p.system_ticks - 25) for p in programs),
        owners={70: 7},
        known=KNOWN,
        **more,
    )


def judged(rule: str, of: Clues) -> tuple[Cause, ...]:
    found: tuple[Cause, ...] = registry.load("hosttune.diagnosis.rules", rule).judge(of)
    return found


def text(cause: Cause) -> str:
    return " ".join((cause.what, *map(str, cause.evidence), *map(str, cause.fixes), cause.confirm))


MANY = {"TcpExt.ListenOverflows": 5000, "TcpExt.ListenDrops": 5000}
COOKIES = {"TcpExt.TCPReqQFullDoCookies": 60, "TcpExt.SyncookiesSent": 60}
BURST = {**COOKIES, "TcpExt.SyncookiesRecv": 60, "Tcp.PassiveOpens": 17, **OVERFLOWS}
SILENT = Symptom(errno="ETIMEDOUT", call="connect")

JUDGEMENTS: tuple[tuple[str, str, Clues, Certainty], ...] = (
    ("full and turned away now", "accept_queue", clues(listener(101), moved=OVERFLOWS, somaxconn=100), CERTAIN),
    ("the same, below somaxconn", "backlog", clues(listener(101), moved=OVERFLOWS), CERTAIN),
    ("not somaxconn then", "accept_queue", clues(listener(101), moved=OVERFLOWS), EXCLUDED),
    ("not its own then", "backlog", clues(listener(101), moved=OVERFLOWS, somaxconn=100), EXCLUDED),
    ("longer than somaxconn is now", "accept_queue", clues(listener(101), moved=OVERFLOWS, somaxconn=64), CERTAIN),
    ("full, and nobody comes", "backlog", clues(listener(101)), POSSIBLE),
    ("full once, and nobody comes", "backlog", clues(listener(101), before=MANY), POSSIBLE),
    ("as full as may be is not above", "backlog", clues(listener(100)), EXCLUDED),
    ("half full", "accept_queue", clues(listener(50), somaxconn=100), EXCLUDED),
    ("overflowed long ago", "accept_queue", clues(listener(), before=MANY, somaxconn=100), EXCLUDED),
    ("long ago, a short look", "accept_queue", clues(listener(), before=MANY, seconds=0.3), EXCLUDED),
    (
        "long ago, a short look, clients time out",
        "accept_queue",
        clues(listener(), before=MANY, seconds=0.3, symptom=SILENT),
        POSSIBLE,
    ),
    (
        "long ago, and another errno",
        "accept_queue",
        clues(listener(), before=MANY, seconds=0.3, symptom=Symptom(errno="EMFILE", call="accept")),
        EXCLUDED,
    ),
    ("one gathering", "accept_queue", clues(listener(), before=MANY, seconds=0), UNKNOWN),
    ("one gathering, clients time out", "backlog", clues(listener(), before=MANY, seconds=0, symptom=SILENT), POSSIBLE),
    ("the only one, not full now", "backlog", clues(listener(3), moved=OVERFLOWS), LIKELY),
    ("which one is not known", "accept_queue", clues(listener(), listener(port=80), moved=OVERFLOWS), LIKELY),
    ("which one is not known", "backlog", clues(listener(), listener(port=80), moved=OVERFLOWS), UNKNOWN),
    (
        "two are full",
        "backlog",
        clues(listener(101), listener(101, port=80, inode=71), moved=OVERFLOWS),
        LIKELY,
    ),
    (
        "one of two is tried again from here",
        "backlog",
        clues(
            listener(101),
            listener(101, port=80, inode=71),
            moved=OVERFLOWS,
            flows=(Flow("127.0.0.1", "127.0.0.1", 1883, opening=3, retried=3),),
        ),
        CERTAIN,
    ),
    (
        "tried again elsewhere, at the same port",
        "backlog",
        clues(listener(101), flows=(Flow("10.0.0.1", "10.0.0.9", 1883, opening=3, retried=3),)),
        POSSIBLE,
    ),
    ("of none that was named", "backlog", clues(listener(101, inode=71), moved=OVERFLOWS, named=True), POSSIBLE),
    ("cookies and overflows", "ghosts", clues(listener(3), moved=BURST), CERTAIN),
    ("all cookies became sockets", "ghosts", clues(listener(3), moved=BURST | {"Tcp.PassiveOpens": 90}), LIKELY),
    ("cookies that found room", "ghosts", clues(listener(), moved={"TcpExt.SyncookiesRecv": 60}), EXCLUDED),
    ("overflows without cookies", "ghosts", clues(listener(101), moved=OVERFLOWS), EXCLUDED),
    ("both, long ago", "ghosts", clues(listener(), before=BURST), EXCLUDED),
    ("both, long ago; silence", "ghosts", clues(listener(), before=BURST, symptom=Symptom(errno="none")), POSSIBLE),
    ("dropped", "syn_queue", clues(listener(), moved={"TcpExt.TCPReqQFullDrop": 4}, cookies=0), CERTAIN),
    (
        "dropped below tcp_max_syn_backlog",
        "syn_queue",
        clues(listener(half_open=385, backlog=1000), moved={"TcpExt.ListenDrops": 4}, cookies=0),
        CERTAIN,
    ),
    (
        "ListenDrops, and the SYN queue is short of full",
        "syn_queue",
        clues(listener(half_open=384, backlog=1000), moved={"TcpExt.ListenDrops": 4}, cookies=0),
        EXCLUDED,
    ),
    (
        "ListenDrops are those of the accept queue",
        "syn_queue",
        clues(listener(101, half_open=385, backlog=1000), moved=OVERFLOWS, cookies=0),
        POSSIBLE,
    ),
    ("a flood answered by cookies", "syn_queue", clues(listener(half_open=101), moved=COOKIES), CERTAIN),
    ("a burst that comes in by cookies", "syn_queue", clues(listener(half_open=101), moved=BURST), LIKELY),
    ("cookies for everybody", "syn_queue", clues(listener(), moved=COOKIES, cookies=2), EXCLUDED),
    ("cookies long ago", "syn_queue", clues(listener(), before=COOKIES), EXCLUDED),
    ("cookies long ago, the log is fresh", "syn_queue", clues(listener(), before=COOKIES, log=LOG), EXCLUDED),
    ("another namespace's log", "syn_queue", clues(listener(), log=LOG, seconds=0), EXCLUDED),
    ("the log, and one gathering", "syn_queue", clues(listener(), before=COOKIES, log=LOG, seconds=0), LIKELY),
    ("the log of another port", "syn_queue", clues(listener(port=80), before=COOKIES, log=LOG, seconds=0), EXCLUDED),
    ("full, and nobody comes", "syn_queue", clues(listener(half_open=101)), POSSIBLE),
    ("dropped here", "softnet", clues(moved={"softnet.dropped": 5, "dev.tx_dropped": 5}), LIKELY),
    (
        "dropped here, and sent again",
        "softnet",
        clues(moved={"softnet.dropped": 5, "dev.rx_dropped": 5, "Tcp.RetransSegs": 5}),
        CERTAIN,
    ),
    ("another namespace's", "softnet", clues(moved={"softnet.dropped": 5, "Tcp.RetransSegs": 5}), POSSIBLE),
    ("long ago", "softnet", clues(before={"softnet.dropped": 33_000}), EXCLUDED),
    ("one gathering", "softnet", clues(before={"softnet.dropped": 33_000}, seconds=0), UNKNOWN),
    ("squeezed is not dropped", "softnet", clues(moved={"softnet.squeezed": 40}), EXCLUDED),
)


@pytest.mark.parametrize(
    ("rule", "of", "certainty"), [row[1:] for row in JUDGEMENTS], ids=[f"{row[1]}: {row[0]}" for row in JUDGEMENTS]
)
def test_judgement(rule: str, of: Clues, certainty: Certainty) -> None:
    assert {cause.certainty for cause in judged(rule, of)} >= {certainty}, judged(rule, of)


@pytest.mark.parametrize("rule", ("accept_queue", "backlog", "ghosts", "syn_queue", "softnet"))
def test_without_a_reading_nothing_is_excluded(rule: str) -> None:
    empty = Sample(0.0, {})
    of = Clues(MACHINE, Symptom("ETIMEDOUT", "connect", 1000), Rates(empty, empty), {}, Unknown(Reason.UNREADABLE))
    (cause,) = judged(rule, of)
    assert cause.certainty is UNKNOWN and cause.evidence


@pytest.mark.parametrize("rule", ("accept_queue", "syn_queue"))
def test_a_line_of_a_log_is_a_strong_sign_without_a_host(rule: str) -> None:
    empty = Sample(0.0, {})
    hit = LogHit("kernel", (rule.replace("_", "-"),), "TCP: Possible SYN flooding on port 80. Dropping request.")
    of = Clues(MACHINE, Symptom(hits=(hit,)), Rates(empty, empty), {}, Unknown(Reason.UNREADABLE))
    (cause,) = judged(rule, of)
    assert cause.certainty is LIKELY and "flooding on port 80" in text(cause)


def test_the_program_is_named_with_its_known_backlog_and_the_way_to_raise_it() -> None:
    (cause,) = judged("backlog", clues(listener(101), moved=OVERFLOWS))
    assert cause.at == 101
    assert "0.0.0.0:1883 (mosquitto (7))" in cause.what
    assert "mosquitto passes 100 to listen() (src/net.c" in text(cause) and "no setting" in text(cause)
    assert "rose by 9 in 10.0 s" in text(cause) and "took 0.05 CPU" in text(cause)


@pytest.mark.parametrize(("backlog", "told"), ((128, True), (4096, True), (511, False)))
def test_a_backlog_that_may_be_a_former_somaxconn_is_told(backlog: int, told: bool) -> None:
    (cause,) = judged("backlog", clues(listener(backlog + 1, backlog), moved=OVERFLOWS, somaxconn=65535))
    assert any("when it started, restart it" in fix.text for fix in cause.fixes) is told


def test_a_program_that_uses_no_cpu_is_to_be_looked_at_first() -> None:
    still = clues(listener(101), moved=OVERFLOWS, somaxconn=100)
    still = replace(still, earlier=still.programs)
    (cause,) = judged("accept_queue", still)
    assert "used no CPU" in text(cause) and cause.fixes[0].text.startswith("see why mosquitto (7) does not accept")
    (busy,) = judged("accept_queue", clues(listener(101), moved=OVERFLOWS, somaxconn=100))
    assert "see why" not in text(busy)


def test_listeners_that_share_a_port_are_one_cause() -> None:
    shared = (listener(101), listener(101, inode=71), listener(3, inode=72))
    (cause,) = judged("backlog", clues(*shared, moved=OVERFLOWS))
    assert cause.certainty is CERTAIN


@pytest.mark.parametrize(
    ("short", "first"),
    (
        (replace(SERVER, descriptors=1023), "nofile"),
        # a worker that inherited the listener
        (replace(SERVER, pid=8, descriptors=1024), "nofile"),
        (replace(SERVER, pid=8, name="cron", descriptors=1024), "accept-queue"),
    ),
)
def test_a_queue_is_a_consequence_where_its_program_has_no_descriptor_left(short: Program, first: str) -> None:
    others = (SERVER,) if short.pid != SERVER.pid else ()
    found = diagnose(clues(listener(101), moved=OVERFLOWS, somaxconn=100, programs=(*others, short)))
    assert found.causes[0].kind == first
    assert {cause.kind for cause in found.causes} >= {"nofile", "accept-queue"}


def test_ghosts_come_before_the_queue_that_makes_them() -> None:
    found = diagnose(clues(listener(101), moved=BURST))
    assert [cause.kind for cause in found.causes][:3] == ["ghosts", "backlog", "syn-queue"]
    assert "60 came back with a cookie, and 17 connections were made: 43 ACKs were dropped" in text(found.causes[0])


def test_drops_of_another_namespace_are_no_verdict_and_those_of_the_host_name_its_limit() -> None:
    of = clues(moved={"softnet.dropped": 5, "dev.rx_dropped": 5, "Tcp.RetransSegs": 5})
    (inside,) = judged("softnet", of)
    assert inside.at is None and inside.fixes[0].text.endswith("set and seen on the host itself")
    (host,) = judged("softnet", replace(of, limits={"net.core.netdev_max_backlog": 1000}))
    assert host.at == 1000 and host.fixes[0].command == "sudo hosttune apply --key net.core.netdev_max_backlog=2000"


def test_a_program_that_does_not_accept_may_be_at_its_own_maximum() -> None:
    owner = replace(SERVER, name="haproxy")
    still = clues(listener(61, 60), moved=OVERFLOWS, programs=(owner,))
    (cause,) = judged("backlog", replace(still, earlier=still.programs))
    assert "at its own maximum: maxconn of global" in cause.fixes[0].text


@pytest.mark.parametrize(("here", "blamed"), ((True, True), (None, True), (False, False)))
def test_a_full_process_of_another_network_namespace_accepts_nothing_here(here: bool | None, blamed: bool) -> None:
    short = replace(SERVER, pid=8, descriptors=1024, here=here)
    found = diagnose(clues(listener(101), moved=OVERFLOWS, somaxconn=100, programs=(SERVER, short)))
    (queue,) = [cause for cause in found.causes if cause.kind == "accept-queue"]
    assert any("no descriptor left to accept with" in one.text for one in queue.evidence) is blamed


def test_full_sockets_of_one_port_are_one_cause_the_longest_stands_for_them() -> None:
    full = [listener(6, 5, inode=71), listener(21, 20, inode=70), listener(11, 10, inode=72)]
    other = listener(8, 7, port=1884, inode=73)
    causes = judged("backlog", clues(*full, other))
    assert sorted(cause.what.split(":")[1].split()[0].rstrip(",") for cause in causes) == ["1883", "1884"]
    assert [cause.at for cause in causes if ":1883" in cause.what] == [38]


FLOOD = {"TcpExt.ListenOverflows": 1420, "TcpExt.ListenDrops": 1420, "Tcp.PassiveOpens": 80}


def test_a_program_that_accepts_slowly_is_not_stopped_and_a_longer_queue_is_not_the_first_fix() -> None:
    found = diagnose(replace(clues(listener(61, 60), moved=FLOOD), earlier=(SERVER,)))
    text = " ".join(map(str, found.causes[0].evidence))
    assert found.causes[0].kind == "backlog" and "stopped" not in text
    assert "accepts 8 connections/s, and 150/s come" in text
    fixes = list(map(str, found.causes[0].fixes))
    assert "accept faster" in fixes[0] and "puts off by 0.4 s" in fixes[1]
    assert not any("--role" in fix for cause in found.causes for fix in map(str, cause.fixes))


def test_where_somaxconn_is_the_shorter_it_is_offered_behind_a_faster_program() -> None:
    cause = diagnose(clues(listener(61, 60), moved=FLOOD, somaxconn=60)).causes[0]
    assert cause.kind == "accept-queue"
    assert "accept faster" in str(cause.fixes[0]) and "somaxconn" in str(cause.fixes[1])


def test_a_program_that_accepted_nothing_may_be_stopped() -> None:
    found = diagnose(replace(clues(listener(61, 60), moved=OVERFLOWS), earlier=(SERVER,)))
    assert "accepted nothing and used no CPU" in " ".join(map(str, found.causes[0].evidence))
    assert "does not accept" in str(found.causes[0].fixes[0])


def test_how_fast_it_accepts_is_not_told_from_what_another_listener_may_have_taken() -> None:
    other = listener(0, 100, port=8883, inode=71, accepted=5)
    text = " ".join(map(str, diagnose(clues(listener(61, 60), other, moved=FLOOD)).causes[0].evidence))
    assert "connections/s" not in text and "stopped" not in text


def test_a_key_that_does_not_bind_is_not_offered_for_a_full_syn_queue() -> None:
    full = clues(listener(0, 60, half_open=61), moved={"TcpExt.TCPReqQFullDrop": 5})
    cause = next(cause for cause in diagnose(full).causes if cause.kind == "syn-queue")
    assert "does not bind" in " ".join(map(str, cause.fixes))
