"""The limits of a configuration that was read: reached, written of, fitting the number, or far."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune import diagnosis
from hosttune.diagnosis import Clues, configured, log_reading, own_limits
from hosttune.diagnosis.rules import own_limit
from hosttune.model import (
    Backend,
    Certainty,
    Conclusion,
    Configuration,
    Entry,
    Flow,
    LogHit,
    OwnLimit,
    Section,
    Server,
    Settings,
    Traffic,
)
from tests.diagnosis.given import KNOWN, clues, is_, pool, program

FILE = "/etc/haproxy/haproxy.cfg"


def limit(value: int, of: str = "", line: int = 7, **more: Any) -> OwnLimit:
    return OwnLimit("maxconn", value, "maxconn", of=of, where=f"{FILE}:{line}", fails="clients wait", **more)


def server(name: str, port: int, most: OwnLimit | None = None) -> Server:
    return Server(name, f"{FILE}:{port}", Backend("10.0.0.11", port), most=most)


def haproxy(*entries: Entry, sections: tuple[Section, ...] = (), **more: Any) -> Configuration:
    return Configuration("haproxy", (FILE,), Settings("haproxy", FILE), entries, sections, **more)


FRONTEND = Entry("frontend f", f"{FILE}:5", (limit(150, "frontend f"),), ("backend b",))
BEHIND = Section("backend b", f"{FILE}:9", (server("s1", 10), server("s2", 11)))
EACH = Section("backend b", f"{FILE}:9", (server("s1", 10, limit(40, line=10)), server("s2", 11, limit(40, line=11))))
FLOWS = Traffic((Flow("10.0.0.1", "10.0.0.11", 10, 40), Flow("10.0.0.1", "10.0.0.11", 11, 40)))


def judged(configuration: Configuration | None, **more: Any) -> tuple[Any, ...]:
    return own_limit.judge(clues(configuration=configuration, **more))


def test_the_limit_of_a_frontend_that_is_reached_is_certain() -> None:
    (cause,) = causes = judged(haproxy(FRONTEND, sections=(BEHIND,)), carried=150)
    is_(causes, Certainty.CERTAIN, at=150)
    assert cause.what == f"a limit of haproxy's own is reached: maxconn 150 of frontend f ({FILE}:7)"
    assert [str(one) for one in cause.evidence] == [
        f"maxconn 150 of frontend f is set ({FILE}:7)",
        "150 connections of the 150 that it lets through (/proc/PID/fd: what the program holds)",
    ]
    assert cause.fixes[0].text == f"maxconn 151 or more in {FILE}:7, then reload haproxy: take your target"
    assert cause.fixes[0].command == "maxconn 151"
    assert cause.log == "clients wait"


def test_what_waits_says_what_it_takes_at_least() -> None:
    limits = (limit(40, line=10, used=40, waiting=25), limit(40, line=11, used=40, waiting=0))
    section = dataclasses.replace(EACH, servers=(server("s1", 10, limits[0]), server("s2", 11, limits[1])))
    (cause,) = causes = judged(haproxy(sections=(section,)), carried=105)
    is_(causes, Certainty.CERTAIN, at=80)
    assert (
        cause.what
        == f"a limit of haproxy's own is reached: maxconn 40 of each of the 2 servers of backend b ({FILE}:10)"
    )
    assert "25 more wait in its queue" in str(cause.evidence)
    # 105 connections over two servers
    assert (
        cause.fixes[0].text
        == f"maxconn 53 or more in {FILE}:10, then reload haproxy: as many as wait now, take your target"
    )


def test_connections_to_the_servers_are_counted_where_the_program_says_nothing() -> None:
    is_(judged(haproxy(sections=(EACH,)), traffic=FLOWS), Certainty.CERTAIN, at=80)
    other = dataclasses.replace(BEHIND, name="backend c")
    # the same servers behind another section: whose connections they are cannot be seen
    is_(judged(haproxy(sections=(EACH, other)), traffic=FLOWS), Certainty.UNKNOWN)


def test_a_server_without_a_limit_takes_the_rest() -> None:
    section = dataclasses.replace(EACH, servers=(EACH.servers[0], server("s2", 11)))
    (cause,) = judged(haproxy(sections=(section,)), traffic=FLOWS)
    assert "sets no limit of connections" in str(cause.evidence)


def test_far_limits_are_excluded_and_the_fullest_is_named() -> None:
    (cause,) = causes = judged(haproxy(FRONTEND, limits=(limit(4_000, line=2),)), carried=12)
    is_(causes, Certainty.EXCLUDED)
    assert "maxconn 150 of frontend f is the fullest: 12 connections of 150" in str(cause.evidence)


def test_several_entries_share_what_the_program_holds() -> None:
    second = dataclasses.replace(FRONTEND, name="frontend g", limits=(limit(150, "frontend g"),))
    is_(judged(haproxy(FRONTEND, second), carried=200), Certainty.UNKNOWN)
    told = dataclasses.replace(FRONTEND, limits=(limit(150, "frontend f", used=150),))
    is_(judged(haproxy(told, second), carried=200), Certainty.CERTAIN, at=150)


@pytest.mark.parametrize(("carried", "certainty"), [(149, Certainty.LIKELY), (150, Certainty.CERTAIN)])
def test_what_is_reckoned_from_descriptors_may_be_a_little_short(carried: int, certainty: Certainty) -> None:
    is_(judged(haproxy(FRONTEND), carried=carried), certainty, at=150)


def test_the_number_of_a_stall_fits_one_of_them() -> None:
    is_(judged(haproxy(FRONTEND), at=150), Certainty.LIKELY, at=150)
    is_(judged(haproxy(FRONTEND), at=150, errno="EADDRNOTAVAIL"), Certainty.POSSIBLE, at=150)
    is_(judged(haproxy(FRONTEND), at=90), Certainty.UNKNOWN)


NGINX = Configuration(
    "nginx",
    ("/etc/nginx/nginx.conf",),
    Settings("nginx", "/etc/nginx/nginx.conf"),
    limits=(OwnLimit("worker-connections", 64, "worker_connections", where="/etc/nginx/nginx.conf:3", each=2, kept=2),),
)


def hits(line: str) -> tuple[LogHit, ...]:
    return log_reading.recognise(line.encode(), KNOWN)


def test_a_line_of_the_log_names_the_limit_by_its_number() -> None:
    (cause,) = causes = judged(NGINX, hits=hits("[alert] 7#7: 64 worker_connections are not enough"))
    is_(causes, Certainty.CERTAIN, at=31)
    assert cause.fixes[0].text.startswith("worker_connections 66 or more in /etc/nginx/nginx.conf:3, then reload nginx")
    is_(judged(NGINX, hits=hits("[alert] 7#7: 512 worker_connections are not enough")), Certainty.UNKNOWN)
    is_(
        judged(NGINX, hits=hits("[alert] 7#7: 64 worker_connections are not enough"), carried=3),
        Certainty.LIKELY,
        at=31,
    )


def test_a_line_without_a_number_names_those_of_its_kind() -> None:
    limits = (OwnLimit("max-connections", 50, "max_connections", of="listener 1883", where="m.conf:2"),)
    found = Configuration("mosquitto", ("m.conf",), Settings("mosquitto", "m.conf"), limits=limits)
    line = "1795897558: Client connection from 127.0.0.1 denied: max_connections exceeded."
    is_(judged(found, hits=hits(line)), Certainty.CERTAIN, at=50)
    is_(judged(NGINX, hits=hits(line)), Certainty.UNKNOWN)


def test_a_default_is_named_as_one() -> None:
    bare = dataclasses.replace(NGINX, limits=(OwnLimit("worker-connections", 512, "worker_connections", each=2),))
    (cause,) = judged(bare, carried=256)
    assert cause.what == "a limit of nginx's own is reached: worker_connections 512 (a default: no line sets it)"
    assert "worker_connections 514 or more in its configuration" in cause.fixes[0].text


def test_without_a_configuration_nobody_knows() -> None:
    is_(judged(None), Certainty.UNKNOWN)
    is_(judged(haproxy()), Certainty.EXCLUDED)


def test_it_is_the_cause_of_a_full_queue_and_not_the_other_way() -> None:
    found = diagnosis.diagnose(clues(pool(used=100), configuration=haproxy(FRONTEND), carried=150, at=150))
    assert (found.conclusion, found.causes[0].kind) == (Conclusion.CAUSE, "own-limit")
    assert found.text.startswith(
        f"A limit of haproxy's own is reached: maxconn 150 of frontend f ({FILE}:7), at 150 connections"
    )


def test_a_number_that_no_line_sets_is_not_guessed_at() -> None:
    known: Clues = clues(configuration=haproxy(FRONTEND), at=1_000, programs=(program(1_000),), named=True)
    hints = own_limits.where_to_look(known)
    assert f"{FILE} sets no limit near 1,000: maxconn 150 of frontend f is the nearest ({FILE}:7)" in hints
    assert not any("round number" in hint for hint in hints)
    assert any(
        "round number" in hint for hint in own_limits.where_to_look(dataclasses.replace(known, configuration=None))
    )


limits = st.builds(limit, st.integers(0, 300), used=st.one_of(st.none(), st.integers(0, 400)), each=st.integers(1, 2))
sections = st.builds(
    lambda mosts: Section("backend b", "", tuple(server(f"s{n}", n + 1, most) for n, most in enumerate(mosts))),
    st.lists(st.one_of(st.none(), limits), max_size=3),
)


@given(
    st.builds(
        lambda whole, own, behind: haproxy(
            Entry("frontend f", "", tuple(own), ("backend b",)), limits=tuple(whole), sections=(behind,)
        ),
        st.lists(limits, max_size=2),
        st.lists(limits, max_size=2),
        sections,
    ),
    st.one_of(st.none(), st.integers(0, 400)),
    st.one_of(st.none(), st.integers(1, 400)),
)
def test_any_configuration_is_judged(found: Configuration, carried: int | None, at: int | None) -> None:
    known = clues(configuration=found, carried=carried, at=at)
    causes = own_limit.judge(known)
    assert causes
    for cause in causes:
        assert cause.evidence
        assert "None" not in f"{cause.what} {cause.evidence} {cause.fixes}"
    for own in configured.held(known):
        if own.used is not None:
            raised = [dataclasses.replace(limit, value=own.value_for(own.most + 1)) for limit in own.limits]
            assert sum(limit.most for limit in raised) > own.most or len({limit.each for limit in own.limits}) > 1
