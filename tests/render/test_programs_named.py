"""Every format says which program a report is about, which others run, or that none does."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.model import Carrier, Reason, Report, Unknown
from hosttune.render import formats_of, render
from tests.render.test_render_examples import bound, report

HAPROXY = Carrier(
    "haproxy",
    3669,
    ("/etc/haproxy/haproxy.cfg",),
    "haproxy.service",
    connections=200,
    stops="source ports",
    command="hosttune check --role lb --pid 3669",
)
NGINX = Carrier(
    "nginx",
    12,
    ("/a", "/b", "/c", "/d"),
    network="blue",
    connections=31,
    stops="worker_connections",
    command="hosttune check --role lb --pid 12",
)
UNSEEN = Carrier("envoy", 77, command="hosttune check --role lb --pid 77")
FIRST = "haproxy (pid 3669, haproxy.service), /etc/haproxy/haproxy.cfg"
SECOND = (
    "nginx (pid 12), /a, /b, /c and 1 more, in network namespace blue: limit 31: worker_connections; "
    "hosttune check --role lb --pid 12"
)
THIRD = "envoy (pid 77): not judged; hosttune check --role lb --pid 77"
TEXTS = ("table", "markdown", "html")


def shown(made: Report, format: str) -> str:
    """Return what a format writes, as one line without its marks."""
    text = render(made, format, width=400)
    for mark in ("`", "\\", "**", "<strong>", "</strong>", "<b>", "</b>"):
        text = text.replace(mark, "")
    return " ".join(text.split())


def some(*carriers: Carrier, idle: str = "") -> Report:
    return dataclasses.replace(report((), (bound("source ports", 200),)), carriers=carriers, idle=idle)


@pytest.mark.parametrize("format", TEXTS)
def test_all_programs_are_named(format: str) -> None:
    text = shown(some(HAPROXY, NGINX, UNSEEN), format)
    assert text.index(FIRST) < text.index("200 connections: source ports") < text.index(SECOND) < text.index(THIRD)


@pytest.mark.parametrize("format", TEXTS)
def test_that_nothing_runs_comes_first(format: str) -> None:
    idle = "no haproxy runs here"
    text = shown(some(idle=idle), format)
    assert text.index(idle) < text.index("200 connections: source ports")


def test_what_cannot_be_read_of_it_is_told_before_the_number() -> None:
    why = Unknown(Reason.UNREADABLE, "haproxy (pid 3669): /etc/haproxy/haproxy.cfg: no such file")
    unread = dataclasses.replace(bound("the configuration of haproxy (pid 3669)", why), kind="configuration")
    made = dataclasses.replace(some(HAPROXY), bounds=(bound("nofile", 900), unread))
    what = "the configuration of haproxy (pid 3669) cannot be read: /etc/haproxy/haproxy.cfg: no such file"
    for format in TEXTS:
        text = shown(made, format)
        assert text.index(what) < text.index("900 connections at the latest: nofile")
    assert f"limit 900 connections at the latest (nofile); haproxy (pid 3669); {what} |" in shown(made, "nagios")


def test_files_that_were_changed_since_it_started_are_named() -> None:
    older = "changed since it started: what runs may go by the older text until it is reloaded"
    path = HAPROXY.files[0]
    cases = (
        (HAPROXY, (path,), f"{path}, which was {older}"),
        (NGINX, ("/b",), f"/b was {older}"),
        (NGINX, ("/b", "/c"), f"/b and 1 more were {older}"),
    )
    for carrier, changed, text in cases:
        made = some(dataclasses.replace(carrier, changed=changed))
        assert text in shown(made, "table")
        assert f"{changed[0]} was changed since it started" in shown(made, "nagios")
    assert "changed since" not in shown(some(HAPROXY), "table")


def test_a_line_of_nagios_names_them_all() -> None:
    line = shown(some(HAPROXY, NGINX, UNSEEN), "nagios")
    assert "limit 200 connections (source ports); haproxy (pid 3669); nginx (pid 12) limit 31; envoy" in line
    assert "no haproxy runs here" in shown(some(idle="no haproxy runs here"), "nagios")


@pytest.mark.parametrize("format", formats_of("Report"))
def test_a_path_gives_no_orders(format: str) -> None:
    evil = dataclasses.replace(HAPROXY, files=("/tmp/\x1b[2J\nStalls at 9", "/\udc80"))
    text = render(some(evil, evil), format)
    assert "\x1b[2J" not in text
    assert "\nStalls at 9" not in text
