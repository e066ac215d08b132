"""The rules of the way that packets take, each from the few readings that it needs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hosttune.diagnosis import Clues
from hosttune.diagnosis.rules import conntrack, conntrack_churn, nat, nat_race, outside, path
from hosttune.model import (
    Cause,
    Certainty,
    Flow,
    Ipvs,
    Listener,
    LogHit,
    Machine,
    Rates,
    Reason,
    Sample,
    Shared,
    Symptom,
    Tracked,
    Traffic,
    Unknown,
)
from hosttune.model.filtering import Matching, Ruleset, Translation
from hosttune.profile import clouds as providers

C, L, P, X, U = (*Certainty,)

_MAX = "net.netfilter.nf_conntrack_max"
_FULL = {"conntrack.count": 1000, "conntrack.drop": 50}
_DROPS = {"conntrack.count": 1000, "conntrack.drop": 90}
_OPEN = Tracked(1000, True, {"ESTABLISHED": 950, "TIME_WAIT": 50})
_CLOSED = Tracked(400, False, {"TIME_WAIT": 360, "ESTABLISHED": 40})
_BARRED = Unknown(Reason.UNREADABLE, "ctnetlink: Operation not permitted")
_SOCKETS = {"sockstat.TCP.inuse": 10, "sockstat.TCP.tw": 450}
_BUSY = {"sockstat.TCP.inuse": 900, "sockstat.TCP.tw": 0}
_SHARED = Tracked(60, True, {"ESTABLISHED": 60}, (Shared("192.0.2.1", "198.51.100.2", 443, 50),))
_REFUSED = {"conntrack.count": 60, "conntrack.drop": 50, "conntrack.insert_failed": 50, "conntrack.found": 100}


def clues(
    before: dict[str, int] | None = None,
    now: dict[str, int] | None = None,
    *,
    limits: dict[str, Any] | None = None,
    machine: dict[str, Any] | None = None,
    **rest: Any,
) -> Clues:
    """Return clues of a host with what is given, and nothing else; `before` alone is a host that stands still."""
    first = before or {}
    fields = {
        "symptom": Symptom(),
        "clouds": providers.every(),
        "traffic": Traffic(),
        "limits": {_MAX: 1000, **(limits or {})},
        **rest,
    }
    return Clues(
        machine=dataclasses.replace(_machine(), **(machine or {})),
        rates=Rates(Sample(100.0, first), Sample(100.5, {**first, **(now or {})})),
        **fields,
    )


def _machine() -> Machine:
    unknown = Unknown(Reason.UNDECIDED, "not told")
    empty: dict[str, Any] = {field.name: "" for field in dataclasses.fields(Machine)}
    return Machine(**{**empty, "cpus": 4, "memory": None, "memory_available": None, "conntrack": unknown,
                      "systemd": False, "root_user": True, "network_namespace": "initial"})  # fmt: skip


def nothing(**rest: Any) -> Clues:
    """Return what a person said, without any host."""
    return dataclasses.replace(clues(**rest), limits={}, examined=False, rates=Rates(Sample(0, {}), Sample(0, {})))


def _line(text: str, age: float = 1.0) -> tuple[tuple[float, str], ...]:
    return ((age, f"nf_conntrack: nf_conntrack: {text}"),)


_WAITED = LogHit("nginx", ("outside", "path", "conntrack"), "(110: Connection timed out)", 1, "ETIMEDOUT", "connect")
_TABLE_FULL = LogHit("kernel", ("conntrack", "conntrack-churn"), "nf_conntrack: table full, dropping packet")

CONNTRACK = {
    "full of open ones, drops": (clues(_FULL, _DROPS, tracked=_OPEN), C, X),
    "full of closed ones, drops": (clues(_FULL, _DROPS, tracked=_CLOSED), X, C),
    "drops while it swings about its limit": (
        clues(_FULL, {"conntrack.count": 930, "conntrack.drop": 60}, tracked=_CLOSED),
        X,
        C,
    ),
    "full, barred, as many sockets": (clues({**_FULL, **_BUSY}, _DROPS, tracked=_BARRED), C, X),
    "full, barred, closed sockets that explain it": (
        clues({**_FULL, **_SOCKETS}, _DROPS, tracked=_BARRED, limits={"net.ipv4.ip_forward": 0}),
        C,
        L,
    ),
    "full, barred, but it forwards": (
        clues({**_FULL, **_SOCKETS}, _DROPS, tracked=_BARRED, limits={"net.ipv4.ip_forward": 1}),
        C,
        P,
    ),
    "full, barred, no sockets seen": (clues(_FULL, _DROPS, tracked=_BARRED), C, U),
    "full, and nothing is tried": (clues(_FULL, tracked=_OPEN), P, X),
    "full of closed ones, and nothing is tried": (clues(_FULL, tracked=_CLOSED), P, P),
    "full, but connections are made beside it": (clues({**_FULL, "Tcp.ActiveOpens": 1}, {"Tcp.ActiveOpens": 9}), X, X),
    "it dropped once": (clues({"conntrack.count": 10, "conntrack.drop": 5000}), X, X),
    "it dropped once, and connections time out": (
        clues({"conntrack.count": 10, "conntrack.drop": 5000}, symptom=Symptom(errno="ETIMEDOUT")),
        P,
        X,
    ),
    "it dropped once, and it stopped at that number": (
        clues({"conntrack.count": 10, "conntrack.drop": 5000}, symptom=Symptom(stalled_at=997)),
        P,
        X,
    ),
    "it never dropped, whatever the number": (
        clues({"conntrack.count": 10, "conntrack.drop": 0}, symptom=Symptom(errno="ETIMEDOUT", stalled_at=1000)),
        X,
        X,
    ),
    "no limit": (clues(_FULL, _DROPS, limits={_MAX: 0}), X, X),
    "no table": (clues(machine={"conntrack": False}), X, X),
    "nothing tracked": (clues({"conntrack.count": 0}, machine={"conntrack": False}), X, X),
    "room, but a rate that needs more": (clues({"conntrack.count": 10, "conntrack.drop": 0}, rate=20), X, P),
    "one gathering, full, SYNs wait": (
        dataclasses.replace(
            clues(traffic=Traffic(states={"SYN_SENT": 9})), rates=Rates(Sample(5, _FULL), Sample(5, _FULL))
        ),
        L,
        X,
    ),
    "the kernel's fresh line, and nothing else": (clues(log=_line("table full, dropping packet")), L, P),
    "the line of another namespace": (clues(log=_line("table full in netns 402653, dropping packet")), U, U),
    "an old line": (clues(log=_line("table full, dropping packet", 9000.0)), U, U),
    "a line in a namespace, of this or of another": (
        clues(log=_line("table full in netns 402653, dropping packet"), machine={"network_namespace": "another"}),
        P,
        P,
    ),
    "the kernel's line in a log, and there is room": (
        clues({"conntrack.count": 10, "conntrack.drop": 0}, symptom=Symptom(hits=(_TABLE_FULL,))),
        P,
        X,
    ),
    "a report: the kernel's line": (nothing(symptom=Symptom(hits=(_TABLE_FULL,))), C, P),
    "a report: the kernel's line, and a number": (
        nothing(symptom=Symptom(stalled_at=10_067, hits=(_TABLE_FULL,))),
        C,
        P,
    ),
    "a report: a program whose connect() timed out": (nothing(symptom=Symptom(hits=(_WAITED,))), P, U),
    "a program whose connect() timed out, and there is room": (
        clues({"conntrack.count": 10, "conntrack.drop": 0}, symptom=Symptom(hits=(_WAITED,))),
        X,
        X,
    ),
    "a report: 262,144": (nothing(symptom=Symptom(stalled_at=262_144)), P, U),
    "a report: ETIMEDOUT": (nothing(symptom=Symptom(errno="ETIMEDOUT")), P, U),
    "a report: EMFILE": (nothing(symptom=Symptom(errno="EMFILE")), X, X),
    "a report: 1,015": (nothing(symptom=Symptom(stalled_at=1015)), U, U),
}


@pytest.mark.parametrize("case", CONNTRACK)
def test_the_conntrack_table(case: str) -> None:
    given, table, churn = CONNTRACK[case]
    assert _one(conntrack.judge(given)).certainty is table
    assert _one(conntrack_churn.judge(given)).certainty is churn


def test_the_rate_that_a_table_of_closed_connections_allows() -> None:
    half = Tracked(100, True, {"CLOSE_WAIT": 100})
    churned = conntrack_churn.judge(clues(_FULL, _DROPS, tracked=_CLOSED, limits={_MAX: 12_000}))
    assert _one(churned).certainty is X, "far from full"
    given = {_MAX: 1000, "net.netfilter.nf_conntrack_tcp_timeout_time_wait": 10}
    assert _one(conntrack_churn.judge(clues(_FULL, _DROPS, tracked=_CLOSED, limits=given))).at == 100
    assert _one(conntrack_churn.judge(clues(_FULL, _DROPS, tracked=_CLOSED))).at == 1000 // 120
    assert _one(conntrack_churn.judge(clues(_FULL, _DROPS, tracked=half))).at is None


def _rule(low: int, high: int, **more: Any) -> Ruleset:
    return Ruleset((Translation("ip nat post handle 4", Matching(), ports=(low, high), **more),))


def _entries(count: int) -> Tracked:
    return Tracked(count, True, {"ESTABLISHED": count}, (Shared("192.0.2.1", "198.51.100.2", 443, count),))


_RACING = {"conntrack.insert_failed": 61, "conntrack.found": 103}
_SEARCHING = {"conntrack.insert_failed": 60, "conntrack.found": 400}
NAT = {
    "searches and fails": (clues(_REFUSED, _SEARCHING, tracked=_SHARED), C, X),
    "searches and fails, barred": (clues(_REFUSED, _SEARCHING, tracked=_BARRED), L, X),
    "two equal packets at once": (clues(_REFUSED, {"conntrack.insert_failed": 51}, tracked=_OPEN), P, P),
    "shared, and how many ports a rule has is not known": (clues(_REFUSED, _RACING, tracked=_SHARED), P, P),
    "408 of 30,000 ports": (clues(_REFUSED, _RACING, tracked=_entries(408), ruleset=_rule(20000, 49999)), X, P),
    "408 of 30,000 ports, and a SYN that waited": (
        clues(_REFUSED, tracked=_entries(408), ruleset=_rule(20000, 49999), symptom=Symptom(errno="none")),
        X,
        P,
    ),
    "408 of 30,000 ports, and EMFILE": (
        clues(_REFUSED, _RACING, tracked=_entries(408), ruleset=_rule(20000, 49999), symptom=Symptom(errno="EMFILE")),
        X,
        X,
    ),
    "408 of 408 ports": (clues(_REFUSED, _RACING, tracked=_entries(408), ruleset=_rule(20000, 20407)), L, X),
    "404 of 408 ports, and searches": (
        clues(_REFUSED, _SEARCHING, tracked=_entries(404), ruleset=_rule(20000, 20407)),
        C,
        X,
    ),
    "searches for ports that nobody has seen": (
        clues(_REFUSED, _SEARCHING, tracked=_entries(40), ruleset=_rule(20000, 49999)),
        P,
        P,
    ),
    "failed once": (clues(_REFUSED, tracked=_SHARED), P, X),
    "failed once, nothing shared": (clues(_REFUSED, tracked=_OPEN), X, X),
    "never failed": (clues({"conntrack.insert_failed": 0, "conntrack.count": 60}, tracked=_SHARED), X, X),
    "the table itself is full": (
        clues({**_FULL, "conntrack.insert_failed": 5}, {**_DROPS, "conntrack.insert_failed": 9}, tracked=_SHARED),
        X,
        X,
    ),
    "nothing tracks": (clues(machine={"conntrack": False}), X, X),
    "nothing seen": (clues(), U, U),
}


@pytest.mark.parametrize("case", NAT)
def test_nat_that_has_no_port_left_and_a_race_for_one(case: str) -> None:
    given, pool, race = NAT[case]
    assert (_one(nat.judge(given)).certainty, _one(nat_race.judge(given)).certainty) == (pool, race)


def test_a_race_is_told_with_the_share_of_the_pool_and_the_rule_that_is_to_draw_at_random() -> None:
    cause = _one(nat_race.judge(NAT["408 of 30,000 ports"][0]))
    assert "408 of the 30,000 ports" in str(cause.evidence) and "1.4 %" in str(cause.evidence)
    assert "handle 4" in cause.fixes[0].text and "fully-random" in cause.fixes[0].text
    random = clues(_REFUSED, _RACING, tracked=_entries(408), ruleset=_rule(20000, 49999, fully_random=True))
    assert not any("fully-random" in fix.text for fix in _one(nat_race.judge(random)).fixes)


def test_where_the_ports_of_the_rule_are_not_known_both_say_what_tells_them_apart() -> None:
    given = NAT["shared, and how many ports a rule has is not known"][0]
    for rule in (nat, nat_race):
        assert "conntrack -S" in _one(rule.judge(given)).confirm


def test_nat_names_who_shares_which_address_and_how_many_they_are() -> None:
    cause = _one(nat.judge(NAT["searches and fails"][0]))
    assert (cause.at, cause.what) == (50, "NAT finds no free port of 192.0.2.1 towards 198.51.100.2:443")


def _flows(*rows: tuple[str, int, int, int]) -> Traffic:
    flows = tuple(Flow("192.0.2.1", a, 443, established=e, opening=o, retried=r) for a, e, o, r in rows)
    return Traffic(flows, states={"SYN_SENT": sum(flow.opening for flow in flows)})


_LIVE, _DEAD = ("198.51.100.2", 500, 9, 9), ("198.51.100.3", 0, 1, 1)

OUTSIDE = {
    "no answer beyond 500": (clues(traffic=_flows(_LIVE)), L, "198.51.100.2:443 answers no new connection beyond 500"),
    "one source address has no way back": (
        clues(
            traffic=Traffic(
                (
                    *_flows(("198.51.100.2", 500, 0, 0)).flows,
                    Flow("192.0.2.9", "198.51.100.2", 443, opening=2, retried=2),
                )
            )
        ),
        L,
        "198.51.100.2:443 answers other source addresses, but nothing comes back to 192.0.2.9",
    ),
    "one SYN was lost": (clues(traffic=_flows(("198.51.100.2", 500, 9, 1))), P, "198.51.100.2:443"),
    "one backend is dead": (
        clues(traffic=_flows(("198.51.100.2", 500, 0, 0), _DEAD)),
        L,
        "198.51.100.3:443 does not answer at all, other destinations do",
    ),
    "the only backend is dead": (clues(traffic=_flows(_DEAD)), L, "198.51.100.3:443 does not answer at all"),
    "one backend is dead, and it stopped at a number": (
        clues(traffic=_flows(("198.51.100.2", 500, 0, 0), _DEAD), symptom=Symptom(stalled_at=500)),
        P,
        "198.51.100.3:443",
    ),
    "no answer, but the errno is another": (
        clues(traffic=_flows(_LIVE), symptom=Symptom(errno="EMFILE")),
        P,
        "198.51.100.2",
    ),
    "no answer, but this host drops them": (clues(_FULL, _DROPS, traffic=_flows(_LIVE)), X, "something outside"),
    "a firewall of this host drops them": (
        clues({"TcpExt.TCPRetransFail": 0}, {"TcpExt.TCPRetransFail": 7}, traffic=_flows(_LIVE)),
        L,
        "a firewall rule or a route of this host itself drops the SYNs towards 198.51.100.2:443",
    ),
    "a listener of this host": (
        clues(traffic=dataclasses.replace(_flows(_LIVE), listeners=(Listener("198.51.100.2", 443, 9, 8),))),
        X,
        "something outside",
    ),
    "loopback": (clues(traffic=_flows(("127.0.0.1", 5, 9, 9))), X, "something outside"),
    "all answer": (clues(traffic=_flows(("198.51.100.2", 500, 9, 0))), X, "something outside"),
    "all answer now, one timed out": (
        clues(traffic=_flows(("198.51.100.2", 500, 0, 0)), symptom=Symptom("ETIMEDOUT", "connect")),
        P,
        "something outside",
    ),
    "an open connection timed out": (clues(symptom=Symptom("ETIMEDOUT", "recv")), X, "something outside"),
    "no sockets seen": (clues(traffic=Unknown(Reason.UNREADABLE, "sock_diag")), U, "something outside"),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_lies_outside(case: str) -> None:
    given, certainty, what = OUTSIDE[case]
    cause = _one(outside.judge(given))
    assert cause.certainty is certainty
    assert cause.what.startswith(what)


@pytest.mark.parametrize(
    ("cloud", "cpus", "quota"),
    [
        ("gcp", 2, "260,000"),
        ("gcp", 32, "1,040,000"),
        ("azure", 2, "500,000"),
        ("aws", 2, "conntrack_allowance_exceeded"),
        ("", 2, "quota"),
    ],
)
def test_a_cloud_is_named_with_its_quota(cloud: str, cpus: int, quota: str) -> None:
    given = clues(traffic=_flows(_LIVE), machine={"cloud": cloud, "cpus": cpus})
    assert quota in _one(outside.judge(given)).fixes[0].text


def test_what_a_service_of_ipvs_here_leaves_unanswered_is_not_likely_outside() -> None:
    given = clues(traffic=_flows(_LIVE), ipvs=Ipvs(services=("198.51.100.2:443",), entries=9))
    cause = _one(outside.judge(given))
    assert cause.certainty is P and "IPVS" in str(cause.against)
    elsewhere = clues(traffic=_flows(_LIVE), ipvs=Ipvs(services=("198.51.100.9:443",), entries=9))
    assert _one(outside.judge(elsewhere)).certainty is L


_QUIET = {"Tcp.RetransSegs": 100, "Tcp.OutSegs": 1000, "TcpExt.TCPSynRetrans": 90, "TcpExt.TCPTimeouts": 90}


def _sent(again: int, out: int, syn: int = 0, **more: int) -> Clues:
    rose = {"Tcp.RetransSegs": again + syn, "Tcp.OutSegs": out, "TcpExt.TCPSynRetrans": syn, "TcpExt.TCPTimeouts": syn}
    rose |= {f"softnet.{name}" if name == "dropped" else f"TcpExt.{name}": count for name, count in more.items()}
    first = {**dict.fromkeys(rose, 0), **_QUIET}
    return clues(first, {name: first[name] + count for name, count in rose.items()})


PATH = {
    "one of five": (_sent(200, 800, TCPLostRetransmit=9), C),
    "two of a hundred": (_sent(40, 1960, TCPLostRetransmit=9), L),
    "one of five, and no timeout": (_sent(200, 800), L),
    "one of five, with SYNs that time out": (_sent(200, 800, syn=50), L),
    "SYNs alone": (_sent(0, 100, syn=500), X),
    "one of ten thousand": (_sent(30, 300_000), X),
    "too few to tell": (_sent(5, 5), X),
    "it stood high before": (_sent(0, 500), X),
    "they had arrived": (_sent(200, 800, TCPDSACKRecv=150, TCPLostRetransmit=9), P),
    "a full queue of this host": (_sent(200, 800, ListenOverflows=190, TCPLostRetransmit=9), P),
    "a packet queue of the host, which is everybody's": (_sent(200, 800, dropped=190, TCPLostRetransmit=9), L),
    "a listener that drops a few": (_sent(200, 800, ListenOverflows=9, TCPLostRetransmit=9), C),
    "one gathering": (dataclasses.replace(_sent(0, 0), rates=Rates(Sample(1, _QUIET), Sample(1, _QUIET))), U),
    "no counters": (clues(), U),
    "no counters, an open connection timed out": (clues(symptom=Symptom("ETIMEDOUT", "recv")), P),
    "no counters, connect() timed out": (clues(symptom=Symptom("ETIMEDOUT", "connect")), U),
}


@pytest.mark.parametrize("case", PATH)
def test_the_path(case: str) -> None:
    given, certainty = PATH[case]
    assert _one(path.judge(given)).certainty is certainty


def test_the_path_names_the_destination_that_suffers_most() -> None:
    flows = (
        Flow("192.0.2.1", "198.51.100.2", 443, 9, resending=1),
        Flow("192.0.2.1", "2001:db8::1", 443, 9, resending=7),
    )
    given = dataclasses.replace(_sent(200, 800), traffic=Traffic(flows))
    told = [one.text for one in _one(path.judge(given)).evidence if "wait for" in one.text]
    assert told[0].startswith("7 of 9 connections to [2001:db8::1]:443")


def _one(causes: tuple[Cause, ...]) -> Cause:
    assert len(causes) == 1
    return causes[0]


def test_a_table_that_was_never_full_speaks_against_the_words_of_a_log() -> None:
    host = clues({"conntrack.count": 3, "conntrack.drop": 0}, symptom=Symptom(hits=(_TABLE_FULL,)))
    (cause,) = conntrack.judge(host)
    assert cause.certainty is Certainty.POSSIBLE
    assert "never been full" in str(cause.against[0]) and "never been full" not in " ".join(map(str, cause.evidence))
