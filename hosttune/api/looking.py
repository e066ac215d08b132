"""The verbs that find out: they change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hosttune.options import (
    Options,
    Place,
    Proving,
    Stall,
    Watching,
    several,
)
from hosttune.workflows import telling

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hosttune.model import (
        Account,
        Comparison,
        Diagnosis,
        Explanation,
        Node,
        Report,
        Resolution,
        RoleRequirements,
        Trial,
        ValidProfile,
        View,
    )
    from hosttune.model.progress import Progress
    from hosttune.workflows.telling import Tell
    from hosttune.workflows.watch import Wait

_ANY, _HERE, _STALL, _WATCHING, _PROVING = Options(), Place(), Stall(), Watching(), Proving()


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
    ['sysctl:fs.epoll.max_user_watches', 'sysctl:net.ipv4.ip_local_port_range']
    """
    from hosttune.workflows import check, examine

    with telling.to(tell):
        return check.check(options, place, examine.severity(fail_on), strict, command)


def node(
    options: Options = _ANY,
    place: Place = _HERE,
    *,
    fail_on: str = "error",
    strict: bool = False,
    tell: Tell | None = None,
) -> Node:
    """Look at every network namespace of a host: whose each is, and which is nearest to a limit.

    No option of a role may be given. `fail_on` and `strict` are as for `check`.

    >>> node = hosttune.node()
    >>> [namespace.ports is not None for namespace in node.namespaces if namespace.own]
    [True]
    """
    from hosttune.workflows import examine, node

    with telling.to(tell):
        return node.node(options, place, examine.severity(fail_on), strict)


def capacity(options: Options = _ANY, place: Place = _HERE, *, command: str = "", tell: Tell | None = None) -> Report:
    """Say at how many connections a host stalls and on what; the fixes are those that the workload takes.

    >>> report = hosttune.capacity(Options(role="lb", connections=200_000), Place(snapshot=SNAPSHOT))
    >>> report.bounds[0].name, report.bounds[0].hard, report.bounds[0].knee
    ('source ports to one backend', 28232, 14116)
    >>> [remedy.text for remedy in report.remedies][1]
    'range 10240 65535'
    """
    from hosttune.workflows import check

    with telling.to(tell):
        return check.capacity(options, place, command)


