"""The front page is short, every verb has a page, links lead somewhere, and `hosttune docs` shows what is shipped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from hosttune import docs
from hosttune.cli import app
from tests import needs, verbs
from tests.docs import pages

TOPICS = [Path(name).stem for name in pages.PAGES]


def test_the_front_page_is_short() -> None:
    assert 120 <= len((pages.REPO / "README.md").read_text().splitlines()) <= 160


@pytest.mark.parametrize("name", pages.ALL)
def test_each_link_leads_somewhere(name: str) -> None:
    path = pages.ALL[name]
    text = path.read_text(encoding="utf-8")
    away = [link for link in pages.links(text) if link and ":" not in link]
    assert not [link for link in away if not (path.parent / link).is_file()]
    # what is shipped without the repository leads to what is shipped
    assert name not in pages.PAGES or not [link for link in away if "/" in link]
    commands = re.findall(r"hosttune docs ([a-z]+)", text)
    assert not {*commands} - {*TOPICS, *get_command(app).commands}  # type: ignore[attr-defined]


def test_the_front_page_leads_to_every_page() -> None:
    found = {*pages.links((pages.REPO / "README.md").read_text())}
    assert not {*pages.PAGES} - found


def test_every_verb_has_a_page() -> None:
    names = get_command(app).commands  # type: ignore[attr-defined]
    for verb in names:
        assert re.search(rf"\b{verb}\b", docs.source({"hook": "hooks", "docs": "contributing"}.get(verb, verb))), verb


def test_the_list_has_a_line_a_page() -> None:
    done = verbs.hosttune("docs")
    assert done.returncode == 0 and not done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == TOPICS
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("topic", ["faq", "apply"])
def test_a_page_is_shown_as_text(topic: str) -> None:
    done = verbs.hosttune("docs", topic, env={**os.environ, "COLUMNS": "72"})
    assert done.returncode == 0 and not done.stderr
    assert done.stdout == docs.page(topic, 72)


def test_an_unknown_page_is_one_line_with_the_topics() -> None:
    done = verbs.hosttune("docs", "no\x1bsuch")
    assert done.returncode == 2 and not done.stdout and done.stderr.count("\n") == 1
    assert done.stderr.startswith("hosttune: docs ") and "\x1b" not in done.stderr
    assert all(topic in done.stderr for topic in TOPICS)


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("topic", TOPICS)
def test_lines_are_as_wide_as_the_terminal(topic: str, width: int) -> None:
    text = docs.page(topic, width)
    source = docs.source(topic)
    for line in text.splitlines():
        # what is pasted stays whole: code, and a word that is longer than there is room
        whole = line.startswith("    ") and line.strip() in source
        assert len(line) <= width or whole or len(line.split()[-1]) >= 18, line
    # no word is lost, but for the marks of Markdown
    words = re.findall(r"\w+", re.sub(r"<!--.*?-->|^```\w*$|\]\([^)]*\)", "", source, flags=re.M | re.S))
    shown = " ".join(re.findall(r"\w+", text)).lower()
    assert not [word for word in words if word.lower() not in shown]


@given(st.text(alphabet=st.sampled_from("ab `*|#-[]()\n.1"), max_size=200), st.integers(1, 100))
def test_any_text_can_be_shown(source: str, width: int) -> None:
    text = docs.plain(source, width)
    assert text.endswith("\n")
    letters = {letter for letter in source if letter.isalpha()}
    assert letters <= {*text.lower()} or "|" in source or "(" in source or "`" in source


def test_a_diagram_and_code_stay_as_they_are() -> None:
    source = "# a: b\n\n    x   y\n\n    z\n\ntext\n\n```console\n$ c\n  d  e\n```\n"
    told = "A: B\n\n    x   y\n\n    z\n\n  text\n\n    $ c\n      d  e\n"
    assert docs.plain(source, 80) == told
    # what begins another block needs no empty line before it
    close = "## more\ntext\ngoes on\n| k | v |\n| a | b |\nend\n"
    assert docs.plain(close, 80) == "more\n\n  text goes on\n\n  k  v\n  a  b\n\n  end\n"
    assert docs.plain("| k | v |\n|---|---|\n| `a` | *b* c |\n", 80) == "  k    v\n  `a`  b c\n"
    assert docs.plain("- see [faq](faq.md)\n- [x](topology.md)\n", 80) == (
        "  - see `hosttune docs faq`\n  - x (`hosttune docs topology`)\n"
    )


def test_no_page_has_what_a_terminal_would_obey() -> None:
    for path in pages.ALL.values():
        text = path.read_text(encoding="utf-8")
        assert not {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf")} - {"\n"}


@pytest.mark.slow
def test_the_wheel_has_what_the_program_reads_and_no_tests(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(pages.REPO)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        needs.missing(f"no wheel can be built: {done.stderr.strip()[-300:]}")
    (wheel,) = tmp_path.glob("*.whl")
    names = {*zipfile.ZipFile(wheel).namelist()}
    assert {*pages.PAGES, "hosttune/docs/check.svg", "hosttune/py.typed"} <= names
    package = pages.REPO / "hosttune"
    assert {path.relative_to(pages.REPO).as_posix() for path in package.rglob("*.schema.json")} <= names
    profiles = {path.relative_to(pages.REPO).as_posix() for path in (pages.REPO / "profiles").rglob("*.toml")}
    assert profiles and {f"hosttune/_{name}" for name in profiles} <= names
    assert not {name for name in names if name.startswith("tests/") or "/test_" in name}
