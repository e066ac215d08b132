"""Say what differs between two hosts, or a host and what it should be, and what each difference alone does.

Both sides are held against the same roles. Of two whole hosts each difference is tried: either host is judged as it is
and with the other's answer to that one thing. Of reports only the values and bounds are known, which are compared.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hosttune import releases
from hosttune.errors import HostError, UsageError
from hosttune.findings import contrasts
from hosttune.host import json_bounds, named_file
from hosttune.host.recorded import SCHEMA as SNAPSHOT
from hosttune.host.recorded import Recorded, Recording
from hosttune.model import Comparison, Contrast, Effect, Reason, Report, Side, Value, decoding
from hosttune.options import Options, Place
from hosttune.resolve.sysctl_value import normalise
from hosttune.workflows import drift, examine, fleet_reports, loading, snapshot, topics

AGAINST = ("defaults", "required", "boot")
"""What one host can be held against where no second one is named."""

_ROLE = "lb"
_MOST = 400  # differences that are tried: a host has some 40 that a role asks for


@dataclass(frozen=True, slots=True)
class _Known:
    """One side: a whole host, or only its report."""

    name: str
    host: Recorded | None = None
    report: Report | None = None


def diff(left: str, right: str, against: str, options: Options, place: Place, command: str) -> Comparison:
    """Return what differs between two files, or one and this host, or what it is `against`; raises UsageError."""
    if against and right:
        raise UsageError(f"{right}: with --{against} one host is compared with it; name one file, or none")
    if against and against not in AGAINST:
        raise UsageError(f"against {against}: unknown; choose {', '.join(AGAINST)}")
    if not (left or against):
        raise UsageError(
            "nothing to compare with; name one or two files of `hosttune snapshot` or `check --format json`"
        )
    first = _side(left) if left else _here(place)
    if against:
        return _against(first, against, options, command)
    return _compared(first, _side(right) if right else _here(place), options, command)


def _side(path: str) -> _Known:
    """Return what a file holds: a snapshot or a report; raises UsageError."""
    try:
        tables = json_bounds.parse(named_file.read(path, json_bounds.LARGEST).data)
    except (OSError, HostError) as error:
        why = named_file.why(error)
        raise UsageError(f"{path}: {why}; name a file of `hosttune snapshot -o FILE` or a JSON report") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: cut short or not JSON; make it anew") from error
    except ValueError as error:
        raise UsageError(f"{path}: {str(error)[:100]}; make it anew") from error
    schema = tables.get("schema") if isinstance(tables, dict) else None
    if schema == SNAPSHOT:
        return _Known(Path(path).name, Recorded.of(path, tables))
    if schema != fleet_reports.SCHEMA:
        raise UsageError(
            f"{path}: neither {SNAPSHOT} nor {fleet_reports.SCHEMA}; `hosttune snapshot -o FILE` or "
            "`hosttune check --format json` makes one"
        )
    try:
        return _Known(Path(path).name, None, decoding.decode(Report, tables))
    except ValueError as error:
        raise UsageError(f"{path}: not as {fleet_reports.SCHEMA} has it: {error}; make it anew") from error


def _here(place: Place) -> _Known:
    """Return this host, or the one that a place names, as it is recorded now."""
    if place.snapshot:
        return _side(place.snapshot)
    name = "this host" if place.root == "/" else place.root
    tables = json.loads(snapshot.snapshot(Options(), place, 0.0, False))
    return _Known(name, Recorded.of(name, tables))


def _roled(options: Options, *known: _Known) -> Options:
    """Return the options with the roles that both sides are held against: those of a report, else a balancer's."""
    if options.role or options.profile:
        return options
    roles = next((side.report.roles for side in known if side.report), (_ROLE,))
    return dataclasses.replace(options, role=tuple(role for role in roles if role != "linux-server") or (_ROLE,))


def _judged(host: Recorded | Recording, options: Options) -> Report:
    loaded = loading.load(host, options)
    return examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "")


def _of_side(known: _Known, report: Report) -> Side:
    stops = contrasts.carried(report)
    name = known.name if known.name != "this host" else report.machine.hostname or known.name
    number = stops.hard if stops and isinstance(stops.hard, int) else None
    return Side(name, report.machine.kernel, number, stops.name if stops else "")


def _compared(left: _Known, right: _Known, options: Options, command: str) -> Comparison:
    options = _roled(options, left, right)
    if left.host and right.host:
        return _hosts(left, right, options, command)
    one, other = _report(left, options), _report(right, options)
    return _comparison(left, right, one, other, contrasts.by_report(one, other), command)


def _report(side: _Known, options: Options) -> Report:
    if side.report:
        return side.report
    return _judged(side.host or Recorded.of(side.name, {}), options)


def _comparison(
    left: _Known, right: _Known, one: Report, other: Report, rows: tuple[Contrast, ...], command: str
) -> Comparison:
    unknown = "" if contrasts.says_anything(one) and contrasts.says_anything(other) else "one side says nothing at all"
    roles, target, rows = one.roles, one.workload.connections, () if unknown else rows
    return Comparison(
        _of_side(left, one), _of_side(right, other), roles, target, rows, unknown, _differing(one, other), command
    )


