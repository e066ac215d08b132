"""What became of a plan: each subject as it was, is and will be at boot, and the capacity before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from hosttune.model import Finding, Reading, Reason, Report, Unknown, Value, Verdict
from hosttune.model.acting import Result
from hosttune.model.document import Block, Paragraph
from hosttune.model.roles import Role
from hosttune.render.figures import hard_bounds, value

_WORSE = (Verdict.NOT_APPLICABLE, Verdict.OK, Verdict.UNKNOWN, Verdict.DRIFT, Verdict.FAIL)


def rows(subjects: Collection[str], before: Iterable[Finding], after: Iterable[Finding]) -> list[Result]:
    """Return what each subject was, is now, and will be at boot, with the verdict that it has now."""
    old = {str(f.subject): f.reading for f in before if f.reading}
    results: dict[tuple[str, ...], Result] = {}
    for finding in after:
        name = str(finding.subject)
        if name not in subjects or finding.reading is None or finding.requirement is None:
            continue
        unit = finding.requirement.unit
        was = old[name].runtime if name in old else None
        made = row(name, was, finding.reading, unit, finding.because, finding.verdict)
        # two requirements on one subject are one row, with the verdict that is worse
        key = (name, made.was, made.now, made.boot)
        if key not in results or _WORSE.index(finding.verdict) > _WORSE.index(results[key].verdict):
            results[key] = made
    return list(results.values())


def row(
    name: str, was: Value | Unknown | None, is_: Reading, unit: str, because: str, verdict: Verdict = Verdict.OK
) -> Result:
    """Return one row."""
    boot = is_.boot
    unset = isinstance(boot, Unknown) and boot.reason is Reason.UNSET
    later = "the default" if unset else value(boot, unit)
    return Result(name, verdict, value(was, unit), value(is_.runtime, unit), later, because)


def blocks(results: Sequence[Result], kernel: bool, confirmed: bool = True) -> Iterator[Block]:
    """Yield the results in columns; without a `kernel` there is only the boot.

    Of what is not `confirmed` a boot brings nothing before it is.
    """
    names = [result.subject.removeprefix("sysctl:") for result in results]
    size = max(map(len, names), default=0)
    for name, result in zip(names, results, strict=True):
        seen = kernel and (result.was, result.now) != ("?", "?")
        boot = "now and at boot" if seen and result.boot == result.now != "?" else f"at boot: {result.boot}"
        boot += "" if confirmed else " once confirmed"
        values = [f"{result.was} -> {result.now}", f"({boot})"] if seen else [boot]
        # no line is broken within a value
        yield Paragraph("  ".join([f"{name:<{size}}", *(value.replace(" ", "\u00a0") for value in values)]))
        if result.verdict in (Verdict.FAIL, Verdict.DRIFT):
            yield Paragraph(result.because, str(result.verdict), Role.BAD, depth=2)


def capacity(before: Report, after: Report, waiting: Collection[str] = ()) -> str:
    """Return the capacity before and after, and the bound that binds then.

    `waiting` are units that take their new limits only once started again.
    """
    was, now = hard_bounds(before), hard_bounds(after)
    if not was or not now:
        return "capacity unknown: no limit could be read"
    number, bound = now[0]
    target = after.workload.connections
    raise_ = f"; fix: {bound.raised_by}" if bound.raised_by else ""
    for unit in waiting:
        if bound.reads.startswith(f"nofile:unit/{unit} "):
            raise_ = f" until it is started again: systemctl restart {unit}"
    enough = number >= target
    reached = f"{number:,} connections" if enough else f"{number:,} of {target:,} connections"
    if not after.machine.kernel:
        binds = (
            f"; the first limit that the files show is {bound.name}"
            if enough
            else f": {bound.name} is the limit{raise_}"
        )
        return f"after a boot: {reached}{binds}"
    still = was[0][0] == number
    moved = f"{reached}, as before" if still else f"{was[0][0]:,} -> {reached}"
    if enough:
        return f"{moved}; the first limit is {bound.name}"
    if still:
        return f"{moved}: {bound.name} is {'still ' * (was[0][1].id == bound.id)}the limit{raise_}"
    return f"{moved}; next limit: {bound.name}{raise_}"
