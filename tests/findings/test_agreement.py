"""A requirement asks as much as its bounds need, and is no error where none of them is short."""

from __future__ import annotations

from hosttune.findings import agreement, judge
from hosttune.findings.agreement import Needs
from hosttune.model import Finding, Operator, Reading, Remedy, Requirement, Severity, Subject, Value, Verdict

KEY = Subject("sysctl", "fs.nr_open")
NOTHING = Needs(frozenset(), frozenset(), {}, frozenset())


def row(wants: Value, operator: Operator = Operator.AT_LEAST, subject: Subject = KEY, *bounds: str) -> Requirement:
    return Requirement(subject, operator, (wants,), "w", "s", Severity.WARNING, ("lb",), bounds=bounds or ("nr-open",))


def short(value: Value, kind: str = "nr-open", subject: Subject = KEY) -> Needs:
    remedy = Remedy(str(subject), value, None, "", "")
    return Needs(frozenset({kind}), frozenset(), {str(subject): remedy}, frozenset({str(subject)}))


def settled(required: Requirement, runtime: Value, boot: Value, now: Needs, later: Needs, binding: str = "") -> Finding:
    reading = Reading(required.subject, runtime, boot)

    def judged(requirement: Requirement) -> Finding:
        return judge.judge(requirement, reading)

    (finding,) = agreement.settled([judged(required)], now, later, binding, judged)
    return finding


def test_what_no_bound_needs_is_no_error() -> None:
    finding = settled(row(2000), 1500, 1500, NOTHING, NOTHING)
    assert finding.verdict is Verdict.NOT_APPLICABLE and not finding.fix
    assert finding.because.startswith("no limit of this workload needs it: 1,500 now")


def test_what_a_bound_is_short_of_is_an_error_with_its_number() -> None:
    finding = settled(row(1000), 1500, 1500, short(2300), NOTHING)
    assert finding.verdict is Verdict.FAIL and finding.severity is Severity.ERROR
    assert finding.requirement is not None and finding.requirement.wants == (2300,)
    assert settled(row(3000), 1500, 1500, short(2300), NOTHING).requirement.wants == (3000,)  # type: ignore[union-attr]


def test_what_is_short_after_a_boot_alone_is_drift() -> None:
    finding = settled(row(1000), 3000, 1500, NOTHING, short(2300))
    assert finding.verdict is Verdict.DRIFT and finding.in_force is True
    assert settled(row(2000), 3000, 1500, NOTHING, NOTHING).verdict is Verdict.NOT_APPLICABLE


def test_a_bound_that_is_not_known_excuses_nothing() -> None:
    unknown = Needs(frozenset(), frozenset({"nr-open"}), {}, frozenset())
    assert settled(row(2000), 1500, 1500, unknown, unknown).verdict is Verdict.FAIL


def test_descriptors_of_another_reading_are_judged_by_themselves() -> None:
    login = Subject("nofile", "login/root")
    required = row((2000, 2000), Operator.AT_LEAST, login, "nofile")
    assert settled(required, (1024, 1024), (1024, 1024), NOTHING, NOTHING, "nofile:pid/7").verdict is Verdict.FAIL
    of_it = settled(required, (1024, 1024), (1024, 1024), NOTHING, NOTHING, "nofile:login/root")
    assert of_it.verdict is Verdict.NOT_APPLICABLE


def test_a_range_is_widened_and_a_switch_is_narrowed_to_what_a_bound_needs() -> None:
    ports = Subject("sysctl", "net.ipv4.ip_local_port_range")
    wider = agreement.raised(row((32768, 60999), Operator.COVERS, ports), (16384, 65535))
    assert wider.wants == ((16384, 65535),)
    assert agreement.raised(wider, (32768, 60999)) == wider
    switch = Requirement(KEY, Operator.ONE_OF, (2, 1), "w", "s", Severity.WARNING, ("lb",))
    assert agreement.raised(switch, 1).wants == (1,)
    assert agreement.raised(switch, 3) == switch
    assert agreement.raised(row((5, 5)), 7).wants == ((7, 7),)