def _differing(one: Report, other: Report) -> tuple[str, ...]:
    if one.roles == other.roles and one.workload.connections == other.workload.connections:
        return ()
    return ("the two reports are of other roles or targets, so their limits are not of the same workload",)


def _hosts(left: _Known, right: _Known, options: Options, command: str) -> Comparison:
    """Compare two whole hosts: each thing in which they differ, and that a check asks for, is exchanged by itself."""
    if left.host is None or right.host is None:
        raise ValueError("a report is no whole host")
    recordings = [Recording(host) for host in (left.host, right.host)]
    one, other = (_judged(recording, options) for recording in recordings)
    asked = [topics.asked_of(recording.answers) for recording in recordings]
    rows = []
    for topic in topics.differing(left.host, right.host)[:_MOST]:
        tried = any(is_asked(topic.name) for is_asked in asked)
        pairs = list(_exchanged(left.host, right.host, one, other, topic, options)) if tried else []
        texts = (topic.left, topic.right)
        if topic.name == topics.PROGRAMS:
            texts = contrasts.limits(one, other) or texts
        row = contrasts.contrast(topic.name, *texts, pairs)
        rows.append(_by_release(row, one, other) if topic.name == "kernel" else row)
    return _comparison(left, right, one, other, contrasts.ranked(rows), command)


def _exchanged(
    left: Recorded, right: Recorded, one: Report, other: Report, topic: topics.Topic, options: Options
) -> Iterator[tuple[Report, Report]]:
    """Yield either host as it is and with the other's answer, the left value first; nothing where it is no answer."""
    for host, donor, is_left in ((left, right, True), (right, left, False)):
        try:
            mixed = _judged(host.with_answers(topic.of, donor), options)
        except UsageError:
            continue
        yield (one, mixed) if is_left else (mixed, other)


def _by_release(row: Contrast, one: Report, other: Report) -> Contrast:
    """Return the difference of two kernels with the rules that one of them has and the other has not."""
    kernels = (one.machine.kernel, other.machine.kernel)
    effects = []
    for change in releases.CHANGES:
        newer = [releases.holds(change, kernel) for kernel in kernels]
        if None not in newer and newer[0] != newer[1]:
            texts = [change.after if new else change.before for new in newer]
            effects.append(Effect(f"rule: {change.name}", texts[0], texts[1]))
    return dataclasses.replace(row, effects=(*row.effects, *effects))


def _against(known: _Known, against: str, options: Options, command: str) -> Comparison:
    """Compare a host with its kernel's defaults, with what its role requires, or with its own next boot."""
    if known.host is None:
        raise UsageError(f"{known.name}: a report is no whole host; --{against} takes a file of `hosttune snapshot`")
    options = _roled(options)
    report = _judged(known.host, options)
    if against == "boot":
        texts, broken = drift.at_boot(known.host, report)
        name = "after the next boot"
    else:
        texts, broken = _defaults(known.host, report, options) if against == "defaults" else _required(report), ()
        name = "its kernel's defaults" if against == "defaults" else f"what {' and '.join(report.roles)} requires"
    other = _Known(name, known.host.with_texts(texts))
    found = _hosts(known, other, options, command)
    rows, notes = (*found.contrasts, *broken), found.notes
    if against == "boot":
        # somebody wrote it into a file, so that it is meant: another value matters whether a bound goes by it or not
        rows = tuple(dataclasses.replace(row, matters=True, notes=drift.origins(known.host, row)) for row in rows)
        notes = (*notes, drift.same(known.host))
    right = dataclasses.replace(found.right, name=name)
    return dataclasses.replace(found, contrasts=contrasts.ranked(rows), right=right, notes=notes)


def _path(key: str) -> str:
    return f"/proc/sys/{normalise(key)}"


def _shown(value: Value) -> str:
    return "\t".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _defaults(host: Recorded, report: Report, options: Options) -> dict[str, str]:
    """Return what the kernel would have made of each key that it is known of, by path."""
    loaded = loading.load(host, options)
    readings = {str(f.subject): f.reading for f in report.findings if f.reading}
    known = examine.defaults(host, loaded.profiles, report.machine, readings)
    texts = {}
    for subject, value in known.items():
        kind, _, key = subject.partition(":")
        if kind == "sysctl" and value is not None and _is_there(host, _path(key)):
            texts[_path(key)] = _shown(value)
    return texts


def _required(report: Report) -> dict[str, str]:
    """Return what is required where it does not hold, by path."""
    texts = {}
    for finding in report.findings:
        row, reading = finding.requirement, finding.reading
        wrong = finding.verdict.value in ("FAIL", "DRIFT") and finding.in_force is not True
        if row and row.wants and reading and wrong and finding.subject.kind == "sysctl":
            texts[_path(finding.subject.name)] = _shown(row.wants[0])
    return texts


def _is_there(host: Recorded, path: str) -> bool:
    try:
        host.read(path)
    except HostError as error:
        return error.reason is not Reason.ABSENT and error.reason is not Reason.NOT_RECORDED
    return True
