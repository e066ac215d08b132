"""What became of a plan: each subject as it was, is and will be at boot, and the capacity before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from hosttune.model import Finding, Reading, Reason, Report, Unknown, Value, Verdict
from hosttune.model.acting import Result
from hosttune.printable import clean, cleaned
from hosttune.render.view.figures import fold, hard_bounds, value

_WORSE = (Verdict.NOT_APPLICABLE, Verdict.OK, Verdict.UNKNOWN, Verdict.DRIFT, Verdict.FAIL)


def rows(subjects: Collection[str], before: Iterable[Finding], after: Iterable[Finding]) -> list[Result]:
    """Return what each subject was, is now, and will be at boot, with the verdict that it has now."""
    old = {str(f.subject): f.reading for f in before if f.reading}
    found: dict[tuple[str, ...], Result] = {}
    for finding in after:
        name = str(finding.subject)
        if name not in subjects or finding.reading is None or finding.requirement is None:
            continue
        unit = finding.requirement.unit
        was = old[name].runtime if name in old else None
        made = row(name, was, finding.reading, unit, finding.because, finding.verdict)
        # two requirements on one subject are one row, with the verdict that is worse
        key = (name, made.was, made.now, made.boot)
        if key not in found or _WORSE.index(finding.verdict) > _WORSE.index(found[key].verdict):
            found[key] = made
    return list(found.values())


def row(
    name: str, was: Value | Unknown | None, is_: Reading, unit: str, because: str, verdict: Verdict = Verdict.OK
) -> Result:
    """Return one row."""
    boot = is_.boot
    unset = isinstance(boot, Unknown) and boot.reason is Reason.UNSET
    later = "the default" if unset else value(boot, unit)
    return Result(name, verdict, value(was, unit), value(is_.runtime, unit), later, because)


def outcome(table: Sequence[Result], capacity: str, kernel: bool, width: int, confirmed: bool = True) -> str:
    """Return the rows as a table, and the line on the capacity; without a `kernel` there is only the boot.

    Of what is not `confirmed` a boot brings nothing before it is.
    """
    table = cleaned(tuple(table))
    names = [clean(row.subject.removeprefix("sysctl:")) for row in table]
    size = max(map(len, names), default=0)
    lines: list[str] = []
    for name, row in zip(names, table, strict=True):
        boot = f"at boot {row.boot}"
        if row.boot == row.now != "?":
            boot = "at boot too"
        boot += "" if confirmed else " once confirmed"
        seen = kernel and (row.was, row.now) != ("?", "?")
        said = f"was {row.was}  is {row.now}  {boot}" if seen else boot
        line = f"  {name:<{size}}  {said}"
        lines += [line] if len(line) <= width else [f"  {name}", *fold(f"      {said}", width, "      ")]
        if row.verdict in (Verdict.FAIL, Verdict.DRIFT):
            lines += fold(f"      {row.verdict}: {row.because}", width, "      ")
    return "\n".join([*lines, "", *fold(f"  {capacity}", width, "    ")]) + "\n"


def capacity(before: Report, after: Report, waiting: Collection[str] = ()) -> str:
    """Return the capacity before and after, and the bound that binds then.

    `waiting` are units that take their new limits only once started again.
    """
    was, now = hard_bounds(before), hard_bounds(after)
    if not was or not now:
        return "capacity: no bound could be told"
    number, bound = now[0]
    wanted = after.workload.connections
    raise_ = f"; raise it: {bound.raised_by}" if bound.raised_by else ""
    for unit in waiting:
        if bound.reads.startswith(f"nofile:unit/{unit} "):
            raise_ = f" until it is started again: systemctl restart {unit}"
    enough = number >= wanted
    reached = f"{number:,} connections" if enough else f"{number:,} of {wanted:,} connections"
    if not after.machine.kernel:
        binds = f"; the first limit that the files show is {bound.name}" if enough else f": {bound.name} binds{raise_}"
        return f"after a boot: {reached}{binds}"
    still = was[0][0] == number
    moved = f"{reached}, as before" if still else f"{was[0][0]:,} -> {reached}"
    if enough:
        return f"{moved}; the first limit is {bound.name}"
    if still:
        return f"{moved}: {bound.name} {'still ' * (was[0][1].id == bound.id)}binds{raise_}"
    return f"{moved}; next bound: {bound.name}{raise_}"
