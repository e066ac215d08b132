"""Every noun in every format: total, safe, well-formed, against golden files that a person has reviewed.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/render` rewrites them; read the difference before it is committed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hosttune.render.formats
from hosttune import model, registry, render
from hosttune.model import (
    Capacity,
    Change,
    Conclusion,
    Explained,
    Explanation,
    FileState,
    Operator,
    Origin,
    Proof,
    Reason,
    Requirement,
    Resolution,
    RoleRequirements,
    Severity,
    Subject,
    Trial,
    Unknown,
    ValidProfile,
    Verdict,
    Wanted,
    Who,
    Workload,
    acting,
    document,
    drawings,
    roles,
)
from hosttune.model.acting import (
    Applied,
    Confirmed,
    History,
    Invocation,
    Lost,
    Past,
    Result,
    SourcesChanged,
    Undone,
    Unusable,
    Waiting,
)
from hosttune.model.resolution import FileValue, KeyResolution, NofileResolution
from hosttune.render import schemas
from hosttune.render.pages import sorting
from tests.commands.test_sources_plan import host as sources_host
from tests.commands.test_sources_plan import made as sources_of
from tests.render import nodes, plans
from tests.render.test_diagnosis import _NOFILE, _PORTS, _diagnosis
from tests.render.test_formats import every_kind
from tests.render.test_record_text import climbed
from tests.render.test_render_examples import MACHINE
from tests.render.test_watch_text import view

HERE = Path(__file__).parent
_SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
TEXT = st.text(max_size=40) | st.sampled_from(
    (
        "a|b",
        "</svg><script>alert(1)</script>",
        "`x`",
        "[x](y)",
        "\x1b[31m",
        "\n# x",
        "&amp;",
        "\ufffe",
        "**x**",
        "\ud800",
    )
)
VOID = {"meta", "br"}  # elements of HTML that have no end


def resolution() -> Resolution:
    made = Origin("/etc/sysctl.d/90-lb.conf", 1, "4096"), Origin("/etc/sysctl.d/10-old.conf", 7, "128")
    row = KeyResolution(65_535, "65535", FileValue(4_096, made[0], made[1:]), None, False, True)
    return Resolution(
        "systemd 252",
        "procps 4",
        {"net.core.somaxconn": row},
        {"root": NofileResolution(1_024, 4_096)},
        {},
        ("a link",),
    )


SOMAXCONN = Requirement(
    Subject("sysctl", "net.core.somaxconn"),
    Operator.AT_LEAST,
    (4_096,),
    "bursts wait",
    "listen(2)",
    Severity.ERROR,
    ("lb",),
)
CHANGES = (
    Change("sysctl", "net.core.somaxconn", "128", "4096", why="bursts wait here"),
    Change(
        "file", "/etc/sysctl.d/90-hosttune.conf", None, FileState("# Written by hosttune\nnet.core.somaxconn = 4096\n")
    ),
)
WHO = Invocation("2026-11-24T22:58:17Z", "hosttune apply --role lb", Who("alice", "bob", "10.0.0.5", "pts/0"), "T-1")
UNUSABLE = Unusable(3, "/var/lib/hosttune/3.json", "its sum is wrong", "look at it: sudo mv 3.json 3.json.damaged")
RESULT = Result("sysctl:net.core.somaxconn", Verdict.FAIL, "128", "4,096", "128", "a later file overrides it")
LOST = Lost("net.core.somaxconn", "now", "4096", "128", ("tuned.service writes it",))

NOUNS: dict[str, Any] = {
    "applied-planned": Applied(
        dry_run=True, changed=True, changes=CHANGES, notes=("left alone",), capacity="as before"
    ),
    "applied": Applied(
        id=7,
        changed=True,
        changes=CHANGES,
        results=(RESULT,),
        not_in_force=(LOST,),
        capacity="128 -> 4,096",
        confirm=Waiting(60, "2026-11-24T23:00:00Z", "systemd", ("/etc/sysctl.d/90-hosttune.conf",)),
    ),
    "undone": Undone(id=7, changed=True, changes=CHANGES, kept=("fs.nr_open: kept",), taken_back=True, forcible=True),
    "confirmed": Confirmed(id=7, changed=True, changes=CHANGES),
    "history": History((Past(id=7, status="applied", state="in force", made=WHO, roles=("lb",)),), (UNUSABLE,)),
    "sources-changed": SourcesChanged(verb="add", id=7, changed=True, capacity="as before"),
    "report": every_kind(),
    "capacity": Capacity(every_kind()),
    "sizing": plans.fan(),
    "fleet": plans.fleet(),
    "account": climbed(),
    "node": nodes.node(),
    "diagnosis": _diagnosis(Conclusion.CAUSE, _PORTS, excluded=(_NOFILE,), next=("the errno",), notes=("a note",)),
    "explained": Explained(
        (
            Explanation(
                SOMAXCONN.subject,
                "a ceiling",
                "connections",
                "4,096",
                "it overflows",
                "it waits",
                "a network namespace",
                "net/socket.c",
                (0, 9),
                "128",
                (Wanted("lb", SOMAXCONN, "to at least 4,096"),),
            ),
        )
    ),
    "role-requirements": RoleRequirements("lb", "a proxy", Workload(9, 1), (Wanted("lb", SOMAXCONN, "to 4,096"),), ()),
    "valid-profile": ValidProfile("my.toml", 12, ("fs.x concerns none of it",)),
    "source-plan": sources_of(1_000_000, sources_host(vendor="Amazon EC2", gateway="10.0.0.1")),
    "trial": Trial(
        MACHINE,
        ("lb",),
        True,
        30.0,
        4.0,
        (
            Proof(
                "ports",
                "source ports",
                "1 pair",
                28_232,
                28_232,
                "ports",
                (28_232, 28_232),
                "exact",
                "EADDRNOTAVAIL",
                "EADDRNOTAVAIL",
                1.0,
            ),
            Proof(
                "syn",
                "SYN queue",
                "1 listener",
                4_096,
                Unknown(Reason.INVISIBLE, "no namespace"),
                "requests",
                (4_096, 4_097),
                "one may be on its way",
                "",
                "",
                0.1,
                ("a note",),
            ),
        ),
        ("a note",),
        "hosttune prove",
    ),
    "view": view(),
    "resolution": resolution(),
}
SHAPES = [(name, format) for name, noun in NOUNS.items() for format in ("table", "markdown", "svg")]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a look tell its time alike everywhere."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(("name", "format"), SHAPES)
def test_a_noun_says_what_was_reviewed(name: str, format: str) -> None:
    made, golden = render.render(NOUNS[name], format), HERE / "golden" / f"{name}.{format}"
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1":
        golden.write_text(made, encoding="utf-8")
    assert made == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "noun"), [*NOUNS.items()])
def test_a_noun_has_every_format(name: str, noun: Any) -> None:
    every = render.formats_of(type(noun))
    assert set(registry.names(render.FORMATS)) <= set(every)
    for format in every:
        text = render.render(noun, format, width=80)
        assert text.endswith("\n") and not set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text))
        hold(format, text)


def test_each_view_is_of_a_noun() -> None:
    names = {re.sub(r"(?<=.)([A-Z])", r"_\1", name).lower() for name in (*model.__all__, *dir(acting))}
    assert set(registry.names(render.VIEWS)) <= names


@pytest.mark.parametrize("name", NOUNS)
def test_a_document_for_programs_holds_to_its_schema(name: str) -> None:
    found = json.loads(render.render(NOUNS[name], "json"))
    schema = found["schema"].split("/")[1]
    if schema in schemas.nouns():
        jsonschema.validate(found, json.loads(schemas.path_of(schema).read_text("utf-8")))


class Tags(HTMLParser):
    """A reader of HTML that keeps what is open; `scripts` are elements and attributes that no page of ours has."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag in VOID else [tag]
        self.scripts += [tag] if tag in ("script", "img", "link", "iframe") else []
        self.scripts += [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Leave what is open as it is."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def hold(format: str, text: str) -> None:
    """Hold a text to what its format is."""
    if format == "html":
        tags = Tags()
        tags.feed(text.replace(f"<script>{sorting.SCRIPT}</script>", ""))
        tags.close()
        assert not tags.open and not tags.scripts
    elif format == "svg":
        root = ElementTree.fromstring(text)
        names = {node.tag.rpartition("}")[2] for node in root.iter()}
        assert "title" in names and not names & {"script", "image", "a", "foreignObject"}
    elif format == "markdown":
        columns = 0
        for line in text.split("\n"):
            cells = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else 0
            assert not (cells and columns) or cells == columns, line
            columns = cells


def tables() -> st.SearchStrategy[document.Table]:
    """Return tables whose rows have a cell for each column."""

    def of(count: int) -> st.SearchStrategy[document.Table]:
        column = st.builds(document.Column, TEXT, st.booleans(), TEXT, st.booleans(), tail=st.booleans())
        cells = st.lists(TEXT, min_size=count, max_size=count).map(tuple)
        row = st.builds(document.Row, cells, st.lists(TEXT, max_size=2).map(tuple), st.sampled_from(roles.Role))
        columns = st.lists(column, min_size=count, max_size=count)
        return st.builds(
            lambda first, rest, rows, **more: document.Table((document.Column(first), *rest), tuple(rows), **more),
            TEXT,
            columns.map(lambda found: found[1:]),
            st.lists(row, max_size=3),
            title=TEXT,
            heads=st.booleans(),
            notes=TEXT,
        )

    return st.integers(1, 5).flatmap(of)


COUNT = st.integers(0, 2**63)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
BAR = st.builds(
    drawings.Bar, TEXT, COUNT, TEXT, st.lists(st.builds(drawings.Note, TEXT, TEXT), max_size=2).map(tuple),
    COUNT | st.none(), COUNT | st.none(), st.sampled_from(roles.Role),
)  # fmt: skip
GAUGE = st.builds(
    drawings.Gauge, TEXT, COUNT, COUNT, COUNT | st.none(), TEXT, st.sampled_from(roles.Role), st.booleans()
)
BLOCK = (
    tables()
    | st.builds(document.Paragraph, TEXT, TEXT, st.sampled_from(roles.Role), st.integers(0, 3), st.booleans())
    | st.builds(document.Callout, TEXT, TEXTS, st.sampled_from(roles.Role))
    | st.builds(document.Commands, TEXT, TEXTS.filter(bool), st.booleans(), st.booleans())
    | st.builds(document.Lines, TEXTS)
    | st.builds(document.Listing, TEXT, TEXTS, st.booleans())
    | st.builds(document.Pairs, st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple), TEXT)
    | st.builds(drawings.Bars, TEXT, COUNT, st.lists(BAR, max_size=3).map(tuple), COUNT)
    | st.builds(drawings.Gauges, TEXT, st.lists(GAUGE, max_size=3).map(tuple), TEXT, TEXT, st.booleans())
)