def diagnose(
    options: Options = _ANY,
    place: Place = _HERE,
    stall: Stall = _STALL,
    *,
    interval: float = 0.0,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Say why a host stalls, with the evidence; its counters are watched for `interval` seconds, or a moment.

    >>> diagnosis = hosttune.diagnose(place=Place(snapshot=SNAPSHOT), stall=Stall(errno="EMFILE"))
    >>> diagnosis.conclusion.name, diagnosis.causes[0].kind
    ('CAUSE', 'nofile')
    """
    from hosttune.workflows import diagnose

    with telling.to(tell, progress):
        return diagnose.diagnose(options, place, stall, interval, command)


def watch(
    options: Options = _ANY,
    place: Place = _HERE,
    watching: Watching = _WATCHING,
    *,
    command: str = "",
    wait: Wait | None = None,
) -> Generator[View, None, None]:
    """Look at this host again and again: what comes nearest to its limit, how fast, and when it is full.

    The next look is made when the next is asked for, an interval after the last at the earliest; `wait` waits for a
    moment of `time.monotonic`, and ends it all with False. Closing the iterator, or its end, closes the record.

    >>> views = hosttune.watch(watching=Watching(interval=0.2, length=0.2))
    >>> [view.interval for view in views]
    [0.2, 0.2]
    """
    from hosttune.workflows import watch

    return watch.watch(options, place, watching, command, wait)


def report(file: str) -> Account:
    """Return what a record that `watch` has kept comes to: each figure over time, its maximum, and its bound.

    >>> for view in hosttune.watch(watching=Watching(interval=0.2, length=0.2, record=RECORD)):
    ...     pass
    >>> hosttune.report(RECORD).ticks
    2
    """
    from hosttune.workflows import report

    return report.report(file)


def resolve(
    key: str | Sequence[str] = (),
    *,
    user: str | Sequence[str] = (),
    unit: str | Sequence[str] = (),
    place: Place = _HERE,
) -> Resolution:
    """Say what configuration files make of sysctls, logins and units, and which line decides; of all if none is named.

    >>> resolution = hosttune.resolve("net.core.somaxconn", place=Place(snapshot=SNAPSHOT))
    >>> row = resolution.sysctl["net.core.somaxconn"]
    >>> row.runtime, row.boot, row.differs
    (4096, None, False)
    """
    from hosttune.workflows import resolve

    return resolve.resolve(several(key), several(user), several(unit), place)


def diff(
    left: str = "",
    right: str = "",
    *,
    against: str = "",
    options: Options = _ANY,
    place: Place = _HERE,
    command: str = "",
) -> Comparison:
    """Say what differs between two files of `snapshot` or JSON reports, and what each difference does, by its weight.

    Without `right` the other side is the host of `place`; `against` is `defaults` (of its kernel), `required` (by its
    role) or `boot` (its own next one), which take one host.

    >>> comparison = hosttune.diff(SNAPSHOT, against="required", options=Options(role="lb"))
    >>> comparison.contrasts[0].subject, comparison.contrasts[0].matters
    ('net.ipv4.ip_local_port_range', True)
    """
    from hosttune.workflows import diff

    return diff.diff(left, right, against, options, place, command)


def explain(key: str, *, profile: str | Sequence[str] = (), tell: Tell | None = None) -> tuple[Explanation, ...]:
    """Say what a key is, what goes wrong either way, and which role wants what of it; `profile` are files beside.

    >>> (explanation,) = hosttune.explain("net.core.somaxconn")
    >>> explanation.unit, explanation.default
    ('connections', '4,096 (128 before Linux 5.4)')
    """
    from hosttune.workflows import explain

    with telling.to(tell):
        return explain.explain(key, several(profile))


def roles() -> dict[str, str]:
    """Return the title of each profile that can be a role, by its name.

    >>> "lb" in hosttune.api.roles()
    True
    """
    from hosttune.workflows import explain

    return explain.roles()


def requirements(options: Options = _ANY, *, tell: Tell | None = None) -> RoleRequirements:
    """Return what the profile of the first role that is named requires on this host.

    >>> hosttune.api.requirements(Options(role="lb", connections=200_000)).workload.connections
    200000
    """
    from hosttune.workflows import explain

    with telling.to(tell):
        return explain.requirements(options)


def validate(file: str, *, tell: Tell | None = None) -> ValidProfile:
    """Hold a profile file against the schema; what is wrong first is raised as a ProfileError of one line.

    >>> hosttune.api.validate(PROFILE).notes
    ()
    """
    from hosttune.workflows import explain

    with telling.to(tell):
        return explain.validate(file)


def snapshot(
    options: Options = _ANY,
    place: Place = _HERE,
    *,
    interval: float = 0.0,
    redact: bool = False,
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> str:
    """Record every answer that a host gives, for `Place(snapshot=FILE)` on any machine; return what to write there.

    Of the options `backend` and `source` count. With `interval` a second gathering is made so many seconds later.
    `redact`: addresses and names are hashed.

    >>> text = hosttune.snapshot(redact=True)
    >>> text.startswith("{")
    True
    """
    from hosttune.workflows import snapshot

    with telling.to(tell, progress):
        return snapshot.snapshot(options, place, interval, redact)


def prove(
    options: Options = _ANY,
    proving: Proving = _PROVING,
    *,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Trial:
    """Make the limits of this host happen in private network namespaces: predicted against measured, on its kernel.

    They are made by child processes.

    >>> trial = hosttune.prove(proving=Proving(only="nofile", budget=10))
    >>> sorted(proof.id for proof in trial.proofs)
    ['nofile:accept', 'nofile:connect', 'nofile:socket']
    """
    from hosttune.workflows import prove

    with telling.to(tell, progress):
        return prove.prove(options, proving, command)
