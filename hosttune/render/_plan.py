"""A plan as a difference for each target, and what became of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from hosttune.model import Change, FileState, Finding, Plan, Report, State, Unknown, Verdict
from hosttune.render._figures import clean, fold, hard_bounds, value


def diff(change: Change) -> list[str]:
    """Return one change as lines: a unified difference of a file, `before -> after` of anything else."""
    if change.backend != "file":
        if change.backend in ("directory", "address"):
            return [clean(f"{change.backend} {change.target} ({'new' if change.after else 'removed'})")]
        name = {"sysctl": "", "prlimit": "limits of process "}
        return [clean(f"{name[change.backend]}{change.target}: {_shown(change.before)} -> {_shown(change.after)}")]
    before, after = _lines(change.before), _lines(change.after)
    what = "" if change.before and change.after else " (new)" if change.after else " (removed)"
    lines = [clean(f"{change.target}{what}")]
    made = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    lines += [clean(f"  {line}") for line in made if not line.startswith("@@")]
    mode = _mode(change.after) or _mode(change.before)
    return lines + ([f"  mode {mode}"] if mode not in ("", "0644") else [])


def plan(plan: Plan, width: int) -> str:
    """Return all changes of a plan in order, and what it leaves alone."""
    lines: list[str] = []
    for change in plan.changes:
        lines += [f"  {line}" for line in diff(change)]
        if change.why and change.backend != "file":
            lines += fold(f"      {change.why}", width, "      ")
    if plan.reload:
        lines.append("  systemctl daemon-reload")
    for unit in plan.restarts if plan.restart else ():
        lines.append(f"  systemctl restart {clean(unit)}")
    lines += [line for note in notes(plan) for line in fold(f"  note: {note}", width, "    ")]
    return "\n".join(lines) + ("\n" if lines else "")


def notes(plan: Plan) -> list[str]:
    """Return what the plan leaves alone, and which services have to be started again."""
    stale = (
        []
        if plan.restart
        else [
            f"{unit} keeps the descriptors that it was started with: systemctl restart {unit} (or --restart)"
            for unit in plan.restarts
        ]
    )
    return [*plan.notes, *stale]


def rows(subjects: Iterable[str], before: Report, after: Report) -> list[dict[str, str]]:
    """Return what each subject was, is now, and will be at boot, with the verdict that it has now."""
    old = {str(f.subject): f for f in before.findings if f.reading}
    found = []
    for finding in after.findings:
        name = str(finding.subject)
        if name not in subjects or finding.reading is None or finding.requirement is None:
            continue
        unit = finding.requirement.unit
        was = old[name].reading.runtime if name in old else None  # type: ignore[union-attr]  # filtered above
        row = {"subject": name, "verdict": finding.verdict.value, "was": value(was, unit)}
        row |= {"now": value(finding.reading.runtime, unit), "boot": _boot(finding, unit), "because": finding.because}
        found.append(row)
    return found


def outcome(table: list[dict[str, str]], before: Report, after: Report, width: int) -> str:
    """Return the rows as a table, and the capacity before and after."""
    names = [_name(row) for row in table]
    size = max(map(len, names), default=0)
    lines = []
    for name, row in zip(names, table, strict=True):
        boot = "at boot too" if row["boot"] == row["now"] != "?" else f"at boot {row['boot']}"
        now = f"was {row['was']}  is {row['now']}  " if after.machine.kernel else ""
        lines.append(f"  {name:<{size}}  {now}{boot}")
        if row["verdict"] in (Verdict.FAIL, Verdict.DRIFT):
            lines += fold(f"    {row['verdict']}: {row['because']}", width, "    ")
    text = "\n".join(line for long in lines for line in fold(long, width, "      "))
    return f"{text}\n\n  {capacity(before, after)}\n"


def capacity(before: Report, after: Report) -> str:
    """Return the capacity before and after, and the bound that binds then."""
    was, now = hard_bounds(before), hard_bounds(after)
    if not was or not now:
        return "capacity: no bound could be told"
    number, bound = now[0]
    if not after.machine.kernel:
        return f"after a boot: {number:,} connections; the first limit that the files show is {bound.name}"
    wanted = after.workload.connections
    next_ = f"next bound: {bound.name}" if number < wanted else f"the first limit is {bound.name}"
    return f"{was[0][0]:,} -> {number:,} connections; {next_}"


def _name(row: dict[str, str]) -> str:
    return clean(row["subject"].removeprefix("sysctl:"))


def _boot(finding: Finding, unit: str) -> str:
    assert finding.reading is not None
    boot = finding.reading.boot
    if isinstance(boot, Unknown):
        return "the default" if boot.reason.name == "UNSET" else "?"
    return value(boot, unit)


def _lines(state: State) -> list[str]:
    return state.text.splitlines() if isinstance(state, FileState) else []


def _mode(state: State) -> str:
    return f"{state.mode:04o}" if isinstance(state, FileState) else ""


def _shown(state: State) -> str:
    return "gone" if state is None else "(empty)" if state == "" else str(state)
