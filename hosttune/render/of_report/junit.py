"""The report as JUnit XML, for a continuous integration: a test suite for each role, one for lints, one for the bounds.

What fails is a failure. What fails below --fail-on, and what is unknown or does not apply, is skipped, with the
reason; with --strict what is unknown is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from xml.etree import ElementTree as xml

from hosttune.model import Report
from hosttune.printable import clean, cleaned
from hosttune.render.cases import Case, Outcome, cases
from hosttune.render.page import PLAIN, Page

_ELEMENT = {Outcome.FAILED: "failure", Outcome.UNKNOWN: "error", Outcome.MINOR: "skipped", Outcome.SKIPPED: "skipped"}


def render(report: Report, page: Page = PLAIN) -> str:
    """Return the document."""
    report = cleaned(report)
    top = xml.Element("testsuites", name="hosttune")
    tests = cases(report)
    _count(top, tests)
    for group, members in groupby(tests, key=lambda case: case.group):
        top.append(_suite(report, group, list(members)))
    return _text(top)


def failed(message: str, taken: float | None = None) -> str:
    """Return the document of a run in which nothing could be examined: one test, in error.

    When that was, it does not tell.
    """
    top = xml.Element("testsuites", name="hosttune", tests="1", failures="0", errors="1")
    suite = xml.SubElement(top, "testsuite", name="hosttune", tests="1", failures="0", errors="1", skipped="0")
    case = xml.SubElement(suite, "testcase", classname="hosttune", name="check")
    xml.SubElement(case, "error", type="error", message=clean(message))
    return _text(top)


def _suite(report: Report, group: str, members: Sequence[Case]) -> xml.Element:
    suite = xml.Element("testsuite", name=f"hosttune.{group}")
    suite.set("skipped", str(_count(suite, members)["skipped"]))
    suite.set("hostname", clean(report.machine.hostname))
    if report.taken is not None:
        suite.set("timestamp", datetime.fromtimestamp(report.taken, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    for case in members:
        element = xml.SubElement(suite, "testcase", classname=f"hosttune.{group}", name=case.name)
        kind = _ELEMENT.get(case.outcome)
        if kind is None:
            continue
        minor = f"below --fail-on {report.fail_on}: " if case.outcome is Outcome.MINOR else ""
        child = xml.SubElement(element, kind, message=f"{minor}{case.verdict}: {case.message}")
        if kind != "skipped":
            child.set("type", case.verdict)
            child.text = "\n".join(f"{name}: {text}" for name, text in case.facts)
    return suite


def _count(element: xml.Element, members: Sequence[Case]) -> Counter[str | None]:
    """Write what a suite and the whole of them have alike: the schema of Jenkins' xunit plugin refuses any more."""
    kinds = Counter(_ELEMENT.get(case.outcome) for case in members)
    for name, number in (("tests", len(members)), ("failures", kinds["failure"]), ("errors", kinds["error"])):
        element.set(name, str(number))
    return kinds


def _text(top: xml.Element) -> str:
    xml.indent(top)
    # letters beyond ASCII as numbers: it stays what its first line says in whatever encoding it is written
    text = xml.tostring(top, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'
