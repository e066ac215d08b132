"""The report as TAP 14 (testanything.org): a test point for each finding of each role, each lint and each bound.

What fails below --fail-on is a TODO, as TAP calls a failure that does not count; what is unknown is a SKIP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from hosttune.model import Report
from hosttune.printable import clean, cleaned
from hosttune.render import report_parts
from hosttune.render.cases import Case, Outcome, cases
from hosttune.render.page import PLAIN, Page

_HEAD = "TAP version 14"


def render(report: Report, page: Page = PLAIN) -> str:
    """Return the lines."""
    report = cleaned(report)
    tests = cases(report)
    lines = [_HEAD, f"1..{len(tests)}", *(f"# {line}" for line in report_parts.lines(report))]
    for number, case in enumerate(tests, 1):
        lines.extend(_point(report, number, case))
    return "\n".join(lines) + "\n"


def failed(message: str, taken: float | None = None) -> str:
    """Return what ends a run in which nothing could be examined. When that was, it does not tell."""
    return f"{_HEAD}\nBail out! {clean(message)}\n"


def _point(report: Report, number: int, case: Case) -> Iterator[str]:
    ok = "ok" if case.outcome in (Outcome.OK, Outcome.SKIPPED) else "not ok"
    directive = ""
    if case.outcome is Outcome.SKIPPED:
        directive = f" # SKIP {_plain(case.message)}"
    elif case.outcome is Outcome.MINOR:
        directive = f" # TODO below --fail-on {report.fail_on}"
    yield f"{ok} {number} - {_plain(f'{case.group}: {case.name}')}{directive}"
    if ok == "not ok":
        facts = (("message", case.message), ("verdict", case.verdict), *case.facts)
        yield from ("  ---", *(f"  {_key(name)}: {_scalar(text)}" for name, text in facts), "  ...")


def _key(name: str) -> str:
    """Return a name without blanks, which perl's reader of TAP does not take."""
    return name.replace(" ", "_")


def _scalar(text: str) -> str:
    """Return text as a string of YAML: one of JSON, but for letters beyond 16 bits, which JSON would write as two."""
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    """Return text that begins no directive: the hash is what does, the backslash what escapes it."""
    return text.replace("\\", "\\\\").replace("#", "\\#")
