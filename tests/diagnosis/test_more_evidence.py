"""A true observation for a cause never makes it less sure, and never moves it behind one that it does not speak for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hosttune import diagnosis, registry
from hosttune.diagnosis import Clues, weighing
from hosttune.model import Cause, Certainty, LogHit, Rates, Sample, Symptom
from tests.diagnosis.given import KNOWN
from tests.diagnosis.test_contract import anything

RULES = {name.replace("_", "-"): registry.load("hosttune.diagnosis.rules", name).RULE for name in
         registry.names("hosttune.diagnosis.rules")}  # fmt: skip
HITS = [
    LogHit(known.name, row.causes, "a line", 1, row.errno, row.call)
    for known in KNOWN
    for row in known.log
    if row.causes
]


SPOKEN = {
    "file-max": "VFS: file-max limit 1000 reached",
    "neighbours": "neighbour: arp_cache: neighbor table overflow!",
    "orphans": "TCP: too many orphaned sockets",
    "tcp-mem": "TCP: out of memory -- consider tuning tcp_mem",
    "conntrack": "nf_conntrack: nf_conntrack: table full, dropping packet",
}
FULL = ("conntrack.count", "files.open", "sockstat.TCP.orphan", "sockstat.TCP.mem", "arp_cache.entries")
LIMITS = {
    "net.netfilter.nf_conntrack_max": 1000,
    "fs.file-max": 1000,
    "net.ipv4.tcp_max_orphans": 1000,
    "net.ipv4.tcp_mem": (500, 700, 1000),
    "net.ipv4.neigh.default.gc_thresh3": 1000,
    "net.ipv4.ip_local_port_range": (20000, 20999),
    "net.core.somaxconn": 128,
    "net.ipv4.tcp_max_syn_backlog": 256,
    "net.ipv4.tcp_syncookies": 1,
}
MOVES = (
    "conntrack.drop", "conntrack.insert_failed", "softnet.dropped", "vmstat.oom_kill", "Tcp.ActiveOpens",
    "Tcp.PassiveOpens", "Tcp.RetransSegs", "TcpExt.TCPSynRetrans", "TcpExt.ListenOverflows", "TcpExt.ListenDrops",
    "TcpExt.TCPReqQFullDrop", "TcpExt.TCPAbortOnMemory", "TcpExt.TCPMemoryPressures", "TcpExt.PruneCalled",
    "TcpExt.TCPTimeWaitOverflow", "TcpExt.PAWSPassive", "arp_cache.table_fulls", "arp_cache.res_failed",
)  # fmt: skip


@st.composite
def crowded(draw: st.DrawFn) -> Clues:
    """Return clues of a host of which some counters stand at their limits, and some move."""
    stands = {name: draw(st.sampled_from([0, 500, 960, 1000])) for name in draw(st.sets(st.sampled_from(FULL)))}
    moves = {name: draw(st.sampled_from([0, 7, 400])) for name in draw(st.sets(st.sampled_from(MOVES), max_size=5))}
    spoken = draw(st.lists(st.sampled_from(sorted(SPOKEN.values())), max_size=2))
    base = draw(anything())
    now = {**base.rates.now.counters, **dict.fromkeys(moves, 1_000), **stands}
    before = {**now, **{name: 1_000 - by for name, by in moves.items()}}
    return replace(
        base,
        rates=Rates(Sample(100.0, before), Sample(101.0, now)),
        limits={**base.limits, **{key: LIMITS[key] for key in draw(st.sets(st.sampled_from(sorted(LIMITS))))}},
        log=tuple((draw(st.sampled_from([5.0, 9_000.0])), line) for line in spoken),
    )


@st.composite
def more(draw: st.DrawFn, symptom: Symptom, kind: str) -> Symptom:
    """Return a symptom with one observation more that speaks for a cause: an errno that it gives, or a line of it."""
    lines = [hit for hit in HITS if hit.causes[0] == kind]
    outcomes = [
        (errno, call)
        for call, errnos in RULES[kind].outcomes().items()
        for errno in errnos
        if not symptom.call or call in ("", symptom.call)
    ]
    if not symptom.errno and outcomes and (not lines or draw(st.booleans())):
        errno, call = draw(st.sampled_from(outcomes))
        return replace(symptom, errno=errno, call=symptom.call or draw(st.sampled_from(["", call])))
    assume(lines)
    return replace(symptom, hits=(*symptom.hits, draw(st.sampled_from(lines))))


def held(clues: Clues) -> dict[str, Cause]:
    found = diagnosis.diagnose(clues)
    return {cause.kind: cause for cause in reversed(found.causes)}


@pytest.mark.parametrize("kind", sorted(RULES))
@settings(max_examples=40, deadline=None)
@given(st.data(), anything() | crowded())
def test_more_evidence_never_gives_less_certainty(kind: str, data: Any, clues: Clues) -> None:
    before = held(clues)
    if kind not in before:
        return
    if kind in SPOKEN and isinstance(clues.log, tuple) and data.draw(st.booleans()):
        clues_after = replace(clues, log=(*clues.log, (5.0, SPOKEN[kind])))
    else:
        clues_after = replace(clues, symptom=data.draw(more(clues.symptom, kind)))
    after = held(clues_after)
    told = f"{kind}: {before[kind]}: + {clues_after.symptom}, {clues_after.log}"
    assert kind in after, told
    assert after[kind].certainty.rank <= before[kind].certainty.rank, told
    assert after[kind].beside <= before[kind].beside, told


@pytest.mark.parametrize("kind", sorted(RULES))
def test_every_cause_says_what_it_gives(kind: str) -> None:
    outcomes = RULES[kind].outcomes()
    assert any(outcomes.values())
    assert RULES[kind].outcome
    assert weighing.order(Cause(kind, "x", Certainty.CERTAIN, beside=True)) > weighing.order(
        Cause(kind, "x", Certainty.POSSIBLE)
    )
