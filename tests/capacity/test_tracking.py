"""What the role itself has in the conntrack table is part of what the table carries; rules may keep it out."""

from __future__ import annotations

import dataclasses
import socket

import pytest

from hosttune.capacity import capacity, tracking
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Backend, Bound, Listener, Process, Reason, Unknown, Workload
from hosttune.model.filtering import Hook, Matching, Ruleset, Untracked
from tests.capacity.test_capacity import facts, machine, pool

MAX = "net.netfilter.nf_conntrack_max"
CLIENT = Workload(1_000, 100, backends=(Backend("10.0.0.2", 1883),))
LB = dataclasses.replace(CLIENT, sockets_per_connection=2, descriptors_per_connection=2)
SERVER = dataclasses.replace(CLIENT, tuples_per_connection=0, backends=())
OUT = Untracked("ip raw out handle 4", Matching(ports=((1883, 1883),)), Hook.OUTPUT)
BACK = Untracked("ip raw in handle 5", Matching(source_ports=((1883, 1883),)), Hook.PREROUTING)
AT_80 = Untracked("ip raw in handle 6", Matching(ports=((80, 80),)), Hook.PREROUTING)
FROM_80 = Untracked("ip raw out handle 7", Matching(source_ports=((80, 80),)), Hook.OUTPUT)


def tracked(load: Workload, limit: int, count: int, used: int = 0, accepted: int | None = None) -> CapacityFacts:
    pools = (pool("10.0.0.1", "10.0.0.2:1883", 200, used=used),) if load.backends else ()
    process = None
    if accepted is not None:
        process = Process(7, accepted + 10, 0, False, accepted=accepted, listeners=(Listener("0.0.0.0", 80, 0, 128),))
    return dataclasses.replace(
        facts({MAX: limit}, pools, load, machine=machine(conntrack=True), tracked=count), process=process
    )


def bound(of: CapacityFacts) -> Bound | None:
    return next((b for b in capacity(of) if b.kind == "conntrack"), None)


@pytest.mark.parametrize(
    ("load", "limit", "count", "used", "accepted", "hard", "most"),
    [
        (CLIENT, 100, 100, 100, None, 100, None),  # the table is full of the role's own
        (CLIENT, 262_144, 150, 150, None, 262_144, None),
        (CLIENT, 262_144, 200_000, 200_000, None, 262_144, None),
        (CLIENT, 262_144, 150, 100, None, 262_094, None),  # 50 are others'
        (SERVER, 1_000, 300, 0, 300, 1_000, None),
        (SERVER, 1_000, 300, 0, None, 700, 1_000),  # nobody said which of them are the role's
        (LB, 1_000, 400, 200, 200, 500, None),
        (LB, 1_000, 400, 150, 150, 450, None),
    ],
)
def test_own_entries_are_not_those_of_others(
    load: Workload, limit: int, count: int, used: int, accepted: int | None, hard: int, most: int | None
) -> None:
    found = bound(tracked(load, limit, count, used, accepted))
    assert found and (found.hard, found.most) == (hard, most)
    assert any("may be the role's own" in note for note in found.notes) == (most is not None)


@pytest.mark.parametrize(
    ("load", "untracked", "accepted", "hard"),
    [
        (CLIENT, (), None, 1_000),
        (CLIENT, (OUT, BACK), None, None),
        (CLIENT, (OUT,), None, Unknown),
        (CLIENT, (AT_80, FROM_80), None, 1_000),
        (SERVER, (AT_80, FROM_80), 0, None),
        (SERVER, (AT_80, FROM_80), None, Unknown),
        (LB, (AT_80, FROM_80), 0, 1_000),  # one entry a connection is left
        (LB, (), 0, 500),
    ],
)
def test_what_a_rule_leaves_untracked_takes_no_entry(
    load: Workload, untracked: tuple[Untracked, ...], accepted: int | None, hard: int | type[Unknown] | None
) -> None:
    rules = Ruleset(tracks=True, tracking=("ip f o handle 2, ct",), families=(socket.AF_INET,), untracked=untracked)
    found = bound(dataclasses.replace(tracked(load, 1_000, 0, 0, accepted), ruleset=rules))
    if hard is Unknown:
        assert found and isinstance(found.hard, Unknown)
    else:
        assert (found and found.hard) == hard


def test_a_family_that_no_rule_is_of_is_not_tracked() -> None:
    rules = Ruleset(tracks=True, families=(socket.AF_INET6,))
    assert bound(dataclasses.replace(tracked(CLIENT, 1_000, 0), ruleset=rules)) is None


def test_all_entries_of_a_gateway_are_its_own() -> None:
    load = dataclasses.replace(CLIENT, sockets_per_connection=0, tuples_per_connection=0)
    assert tracking.own(dataclasses.replace(tracked(CLIENT, 1_000, 77), workload=load)) == (77, 77)


def test_the_rules_that_have_it_tracked_are_named() -> None:
    rules = Ruleset(tracks=True, tracking=("ip f o handle 2, ct",), families=(socket.AF_INET,))
    found = bound(dataclasses.replace(tracked(CLIENT, 1_000, 0), ruleset=rules))
    assert found and "connections are tracked because of the rule ip f o handle 2" in found.notes


def test_whether_it_tracks_may_not_be_known() -> None:
    of = dataclasses.replace(
        tracked(CLIENT, 1_000, 0), machine=machine(conntrack=Unknown(Reason.UNDECIDED, "no rights"))
    )
    found = bound(of)
    assert found and str(found.hard).endswith("1,000 if they are tracked: no rights")
