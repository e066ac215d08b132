"""check and capacity say the same of one need, on recorded machines and whatever workload is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.capacity import short
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.host import Host
from hosttune.model import Finding, Report, Severity, Unknown, Verdict
from hosttune.options import Options
from hosttune.workflows import apply_plan, examine, loading, opening

HOSTS = {
    path.stem: opening.open_host("/", str(path))
    for path in sorted((Path(__file__).parents[1] / "hosts").glob("*.json"))
}

ROLES = st.sampled_from(["lb", "client", "broker", "app", "controller", "linux-server"])
CONNECTIONS = st.integers(0, 21).flatmap(lambda power: st.integers(1 << power, 2 << power))
RATES = st.integers(0, 15).flatmap(lambda power: st.integers(1 << power, 2 << power))
LOADS = st.builds(
    lambda role, connections, rate, hold: Options(role=[role], connections=connections, rate=rate, hold=hold),
    ROLES,
    CONNECTIONS,
    RATES,
    st.sampled_from([None, 1, 10, 300]),
)


def looked(host: Host, options: Options) -> tuple[loading.Target, Report]:
    loaded = loading.load(host, options)
    return loaded, examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "")


def wrong(report: Report) -> list[Finding]:
    """Return the requirements that are errors here."""
    return [
        finding
        for finding in report.findings
        if finding.requirement and finding.severity is Severity.ERROR and finding.verdict is Verdict.FAIL
    ]


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(HOSTS)), LOADS)
def test_an_error_is_what_a_bound_is_short_of_and_its_fix_ends_it(name: str, options: Options) -> None:
    loaded, report = looked(HOSTS[name], options)
    below = {bound.kind for bound in report.bounds if short(bound, report.workload) or isinstance(bound.hard, Unknown)}
    for finding in wrong(report):
        assert finding.requirement is not None
        needed = below.intersection(finding.requirement.bounds)
        # the one exception: the bound is of one reading, and others say what a start by a login or unit would have
        another = finding.subject.kind == "nofile" and not any(
            b.reads.startswith(f"{finding.subject} ") for b in report.bounds
        )
        assert needed or another, f"{finding.id}: {finding.because}"
    asked = {str(finding.subject): finding for finding in report.findings if finding.requirement}
    for remedy in report.remedies:
        if remedy.subject in asked:
            finding = asked[remedy.subject]
            assert finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN), f"{remedy.text}: {finding.because}"
    _fixed(HOSTS[name], loaded, report)


def _fixed(host: Host, loaded: loading.Target, report: Report) -> None:
    """See that what apply writes ends each bound that a setting raises, but for what the host does not let it write."""
    request, findings = apply_plan.request(host, loaded, report, Request(), [], False)
    plan = apply_plan.plan(host, Planned(host), request, findings, loaded.profiles)
    after = examine.examine(
        Planned(host, plan.changes), loaded.profiles, loaded.workload, loaded.programs, "", where=report.where
    )
    serves = {subject for change in plan.changes for subject in change.serves}
    left = [need.text for need in after.remedies if need.subject in serves and need.subject.startswith("sysctl:")]
    assert not left, plan.refusals


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_a_small_target_on_a_stock_host_fails_nothing(name: str) -> None:
    _, report = looked(HOSTS[name], Options(role=["lb"], connections=1000, rate=10))
    failed = [finding for finding in report.findings if finding.requirement and finding.verdict is Verdict.FAIL]
    if name == "debian12-service-1024":
        assert [str(finding.subject) for finding in failed] == ["nofile:unit/haproxy.service"]
        assert any(bound.kind == "nofile" and short(bound, report.workload) for bound in report.bounds)
    elif "container" not in name:
        assert failed == []


def test_every_bound_that_a_requirement_names_is_one() -> None:
    kinds: set[str] = set()
    named: set[str] = set()
    for role in ("lb", "client", "broker"):
        _, report = looked(HOSTS["debian12-conntrack"], Options(role=[role], hold=10))
        kinds |= {bound.kind for bound in report.bounds}
        named |= {kind for f in report.findings if f.requirement for kind in f.requirement.bounds}
    assert named <= kinds


@pytest.mark.parametrize(("page", "pages"), [(4096, 124545), (65536, 7784)])
def test_tcp_mem_asks_for_no_more_than_apply_takes(page: int, pages: int, tmp_path: Path) -> None:
    answers = json.loads((Path(__file__).parents[1] / "hosts" / "debian12-stock.json").read_text())
    answers["probes"]["page_size {}"] = {"is": page}
    (tmp_path / "host.json").write_text(json.dumps(answers))
    options = Options(role=["lb"], connections=200_000, bytes_in_flight=3000)
    _, report = looked(opening.open_host("/", str(tmp_path / "host.json")), options)
    rows = [f.requirement for f in report.findings if f.requirement and str(f.subject) == "sysctl:net.ipv4.tcp_mem"]
    assert [row.wants[0][-1] for row in rows if isinstance(row.wants[0], tuple)] == [pages]


def test_the_programs_own_setting_of_descriptors_is_what_is_to_change(tmp_path: Path) -> None:
    conf = tmp_path / "nginx.conf"
    conf.write_text(
        "worker_processes 2;\nworker_rlimit_nofile 1024;\nevents { worker_connections 30000; }\n"
        "stream { upstream b { server 10.77.0.2:1883; } server { listen 1883; proxy_pass b; } }\n"
    )
    options = Options(role=["lb"], connections=20_000, service="nginx.service", backends_from=[str(conf)])
    _, report = looked(opening.open_host("/", ""), options)
    found = next(f for f in report.findings if str(f.subject) == "nofile:unit/nginx.service")
    assert found.verdict is Verdict.FAIL
    assert found.fix == f"worker_rlimit_nofile 20200 ({conf})" and found.fix in found.because
