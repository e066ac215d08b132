"""Sysctls: what each shall be now and on disk, the drop-in that holds them, and the modules that bring them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hosttune.changes import entries, losing, refuse
from hosttune.changes.draft import Draft, Row, judged, serves
from hosttune.changes.dropins import Place, Resolved, place
from hosttune.changes.order import rank_of_key
from hosttune.changes.planned import Planned
from hosttune.changes.request import PlanFacts, Request
from hosttune.changes.value import highest, meet, stronger, text
from hosttune.facts.kinds import sysctl as facts
from hosttune.host import Host
from hosttune.model import Change, Finding, Operator, Reading, Reason, Requirement, Subject, Unknown, Value, Verdict
from hosttune.resolve.sysctl_procps import resolve_procps
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.sysctl_value import kernel_value

RANK = 0

_LEFT = (Reason.INVISIBLE, Reason.READ_ONLY)
_RAISED = ("fs.file-max",)
"""Keys that systemd raises to the most there is as it starts (src/core/main.c): a lower line is of no use."""
_NO_KEY = (Reason.ABSENT, Reason.GONE)


def rows(draft: Draft) -> None:
    """Say what each key shall be, and refuse those that are not to be set here."""
    if draft.request.wants("sysctl"):
        draft.rows |= rows_of(draft.findings, draft.request, draft.facts)
        draft.refusals += refuse.hidden(hidden(draft.findings))
        draft.refusals += refuse.keys(draft)


def changes(draft: Draft) -> None:
    """Write the keys, and the files that set them at boot."""
    rows = draft.of("sysctl")
    because: dict[str, list[str]] = {}
    for row in rows:
        for why in row.alone if row.now is None and row.disk is None else ():
            because.setdefault(why, []).append(row.subject.name)
    draft.notes += [f"left alone: {', '.join(dict.fromkeys(keys))}: {why}" for why, keys in because.items()]
    draft.refusals += refuse.values(rows, draft.facts)
    range_ = draft.rows.get(Subject("sysctl", "net.ipv4.ip_local_port_range"))
    if range_ is not None:
        draft.refusals += refuse.port_range(range_, row_of(draft, "net.ipv4.ip_unprivileged_port_start"))
        draft.refusals += refuse.ports(range_, row_of(draft, "net.ipv4.ip_local_reserved_ports"), draft.facts)
    made = []
    for row in rows:
        if row.now is not None and row.now != row.reading.runtime:
            key = row.subject.name
            before = draft.world.current("sysctl", key)
            made.append(Change("sysctl", key, before, text(row.now), tuple(row.serves), row.why))
    draft.add(made)
    _modules(draft, rows)
    _drop_in(draft, rows)


def rows_of(findings: Iterable[Finding], request: Request, known: PlanFacts) -> dict[Subject, Row]:
    """Return a row for each key that a finding names."""
    rows: dict[Subject, Row] = {}
    for finding, requirement, reading in judged(findings, "sysctl"):
        row = rows.setdefault(finding.subject, Row(finding.subject, reading))
        now = reading.runtime
        reason = now.reason if isinstance(now, Unknown) else None
        if finding.verdict is Verdict.NOT_APPLICABLE:
            # of a key that profiles describe another kernel has it; one that nobody knows may be a slip of the pen
            if reason in _NO_KEY and row.subject.name not in known.described:
                row.alone.append(finding.because)
        elif finding.verdict is Verdict.UNKNOWN and not _settled(requirement, reading):
            if reason not in _LEFT:
                row.alone.append(finding.because)
        elif finding.verdict is not Verdict.OK:
            _act(row, requirement, request, known.defaults.get(row.subject.name))
    return rows


def _settled(requirement: Requirement, reading: Reading) -> bool:
    """Say whether it is known what to write, though not whether it holds already.

    Of an image the value is unknown, but where only one is right it can be written all the same. Not so for a key
    that comes with a module: whether connections are tracked there is unknown.
    """
    if facts.module_of(requirement.subject.name):
        # a module is not loaded for good where it is unknown whether anything needs it
        return False
    if not isinstance(reading.runtime, Unknown):
        return bool(requirement.wants) or requirement.operator is Operator.NOT_BELOW_NOW
    one_value = requirement.operator in (Operator.EQUALS, Operator.ONE_OF) and bool(requirement.wants)
    unset = isinstance(reading.boot, Unknown) and reading.boot.reason is Reason.UNSET
    return one_value and unset and reading.runtime.reason is Reason.UNDECIDED


def hidden(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings on keys that hold here but can only be set elsewhere."""
    return [
        f
        for f in findings
        if f.subject.kind == "sysctl"
        and f.verdict is Verdict.UNKNOWN
        and f.reading is not None
        and isinstance(f.reading.runtime, Unknown)
        and f.reading.runtime.reason in _LEFT
    ]


def _act(row: Row, requirement: Requirement, request: Request, default: Value | None) -> None:
    """Give a row the values that this requirement needs, over those that others gave it already."""
    now, boot = _known(row.runtime_after), _known(row.boot_after)
    aim = _aim(row, requirement, default)
    if aim is None:
        return
    lasting = aim if requirement.operator is Operator.NOT_BELOW_NOW else meet(requirement, boot)
    good_now = now is not None and meet(requirement, now) == now
    good_boot = boot is not None and lasting == boot
    if good_now and good_boot:
        return
    row.serve(requirement)
    if request.runtime and now is not None and not good_now:
        row.now = aim
    if request.persist and not good_boot:
        row.disk = aim


