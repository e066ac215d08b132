"""The library: what each verb of the command line does, typed in and typed out.

Every function returns a noun of `hosttune.model` and raises an error of `hosttune.errors`. None of them prints, reads
the command line or changes anything of this process: another network namespace is entered by a thread of its own.
`options`, `place` and the others of `hosttune.options` say what is asked, each with the same names as the options of
the command line; `command` is how the caller would write the same question, for reports that print the next one.
`tell` is called with each sentence that a person should read beside the answer: a warning of a profile that others can
write, what is waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hosttune.options import Options, Place
from hosttune.workflows import telling

if TYPE_CHECKING:
    from hosttune.model import Report
    from hosttune.workflows.telling import Tell

_ANY, _HERE = Options(), Place()


def check(
    options: Options = _ANY,
    place: Place = _HERE,
    *,
    fail_on: str = "error",
    strict: bool = False,
    command: str = "",
    tell: Tell | None = None,
) -> Report:
    """Hold a host against its role, and count how many connections it carries.

    `fail_on` is the lowest severity that makes the report fail, `strict`: what could not be examined fails it too.

    >>> report = hosttune.check(Options(role="lb", connections=200_000), Place(snapshot=SNAPSHOT))
    >>> [str(finding.subject) for finding in report.findings if finding.verdict is Verdict.FAIL][:2]
    ['sysctl:fs.epoll.max_user_watches', 'sysctl:kernel.threads-max']
    """
    from hosttune.workflows import check, examine

    with telling.to(tell):
        return check.check(options, place, examine.severity(fail_on), strict, command)


def capacity(options: Options = _ANY, place: Place = _HERE, *, command: str = "", tell: Tell | None = None) -> Report:
    """Say at how many connections a host stalls and on what; the fixes are those that the workload takes.

    >>> report = hosttune.capacity(Options(role="lb", connections=200_000), Place(snapshot=SNAPSHOT))
    >>> report.bounds[0].name, report.bounds[0].hard, report.bounds[0].knee
    ('source ports, one backend from one address', 28232, 14116)
    >>> [remedy.text for remedy in report.remedies][1]
    'range 1024 65535'
    """
    from hosttune.workflows import check

    with telling.to(tell):
        return check.capacity(options, place, command)