@pytest.mark.parametrize("format", ["table", "markdown", "html", "svg"])
@_SETTINGS
@given(st.builds(document.Document, TEXT, TEXTS, st.lists(BLOCK, max_size=4).map(tuple)), st.integers(40, 120))
def test_any_document_is_well_formed(format: str, found: document.Document, width: int) -> None:
    from hosttune.printable import cleaned
    from hosttune.render.page import Page

    text = render.format_module("Report", format).write(cleaned(found), Page(width=width))
    assert not set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text))
    hold(format, text)


OUTSIDE = '''"""How many blocks a noun has: a format from outside."""


def write(document, page):
    return f"{document.title} has {len(document.blocks)} blocks\\n"
'''


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Add a format by one file in a folder of one's own."""
    (tmp_path / "census.py").write_text(OUTSIDE, encoding="utf-8")
    monkeypatch.setattr(hosttune.render.formats, "__path__", [*hosttune.render.formats.__path__, str(tmp_path)])
    yield "census"
    sys.modules.pop(f"{render.FORMATS}.census", None)


def test_a_format_from_outside_is_had_by_every_noun(outside: str) -> None:
    for noun in NOUNS.values():
        assert outside in render.formats_of(type(noun))
        assert re.fullmatch(r".* has \d+ blocks\n", render.render(noun, outside))