def _aim(row: Row, requirement: Requirement, default: Value | None) -> Value | None:
    """Return the value to set, None where it is unknown; `default` is what the kernel starts with."""
    now, comes = _known(row.runtime_after), _at_next_boot(row, default)
    if requirement.operator is Operator.NOT_BELOW_NOW:
        return now if now is None or comes is None else highest(now, comes)
    aim = meet(requirement, now if now is not None else comes)
    there = None if comes is None else meet(requirement, comes)
    if aim is not None and there is not None:
        # of two values that both serve, the better one; a boot that brings a good one is not made worse
        aim = stronger(requirement, there, aim) if there == comes else stronger(requirement, aim, there)
    raised = default if row.subject.name in _RAISED else None
    if aim is not None and raised is not None and meet(requirement, raised) == raised:
        aim = stronger(requirement, aim, raised)
    moved = requirement.to_default and aim is not None and aim != now and aim != comes
    return default if moved and default is not None and meet(requirement, default) == default else aim


def _at_next_boot(row: Row, default: Value | None) -> Value | None:
    """Return what a boot brings if nothing is written, or once its module is loaded in time."""
    boot = row.boot_after
    if isinstance(boot, Unknown):
        return default if boot.reason is Reason.UNSET else _line(row.reading)
    return boot


def _line(reading: Reading) -> Value | None:
    """Return what a line says that finds no key at boot, for its module comes later: less must not take its place."""
    if not (isinstance(reading.boot, Unknown) and reading.boot.reason is Reason.MODULE and reading.origin):
        return None
    count = len(reading.runtime) if isinstance(reading.runtime, tuple) else None
    return _known(kernel_value(reading.origin.text, count))


def _known(value: Value | Unknown) -> Value | None:
    return None if isinstance(value, Unknown) else value


def row_of(draft: Draft, key: str) -> Row:
    """Return a key in its layers, for a profile that does not ask for it too."""
    subject = Subject("sysctl", key)
    row = draft.rows.get(subject)
    return row or Row(subject, facts.read(draft.world, (key,))[key])


def _modules(draft: Draft, rows: list[Row]) -> None:
    """Have the modules of the keys loaded before systemd-sysctl looks for them."""
    loaded = facts.modules_at_boot(draft.future)
    wanted = {
        module: entries.Line(module, f"without it systemd-sysctl finds no {row.subject.name} at boot")
        for row in rows
        if row.disk is not None and (module := facts.module_of(row.subject.name)) and module not in loaded
    }

    def blocker(after: Planned) -> str:
        left = sorted(set(wanted) - facts.modules_at_boot(after))
        return f"/etc/modules-load.d cannot have {', '.join(left)} loaded" if left else ""

    def others(host: Planned, known: Collection[str]) -> object:
        return facts.modules_at_boot(host) - set(wanted)

    place(draft, _MODULES, wanted, blocker, others, serves(rows))


def _drop_in(draft: Draft, rows: list[Row]) -> None:
    """Set the keys below /etc/sysctl.d, under a name that is read after every file that says otherwise."""
    values = {row.subject.name: text(row.disk) for row in rows if row.disk is not None}
    why = {row.subject.name: row.why for row in rows}

    def blocker(after: Planned) -> str:
        there = resolve_systemd(after, values).values
        for key, value in values.items():
            if key not in there:
                return f"{key}: a file of sysctl.d excludes it (a line `-{key}`) after any name that hosttune would use"
            if there[key].text != value:
                return (
                    f"{key}: {there[key].origin} sets {there[key].text} after any name that hosttune would use; "
                    "take that line out, or leave the key alone with --except"
                )
        return ""

    def others(host: Planned, known: Collection[str]) -> object:
        return {k: value.text for k, value in resolve_systemd(host, known).values.items() if k not in values}

    wanted = {key: entries.Line(f"{key} = {value}", why[key]) for key, value in values.items()}
    if place(draft, _SYSCTL, wanted, blocker, others, serves(rows)):
        draft.notes += losing.of_sysctls(draft.future, values, draft.facts.hardening)
        draft.notes += _reload_differs(draft.future, values)


def _reload_differs(after: Planned, values: dict[str, str]) -> list[str]:
    """Say what `sysctl --system` makes of the keys, where it is not what the boot does: it reads sysctl.conf last."""
    resolved = resolve_procps(after, facts.procps_release(after), values).values
    return [
        f"{key}: `sysctl --system` would set {resolved[key].text} ({resolved[key].origin}), the boot does not; "
        "take that line out if people or packages run it here"
        for key, value in values.items()
        if key in resolved and resolved[key].text != value
    ]


def _at_boot(host: Host, path: str, wanted: Collection[str]) -> Resolved:
    resolved = resolve_systemd(host, wanted).values
    return {
        key: (resolved[key].text, f"{resolved[key].origin} sets it")
        if key in resolved
        else ("", "a later file excludes it")
        for key in wanted
    }


_SYSCTL = Place("/etc/sysctl.d", entries.SYSCTL, order=rank_of_key, resolve=_at_boot)
_MODULES = Place("/etc/modules-load.d", entries.MODULE)
PLACES = (_SYSCTL, _MODULES)
