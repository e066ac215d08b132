"""Hold an apply to what was judged: what it may write from here, and what somebody else has to set."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.changes.kinds import nofile, sysctl
from hosttune.changes.request import PlanFacts, Request
from hosttune.changes.value import pair, text
from hosttune.errors import RefusedError
from hosttune.facts import kinds
from hosttune.model import Finding, Plan, Reason, Report, Shortfall, Unknown, Verdict, Where
from hosttune.render import where_words

_CLOSED = "read-only here"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is left of a request: findings that may be acted on, the request for them, sentences, and refusals."""

    findings: tuple[Finding, ...]
    request: Request
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def shortfall(report: Report, findings: Sequence[Finding], options: str) -> Shortfall:
    """Return what does not hold where the report is about, by who has to set it; `options` name the role."""
    where = report.where
    mine = [f for f in findings if kinds.of_namespace(f.subject)]
    now = Request(runtime=True, persist=False)
    rows = sysctl.rows_of(mine, now, PlanFacts(report.machine, {})).values()
    pairs = tuple((row.subject.name, text(row.now)) for row in rows if row.now is not None)
    process = [f for f in findings if kinds.of_process(f.subject)]
    raised = [limits for row in nofile.rows_of(process, []) if (limits := pair(row.now))]
    host = dict.fromkeys(f.subject.name for f in findings if _of_the_host(f, where.initial))
    own = () if where.initial else pairs
    return Shortfall(where, own, raised[0] if raised else None, tuple(host), options)


def narrow(report: Report, findings: tuple[Finding, ...], request: Request, options: str, inside: bool) -> Scope:
    """Return what of a request may be written; `inside`: the namespace was entered by name, to write there."""
    where = report.where
    if where.host_wide and not where.contained:
        return Scope(findings, request)
    lacks = shortfall(report, findings, options)
    if (where.entered and not inside) or (where.contained and where.inside and where.initial):
        refusals = () if lacks.none else (where_words.refused(lacks),)
        return Scope((), dataclasses.replace(request, requirements=(), addresses=()), refusals=refusals)
    return _container_of_the_host(findings, request, lacks) if where.initial else _namespace(findings, request, lacks)


def _container_of_the_host(findings: Sequence[Finding], request: Request, lacks: Shortfall) -> Scope:
    """Return what may be written for a container in the host's network: its sysctls are the host's.

    Its descriptors are its runtime's.
    """
    kept = tuple(f for f in findings if f.subject.kind != "nofile" or kinds.of_process(f.subject))
    note = "\n".join(["its descriptors are not the host's to give for good:", *where_words.lines(lacks)])
    return Scope(kept, _for(request, kept), (note,) if lacks.nofile else ())


def _namespace(findings: Sequence[Finding], request: Request, lacks: Shortfall) -> Scope:
    """Return what may be written into a network namespace that is not the host's: its own sysctls, while it lasts."""
    where = lacks.where
    kept = tuple(f for f in findings if kinds.of_namespace(f.subject))
    made = _for(request, kept)
    notes: list[str] = []
    if lacks.host and request.wants("sysctl"):
        notes.append(where_words.left_alone(lacks))
    if lacks.nofile and request.wants("units"):
        notes.append("\n".join(where_words.lines(dataclasses.replace(lacks, sysctls=(), host=()))))
    if where.loaded:
        return Scope(kept, made, tuple(notes))
    if not request.runtime:
        return Scope((), made, (), (where_words.not_loaded(lacks),))
    if lacks.sysctls and request.persist and request.wants("sysctl"):
        notes.append(where_words.lost(lacks))
    return Scope(kept, dataclasses.replace(made, persist=False), tuple(notes))


def lasting(where: Where, request: Request) -> tuple[Request, tuple[str, ...]]:
    """Return a request for addresses without the files that nothing reads here, and a note on it.

    Raises RefusedError where only files were asked for.
    """
    if where.loaded or not request.persist:
        return request, ()
    what = "container" if where.contained else "network namespace"
    why = f"nothing reads files for this {what} when it starts"
    if not request.runtime:
        raise RefusedError(f"refused, nothing was changed: {why}; leave out --persist-only")
    return dataclasses.replace(request, persist=False), (f"{why}: whoever makes it has to add the addresses again",)


def unclosed(refusals: Sequence[str]) -> list[str]:
    """Return the refusals but those for which the kernel takes no write from in here."""
    return [refusal for refusal in refusals if _CLOSED not in refusal]


def closed(plan: Plan, report: Report, findings: Sequence[Finding], options: str) -> Plan:
    """Return a plan that is refused in the runtime's words where the kernel takes no write from in here."""
    if report.where.host_wide or not any(_CLOSED in refusal for refusal in plan.refusals):
        return plan
    others = unclosed(plan.refusals)
    refusal = where_words.refused(shortfall(report, findings, options))
    return dataclasses.replace(plan, changes=(), notes=(), refusals=(*others, refusal))


def _of_the_host(finding: Finding, initial: bool) -> bool:
    """Say whether a finding is on a key of the host's alone that does not hold, or is not visible from here.

    In the first network namespace all are the host's.
    """
    if finding.subject.kind != "sysctl" or finding.requirement is None:
        return False
    if kinds.of_namespace(finding.subject) and not initial:
        return False
    now = finding.reading.runtime if finding.reading else None
    hidden = isinstance(now, Unknown) and now.reason in (Reason.INVISIBLE, Reason.READ_ONLY)
    return hidden or finding.verdict in (Verdict.FAIL, Verdict.DRIFT)


def _for(request: Request, findings: Sequence[Finding]) -> Request:
    wanted = tuple(f.requirement for f in findings if f.requirement)
    return dataclasses.replace(request, requirements=wanted)
