"""Numbers against every limit: which they fit, what that weighs, and that a number alone makes nothing certain."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hosttune import diagnosis, registry
from hosttune.diagnosis import Clues, known_limits, numbers, saying
from hosttune.model import Certainty, Conclusion, GroupLimit, Listener, LogHit, Traffic
from tests.diagnosis.given import DEFAULT, MACHINE, RANGE, WIDE, clues, program

TABLES = {
    "fs.file-max": 90_000,
    "fs.nr_open": 1_048_576,
    "net.netfilter.nf_conntrack_max": 131_072,
    "net.core.somaxconn": 4_096,
    "net.ipv4.tcp_max_orphans": 65_536,
    "net.ipv4.tcp_max_tw_buckets": 16_384,
    "kernel.pid_max": 32_768,
    "kernel.threads-max": 47_000,
}
PIDS = GroupLimit("pids", "/system.slice/broker.service", "/sys/fs/cgroup/pids.max", 4_915, 12)
SURE = (Certainty.CERTAIN, Certainty.LIKELY)


def line(text: str, *causes: str, **named: int) -> LogHit:
    return LogHit("broker", causes, text, 1, "", "", named)


def kinds(given_clues: Clues) -> dict[str, int]:
    return {fit.limit.kind: fit.limit.at for fit in numbers.fits(given_clues)}


@pytest.mark.parametrize(
    ("at", "more", "kind", "limit"),
    [
        (28_232, {}, "ports", 28_232),
        (27_900, {}, "ports", 28_232),
        (28_232, {"limits": {}}, "ports", 28_232),
        (14_116, {}, "knee", 14_116),
        (56_464, {}, "ports", 56_464),
        (64_512, {"limits": WIDE}, "ports", 64_512),
        (1_015, {"programs": (program(900, 1_024),)}, "nofile", 1_024),
        (65_523, {"programs": (program(900, 65_536, 65_536),)}, "nofile", 65_536),
        (32_760, {"programs": (program(900, 65_536, 65_536),)}, "nofile", 32_768),
        (524_280, {"programs": (program(900, 1_024, 524_288),)}, "nofile", 524_288),
        (1_000, {}, "nofile", 1_024),
        (1_048_570, {}, "nr-open", 1_048_576),
        (89_900, {"limits": TABLES}, "file-max", 90_000),
        (131_000, {"limits": TABLES}, "conntrack", 131_072),
        (65_500, {"limits": TABLES}, "conntrack", 65_536),
        (262_100, {}, "conntrack", 262_144),
        (4_097, {"limits": TABLES}, "accept-queue", 4_097),
        (129, {"traffic": Traffic(listeners=(Listener("0.0.0.0", 1883, 129, 128),))}, "backlog", 129),
        (4_900, {"groups": (PIDS,)}, "pids", 4_915),
        (32_700, {"limits": TABLES}, "pids", 32_768),
    ],
)
def test_a_number_is_held_against_every_limit(at: int, more: dict[str, Any], kind: str, limit: int) -> None:
    assert kinds(clues(at=at, **more)).get(kind) == limit


@pytest.mark.parametrize(
    ("release", "at", "found"),
    [("3.16.0", 14_116, {14_116}), ("3.16.0", 7_050, {7_058}), ("6.1.0", 7_050, set()), ("", 14_116, set())],
)
def test_parts_of_the_range_are_limits_of_old_kernels_only(release: str, at: int, found: set[int]) -> None:
    old = clues(at=at, machine=dataclasses.replace(MACHINE, kernel=release))
    assert {fit.limit.at for fit in numbers.fits(old) if fit.limit.kind == "ports"} == found


@pytest.mark.parametrize(("name", "at", "fits"), [("redis-server", 9_990, True), ("redis-server", 4_064, False)])
def test_the_default_of_a_program_is_compared_where_it_is_named(name: str, at: int, fits: bool) -> None:
    mine = dataclasses.replace(program(9_999, 65_536), name=name)
    assert ("own-limit" in kinds(clues(at=at, programs=(mine,), named=True))) is fits
    assert "own-limit" not in kinds(clues(at=at, programs=(mine,)))
    following = diagnosis.diagnose(clues(at=at, programs=(mine,), named=True)).next
    assert any("10 below 10,000, the default of redis-server" in text for text in following) is fits, following


@pytest.mark.parametrize(("cloud", "at", "fits"), [("aws", 110_000, True), ("gcp", 64, True), ("", 55_000, False)])
def test_what_a_provider_gives_is_compared_where_it_is_seen(cloud: str, at: int, fits: bool) -> None:
    host = clues(at=at, machine=dataclasses.replace(MACHINE, cloud=cloud))
    assert (kinds(host).get("nat-gateway") == at) is fits


@pytest.mark.parametrize(
    ("at", "more", "kind"),
    [
        (28_600, {}, "ports"),  # above it: nothing stops beyond its limit
        (26_000, {}, "ports"),
        (28_232, {"limits": WIDE}, "ports"),  # the range is known, and is no default
        (1_015, {"programs": (program(900, 65_536),)}, "nofile"),
        (65_536, {"limits": TABLES}, "orphans"),  # those are closed: no open connection waits for a place among them
        (16_384, {"limits": TABLES}, "tw-buckets"),
        (4_150, {"limits": TABLES}, "accept-queue"),
    ],
)
def test_a_number_fits_no_limit_that_it_cannot_be(at: int, more: dict[str, Any], kind: str) -> None:
    assert kind not in kinds(clues(at=at, **more))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("haproxy: server reached 10000 of 1,000,000", (10_000, 1_000_000)),
        ("maxconn=28232, stopping (28231)", (28_231,)),
        ("nf_conntrack: table full (16384), dropping packet", (16_384,)),
        ("connect to 10.3.0.8:8883 failed, pid [8123], 2026-11-29 05:40:10.1234", ()),
        ("at 12:30:4567 worker#3000 /srv/4000 a4000 4000b 99 of 42", ()),
        ("4000 and 4000 again", (4_000,)),
        (" ".join(str(number) for number in range(1_000, 1_050)), tuple(range(1_000, 1_006))),
    ],
)
def test_numbers_of_a_line_are_counts_and_limits(text: str, found: tuple[int, ...]) -> None:
    assert numbers.written(text) == found


def test_a_line_has_the_limit_itself_in_it() -> None:
    asked = clues(hits=(line("cannot have more than 90000", "file-max"),), limits=TABLES)
    assert kinds(asked) == {"file-max": 90_000}
    assert str(numbers.fits(asked)[0]) == "90,000 in a line of broker is exactly fs.file-max"
    near = clues(hits=(line("cannot have more than 89000", "file-max"),), limits=TABLES)
    assert kinds(near) == {}
    ports = clues(hits=(line("cannot listen", "port-taken", port=32_768),), limits=TABLES)
    assert kinds(ports) == {}, "a port is no count"


def test_orphans_are_counted_where_a_line_has_their_number() -> None:
    assert kinds(clues(hits=(line("too many orphans: 65536"),), limits=TABLES)).get("orphans") == 65_536


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (28_232, "a number alone: by chance fewer than 1 in 1,000"),
        (27_100, "a number alone: by chance 1 number in "),
        (27_500, "a round number alone: many settings and targets are such"),
        (1_024, "a round number alone"),
    ],
)
def test_what_a_coincidence_weighs_is_said(at: int, words: str) -> None:
    (cause, *_) = [cause for cause in diagnosis.diagnose(clues(at=at)).causes if cause.kind in ("ports", "nofile")]
    assert [seen for seen in cause.evidence if seen.text.startswith(words) and seen.where == "--stalled-at"], cause


def test_a_round_number_near_a_limit_is_a_hint_only() -> None:
    assert diagnosis.diagnose(clues(at=28_232)).conclusion is Conclusion.CAUSE
    assert diagnosis.diagnose(clues(at=27_500)).conclusion is Conclusion.NOT_ENOUGH
    assert diagnosis.diagnose(clues(at=27_500, errno="EADDRNOTAVAIL", call="connect")).conclusion is Conclusion.CAUSE


def test_limits_that_no_cause_speaks_of_are_to_be_read() -> None:
    following = diagnosis.diagnose(clues(at=89_990, limits=TABLES)).next
    assert any("10 below 90,000, fs.file-max: read /proc/sys/fs/file-nr" in text for text in following), following


def test_a_limit_that_cannot_give_what_was_met_is_not_to_be_read() -> None:
    following = diagnosis.diagnose(clues(at=89_990, limits=TABLES, errno="EADDRNOTAVAIL", call="connect")).next
    assert not [text for text in following if "file-max" in text]
    full = diagnosis.diagnose(clues(at=89_990, limits=TABLES, errno="ENFILE", call="accept"))
    assert "file-max" in {cause.kind for cause in full.causes}


def test_every_kind_of_a_limit_is_that_of_a_rule() -> None:
    every = known_limits.limits(clues(at=1, limits=TABLES, programs=(program(1),), groups=(PIDS,)))
    rules = {name.replace("_", "-") for name in registry.names("hosttune.diagnosis.rules")}
    assert {limit.kind for limit in every} - rules <= {"tw-buckets", "own-limit"}


@st.composite
def hosts(draw: st.DrawFn) -> dict[str, Any]:
    size = st.integers(200, 2_000_000)
    low = draw(st.integers(1_024, 40_000))
    limits = {key: draw(size) for key in draw(st.sets(st.sampled_from(sorted(TABLES))))}
    limits[RANGE] = (low, draw(st.integers(low + 200, 65_535)))
    return {"limits": draw(st.sampled_from([limits, DEFAULT, {}]))}


@given(hosts(), st.data())
@settings(max_examples=80)
def test_a_number_alone_makes_nothing_certain_and_is_never_no_symptom(
    host: dict[str, Any], data: st.DataObject
) -> None:
    every = [limit for limit in known_limits.limits(clues(**host)) if limit.stops]
    limit = data.draw(st.sampled_from(every))
    number = data.draw(st.integers(max(int(limit.at * (1 - limit.slack)), 1), limit.at))
    asked = clues(at=number, **host)
    fits = numbers.fits(asked)
    assert limit.kind in {fit.limit.kind for fit in fits}
    assert all(saying.near(number, fit.limit.at, fit.limit.slack) and fit.odds >= 1 for fit in fits)
    found: Any = diagnosis.diagnose(asked)
    assert all(cause.certainty is not Certainty.CERTAIN for cause in found.causes)
    assert found.conclusion is not Conclusion.NOTHING
    assert found.next or found.conclusion is Conclusion.CAUSE


@given(hosts(), st.integers(100, 2_000_000), st.sampled_from(sorted(TABLES)), st.integers(200, 2_000_000))
@settings(max_examples=60)
def test_one_more_limit_makes_no_coincidence_rarer(host: dict[str, Any], number: int, key: str, value: int) -> None:
    assume(key not in host["limits"] and host["limits"])
    before = {(fit.limit.kind, fit.limit.at): fit.odds for fit in numbers.fits(clues(at=number, **host))}
    more = clues(at=number, limits={**host["limits"], key: value})
    # a value that is read stands for what kernels have by default
    assume(key not in ("fs.nr_open", "net.netfilter.nf_conntrack_max"))
    for fit in numbers.fits(more):
        assert fit.odds <= before.get((fit.limit.kind, fit.limit.at), fit.odds)
