"""The formats for other programs, held against golden files and against programs that read them.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/render` rewrites the golden files; read the difference before it is committed.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import junitparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tap.parser import Parser

from hosttune.model import Finding, Reason, Report, Severity, Unknown, Verdict
from hosttune.model.document import Column, Document, Row, Table
from hosttune.render import exit_codes, formats_of, render
from hosttune.render.cases import Outcome, cases
from hosttune.render.figures import clean
from hosttune.render.formats import markdown as md
from hosttune.render.of_report import junit, nagios, tap
from tests import needs, verbs
from tests.render.test_render_examples import bound, finding, report
from tests.render.test_render_properties import _REPORTS as REPORTS

HERE = Path(__file__).parent
HOSTS = HERE.parent / "hosts"
NAMES = ("junit", "markdown", "nagios", "tap")
_SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
# label=value;warn;crit;min;max, https://www.monitoring-plugins.org/doc/guidelines.html
DATUM = r"(?:'[^'=]+'|[^ '=]+)=[0-9]+(?:;[0-9:]*){2};0;[0-9]*"


def hosttune(*words: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    return verbs.hosttune(*words, encoding=encoding, cwd=HOSTS)


@pytest.mark.parametrize("host", ["debian12-drift", "debian12-whitepaper"])
@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_host_reads_as_reviewed(name: str, host: str) -> None:
    done = hosttune("check", "--role", "lb", "--snapshot", f"{host}.json", "--format", name)
    assert not done.stderr
    golden = HERE / "golden" / f"{host}.exit{done.returncode}.{name}"
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1":
        golden.write_text(done.stdout, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == done.stdout


def every_kind() -> Report:
    """Return a report with a test of each outcome."""
    found = (
        finding("a.ok", Verdict.OK),
        finding("b.fail", Verdict.FAIL),
        finding("c.drift", Verdict.DRIFT),
        finding("d.minor", Verdict.FAIL, Severity.WARNING),
        finding("e.unknown", Verdict.UNKNOWN),
        finding("f.apart", Verdict.NOT_APPLICABLE),
        dataclasses.replace(finding("g.lint", Verdict.FAIL), id="lint:g", requirement=None),
    )
    bounds = (bound("ports", 28232, 14116), bound("memory", 3_000_000), bound("conntrack", Unknown(Reason.INVISIBLE)))
    return report(found, bounds)


EXPECTED = Counter(ok=2, failed=4, minor=1, skipped=3)


def test_where_nothing_could_be_told_nothing_is_green() -> None:
    made = report((finding("a", Verdict.UNKNOWN), finding("b", Verdict.NOT_APPLICABLE)))
    assert [case.outcome for case in cases(made)] == [Outcome.UNKNOWN, Outcome.SKIPPED]
    assert exit_codes.check(made) == 3


def test_each_outcome_is_counted_once() -> None:
    assert Counter(str(case.outcome) for case in cases(every_kind())) == EXPECTED
    strict = dataclasses.replace(every_kind(), strict=True, fail_on=Severity.WARNING)
    assert Counter(str(case.outcome) for case in cases(strict)) == Counter(ok=2, failed=5, unknown=2, skipped=1)


def counts(read: junitparser.JUnitXml) -> list[tuple[int, ...]]:
    return [(one.tests, one.failures, one.errors) for one in (read, *read)] + [(suite.skipped,) for suite in read]


@pytest.mark.parametrize("strict", [False, True])
def test_a_reader_of_junit_counts_the_same(strict: bool) -> None:
    made = dataclasses.replace(every_kind(), strict=strict)
    read = junitparser.JUnitXml.fromstring(junit.render(made).encode())
    assert [suite.name for suite in read] == ["hosttune.lb", "hosttune.lint", "hosttune.capacity"]
    written = counts(read)
    read.update_statistics()  # counts the elements
    assert written == counts(read)
    assert (read.tests, read.failures, read.errors, read.skipped) == (10, 4, 2 * strict, 4 - 2 * strict)


COUNTS = {"tests", "failures", "errors"}
# what the xunit plugin of Jenkins takes (its junit-10.xsd): attributes that there may be, those that must be, children
JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "time", *COUNTS}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "time", "skipped", "timestamp", "hostname", "group", "id", "package", "file", "log", "url", *COUNTS},
        {"name", *COUNTS},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": ({"name", "time", "classname", "group"}, {"name"}, {"skipped", "error", "failure"}),
    "skipped": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "failure": ({"type", "message"}, set(), set()),
}


def hold_to_junit(text: str) -> None:
    assert text.isascii()
    for element in ElementTree.fromstring(text).iter():
        may, must, children = JUNIT[element.tag]
        assert must <= set(element.attrib) <= may, element.attrib
        assert {child.tag for child in element} <= children


@pytest.mark.parametrize("strict", [False, True])
def test_junit_has_what_its_schema_has(strict: bool) -> None:
    hold_to_junit(junit.render(dataclasses.replace(every_kind(), strict=strict, taken=1795609744.9)))
    hold_to_junit(junit.failed("--role 'l\x1bb]]>': no such profile"))


def test_names_stay_from_run_to_run_and_differ() -> None:
    made = [dataclasses.replace(finding(f"pid/{pid}", Verdict.OK), id=f"nofile:pid/{pid}:at_least") for pid in (7, 19)]
    (first,), (second,) = (cases(report((one,))) for one in made)
    assert first.name == second.name == "nofile:process:at_least"
    twice = dataclasses.replace(finding("a", Verdict.FAIL), id="lint:range-refused:a", requirement=None)
    assert [case.name for case in cases(report((twice, twice)))] == ["lint:range-refused:a", "lint:range-refused:a (2)"]


def test_a_role_may_have_the_name_of_a_group() -> None:
    made = finding("a", Verdict.OK)
    assert made.requirement is not None
    row = dataclasses.replace(made.requirement, roles=("capacity", "lint"))
    lint = dataclasses.replace(made, id="lint:a", requirement=None)
    found = report(
        (lint, dataclasses.replace(made, requirement=row)), (bound("nofile", 5),), roles=("capacity", "lint")
    )
    suites = list(junitparser.JUnitXml.fromstring(junit.render(found).encode()))
    assert [(suite.name, suite.tests) for suite in suites] == [("hosttune.capacity", 2), ("hosttune.lint", 2)]


def read_tap(text: str) -> list[Any]:
    """Return the lines as a reader of TAP 13 has them, in which a hash cannot be escaped."""
    return list(Parser().parse_text(re.sub(r"(?m)^(?!  )(.*)$", lambda line: line[0].replace(r"\#", ""), text)))


def test_a_reader_of_tap_counts_the_same() -> None:
    lines = read_tap(tap.render(every_kind()))
    tests = [line for line in lines if line.category == "test"]
    (plan,) = (line for line in lines if line.category == "plan")
    assert plan.expected_tests == len(tests) == EXPECTED.total()
    assert [t.number for t in tests] == list(range(1, len(tests) + 1))
    assert sum(not t.ok and not t.todo for t in tests) == EXPECTED["failed"]
    assert sum(bool(t.todo) for t in tests) == EXPECTED["minor"]
    assert sum(bool(t.skip) for t in tests) == EXPECTED["skipped"]
    assert not [line for line in lines if line.category in ("unknown", "bail")]


STATES = {
    "all holds": (report((finding("a", Verdict.OK),), (bound("memory", 3_000_000),)), 0),
    "an error fails": (report((finding("a", Verdict.FAIL),), (bound("memory", 3_000_000),)), 2),
    "it drifts": (report((finding("a", Verdict.DRIFT),), (bound("memory", 3_000_000),)), 1),
    "it is right on disk alone": (
        report((dataclasses.replace(finding("a", Verdict.DRIFT), in_force=False),), (bound("memory", 3_000_000),)),
        2,
    ),
    "a warning fails": (report((finding("a", Verdict.FAIL, Severity.WARNING),), (bound("memory", 3_000_000),)), 1),
    "a warning fails and counts": (
        report((finding("a", Verdict.FAIL, Severity.WARNING),), (), fail_on=Severity.WARNING),
        2,
    ),
    "a trifle fails": (report((finding("a", Verdict.FAIL, Severity.INFO),), (bound("memory", 3_000_000),)), 0),
    "it stalls": (report((finding("a", Verdict.OK),), (bound("ports", 28232),)), 2),
    "it is slow now": (report((), (dataclasses.replace(bound("ports", 3_000_000, 500), used=500),)), 1),
    "it is full now": (report((), (dataclasses.replace(bound("ports", 3_000_000, 500), used=3_000_000),)), 2),
    "too slow for the rate": (
        report((), (bound("memory", 3_000_000), dataclasses.replace(bound("churn", 5), unit="connections/s"))),
        2,
    ),
    "one could not be told": (report((finding("a", Verdict.UNKNOWN),), (bound("memory", 3_000_000),)), 0),
    "one must be told": (report((finding("a", Verdict.UNKNOWN),), (bound("memory", 3_000_000),), strict=True), 3),
    "a bound could not be told": (report((), (bound("memory", 3_000_000), bound("m", Unknown(Reason.INVISIBLE)))), 0),
    "a bound must be told": (
        report((), (bound("memory", 3_000_000), bound("m", Unknown(Reason.INVISIBLE))), strict=True),
        3,
    ),
    "nothing could be told": (report((finding("a", Verdict.UNKNOWN),), (bound("m", Unknown(Reason.INVISIBLE)),)), 3),
}


@pytest.mark.parametrize("name", STATES)
def test_the_state_of_the_plugin(name: str) -> None:
    made, state = STATES[name]
    assert nagios.exit_code(made) == state
    assert nagios.render(made).startswith(f"HOSTTUNE {('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[state]} - ")


def test_the_plugin_carries_nothing_where_a_bound_could_not_be_told() -> None:
    unseen = (bound("memory", 3_000_000), bound("conntrack", Unknown(Reason.INVISIBLE)))
    assert "reaches 1,000,000" in nagios.render(report(bounds=unseen[:1]))
    said = nagios.render(report(bounds=unseen))
    assert "reaches" not in said and "no limit below 1,000,000 found, 1 unknown" in said


def test_a_line_has_room_for_thousands_of_backends() -> None:
    many = tuple(dataclasses.replace(bound("ports", 10**6 + n), of=f"10.0.0.1:{n}", used=n) for n in range(1, 5001))
    text = nagios.render(report(bounds=(*many, dataclasses.replace(bound("nofile", 10**7), used=7))))
    # the fullest, and what is no backend; a service's output may be cut at 4 KiB
    assert "'used nofile'=7;" in text and "'used ports:10.0.0.1:5000'=5000;" in text
    assert "'used ports:10.0.0.1:4997'" not in text and len(text) < 1024


@pytest.mark.slow
def test_a_program_that_runs_plugins_takes_the_state_and_the_line() -> None:
    needs.need("negate")
    negate = needs.where("negate")
    for words, state, becomes in (
        (["--role", "lb", "--snapshot", str(HOSTS / "debian12-stock.json")], 2, "OK"),
        (["--role", "nosuch"], 3, "WARNING"),
        (["--no-such-option"], 3, "WARNING"),
    ):
        plugin = [sys.executable, "-m", "hosttune", "check", *words, "--format", "nagios"]
        # negate(1): what was critical becomes ok, what was unknown becomes a warning
        done = subprocess.run(
            [negate, "-s", "-c", "OK", "-u", "WARNING", "/bin/sh", "-c", shlex.join(plugin)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
            check=False,
        )
        assert done.returncode == ("OK", "WARNING").index(becomes), done.stdout
        assert done.stdout.startswith(f"HOSTTUNE {becomes} - "), (state, done.stdout)


FAILED = {
    "junit": (2, "<error "),
    "tap": (2, "\nBail out! "),
    "nagios": (3, "HOSTTUNE UNKNOWN - "),
    "json": (2, ""),
}
WRONG = {
    "role": (["--role", "nosuch"], "nosuch"),
    "option": (["--no-such-option"], "--no-such-option"),
    "value": (["--connections", "many"], "--connections"),
    "severity": (["--fail-on", "fatal"], "--fail-on fatal"),
    "recording": (["--snapshot", "/nonexistent"], "/nonexistent"),
}


# found by a command, by typer; the rest for one format, for a run takes half a second
@pytest.mark.parametrize(
    ("name", "wrong"),
    [*((name, wrong) for name in FAILED for wrong in ("role", "option")), *(("nagios", w) for w in list(WRONG)[2:])],
)
def test_a_check_that_cannot_be_made_fails_in_its_format(name: str, wrong: str) -> None:
    code, said = FAILED[name]
    words, about = WRONG[wrong]
    done = hosttune("check", *words, "--format", name)
    assert done.returncode == code
    assert about in done.stderr and done.stderr.count("\n") == 1
    assert (said in done.stdout and about in done.stdout) if said else not done.stdout


@pytest.mark.parametrize("name", ["junit", "tap", "nagios"])
def test_it_fails_in_its_format_where_the_output_has_no_such_letter(name: str) -> None:
    code, said = FAILED[name]
    done = hosttune("check", "--role", "l\N{LATIN SMALL LETTER E WITH ACUTE}b", "--format", name, encoding="ascii")
    assert done.returncode == code and said in done.stdout
    assert ("l&#233;b" if name == "junit" else "l?b") in done.stdout
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--format=tap"], ["-ftap"], ["-vf", "tap"], ["-vftap"], ["-f", "json", "-f", "tap"]]
)
def test_the_format_is_seen_however_it_is_written(words: list[str]) -> None:
    assert "Bail out!" in hosttune("check", "--role", "nosuch", *words).stdout


@pytest.mark.parametrize("words", [["capacity", "--format", "tap"], ["history", "-f", "junit"], ["resolve", "-f", "x"]])
def test_a_verb_without_the_format_says_which_it_has(words: list[str]) -> None:
    done = hosttune(*words)
    assert done.returncode == 2 and not done.stdout
    assert re.search(r"--format \w+: unknown; choose table.* or \w+\n", done.stderr)


@_SETTINGS
@given(report=REPORTS)
def test_whatever_a_host_says_junit_can_be_read(report: Report) -> None:
    text = junit.render(report)
    hold_to_junit(text)
    read = junitparser.JUnitXml.fromstring(text.encode())
    assert read.tests == len(cases(report)) == sum(len(list(suite)) for suite in read)


@_SETTINGS
@given(report=REPORTS)
def test_whatever_a_host_says_tap_can_be_read(report: Report) -> None:
    tests = [line for line in read_tap(tap.render(report)) if line.category == "test"]
    found = cases(report)
    assert [t.ok for t in tests] == [case.outcome in (Outcome.OK, Outcome.SKIPPED) for case in found]
    assert [bool(t.skip) for t in tests] == [case.outcome is Outcome.SKIPPED for case in found]
    for test, case in zip(tests, found, strict=True):
        if test.yaml_block is not None:
            told = {"message": case.message, "verdict": case.verdict, **dict(case.facts)}
            assert test.yaml_block == {name.replace(" ", "_"): text for name, text in told.items()}
    assert sum(test.yaml_block is not None for test in tests) == sum(not test.ok for test in tests)


@_SETTINGS
@given(report=REPORTS)
def test_whatever_a_host_says_the_plugin_has_one_line(report: Report) -> None:
    text = nagios.render(report)
    assert text.count("\n") == 1 and text.count("|") == 1
    assert re.fullmatch(rf"HOSTTUNE (OK|WARNING|CRITICAL|UNKNOWN) - [^|]* \| {DATUM}( {DATUM})*\n", text), text


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
BLOCKS = {"heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td", "inline"}


def words(text: str) -> list[str]:
    """Return what a reader of Markdown shows: the text of each heading, line and cell."""
    inlines = [token.children or [] for token in MARKDOWN.parse(text) if token.type == "inline"]
    return ["".join(child.content for child in children) for children in inlines]


@_SETTINGS
@given(report=REPORTS, verbose=st.booleans())
def test_whatever_a_host_says_a_reader_of_markdown_sees_no_markup_of_it(report: Report, verbose: bool) -> None:
    text = render(report, "markdown", verbose=verbose)
    tokens = MARKDOWN.parse(text)
    assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} <= BLOCKS
    inside = {child.type for token in tokens for child in token.children or []}
    assert inside <= {"text", "strong_open", "strong_close", "code_inline"}
    # a reader drops cells beyond those of the head without a word
    blocks = [block.splitlines() for block in re.findall(r"(?m)(?:^\|.*\n)+", text)]
    assert len(blocks) == sum(token.type == "table_open" for token in tokens)
    for rows in blocks:
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}) == 1


@settings(max_examples=200, deadline=None)
@given(text=st.text("-+>=1.) #*_`~|\\<&;[]()!:a\x00\n", min_size=1, max_size=12).filter(str.strip))
def test_a_reader_of_markdown_shows_what_was_said(text: str) -> None:
    said = clean(text).strip()
    assert words(f"# {md.text(text)}\n\n{md.text(text)}\n\n- {md.text(text)}\n") == [said] * 3
    table = Table((Column("a"), Column("b")), (Row((text, text)),))
    assert words(md.write(Document("t", ("u",), (table,)))) == ["t", "u", "a", "b", said, said]


@pytest.mark.parametrize("verb", ["check", "capacity"])
def test_a_ticket_has_its_tables(verb: str) -> None:
    done = hosttune(verb, "--role", "lb", "--snapshot", "debian12-drift.json", "--format", "markdown")
    tokens = MARKDOWN.parse(done.stdout)
    assert done.returncode == 1 and sum(token.type == "table_open" for token in tokens) == 2
    shown = words(done.stdout)
    assert "limit: 64,512 connections: source ports to one backend; slow above 32,256" in shown
    assert {"64,512", "fs.nr_open"} <= set(shown)


@pytest.mark.parametrize("name", NAMES)
def test_each_format_is_found_by_its_file(name: str) -> None:
    assert name in formats_of(Report)


def test_a_finding_of_two_roles_stands_in_both() -> None:
    made = finding("a", Verdict.FAIL)
    assert made.requirement is not None
    both = dataclasses.replace(made, requirement=dataclasses.replace(made.requirement, roles=("lb", "client")))
    found: tuple[Finding, ...] = (both, dataclasses.replace(finding("b", Verdict.OK)))
    groups = [case.group for case in cases(dataclasses.replace(report(found), roles=("lb", "client")))]
    assert groups == ["lb", "lb", "client"]