def test_a_format_from_outside_is_seen_by_the_command_line(tmp_path: Path) -> None:
    """By check, its help and completion: in a run of its own, for options are made as modules are imported."""
    (tmp_path / "census.py").write_text(OUTSIDE, encoding="utf-8")
    begin = f"import sys, hosttune.render.formats as f; f.__path__.append({str(tmp_path)!r})"
    stock = str(HERE.parent / "hosts" / "debian12-stock.json")

    def run(*words: str) -> str:
        code = f"{begin}; from hosttune.cli import main; sys.argv = ['hosttune', *{words!r}]; sys.exit(main())"
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout

    assert "vm: lb has" in run("check", "--role", "lb", "--snapshot", stock, "--format", "census")
    assert "census" in run("check", "--help")
    assert "census" in run("hook", "complete", "hosttune plan --format ").split()


def test_a_noun_of_ones_own_has_no_format_of_a_report() -> None:
    assert {"junit", "nagios", "prometheus", "tap"} <= set(render.formats_of("Report"))
    assert not {"junit", "nagios", "tap"} & set(render.formats_of("Sizing"))
    assert "prometheus" in render.formats_of("View")


def test_what_a_host_says_is_no_markup_anywhere() -> None:
    bad = "</title></style><script>alert(1)</script>"
    noun = dataclasses.replace(resolution(), warnings=(bad,), unit={bad: NofileResolution(None, None, refused=True)})
    for format in ("html", "svg"):
        text = render.render(noun, format)
        hold(format, text)
        assert "<script" not in text
