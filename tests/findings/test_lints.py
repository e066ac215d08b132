"""Each mistake of the tuning guides is found, and a sound host gives none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.findings import lints
from hosttune.findings.lint_facts import LintFacts
from hosttune.findings.lints import lint
from hosttune.model import Origin, Reading, Reason, Severity, Subject, Unknown, Value, Verdict

RANGE = "sysctl:net.ipv4.ip_local_port_range"
UNSET = Unknown(Reason.UNSET)


def readings(**values: Value) -> dict[str, Reading]:
    keys = {name.replace("__", "."): value for name, value in values.items()}
    return {f"sysctl:{k}": Reading(Subject("sysctl", k), v, UNSET) for k, v in keys.items()}


def names(found: dict[str, Reading], facts: LintFacts) -> set[str]:
    return {finding.id.split(":")[1] for finding in lint(found, facts)}


@pytest.mark.parametrize(
    ("key", "text", "name"),
    [
        ("net.ipv4.tcp_tw_recycle", "1", "tw-recycle"),
        ("net.core.tcp_syncookies", "1", "no-such-key"),
        ("net.ipv4.ip_local_port_range", "80 65535", "range-refused"),
        ("net.ipv4.ip_local_port_range", "1024 65536", "range-refused"),
        ("net.ipv4.tcp_mem", "10000000 10000000 10000000", "tcp-mem-in-bytes"),
        ("net.ipv4.tcp_rmem", "4096 16384 8192", "out-of-order-line"),
        ("net.core.netdev_max_backlog", "-1", "negative-line"),
        ("net.core.rmem_max", "8192", "buffer-ceiling"),
        ("fs.file-max", "65000", "file-max-lowered"),
        ("net.ipv4.tcp_fin_timeout", "15", "fin-timeout"),
        ("net.ipv4.ip_autobind_reuse", "1", "autobind-reuse"),
    ],
)
def test_a_line_is_found_with_its_place(key: str, text: str, name: str) -> None:
    line = Origin("/etc/sysctl.d/50-guide.conf", 7, text)
    found = [
        f
        for f in lint({}, LintFacts(memory=16 * 2**30, assignments=((key, text, line),), raised_file_max=True))
        if name in f.id
    ]
    assert len(found) == 1
    assert "/etc/sysctl.d/50-guide.conf:7" in found[0].because
    assert found[0].fix


def test_fs_file_max_is_not_lowered_where_nothing_has_raised_it() -> None:
    line = ("fs.file-max", "500200", Origin("/etc/sysctl.d/90-hosttune.conf", 4, "500200"))
    assert lint({}, LintFacts(assignments=(line,))) == ()


def test_equal_parity_and_a_listener_in_the_range() -> None:
    assert "range-parity" in names(readings(net__ipv4__ip_local_port_range=(1024, 65534)), LintFacts())
    values = readings(net__ipv4__ip_local_port_range=(1024, 65535))
    assert names(values, LintFacts(listening=1 << 1883)) == {"range-over-listeners"}
    values |= readings(net__ipv4__ip_local_reserved_ports="1883")
    assert names(values, LintFacts(listening=1 << 1883)) == set()


def test_the_last_line_lowers_the_first() -> None:
    lines = tuple(("net.core.somaxconn", t, Origin("/etc/sysctl.conf", n, t)) for n, t in ((1, "65535"), (2, "1024")))
    assert names({}, LintFacts(assignments=lines)) == {"set-twice"}
    assert names({}, LintFacts(assignments=lines[::-1])) == set()


def test_limits_of_descriptors() -> None:
    unit = Subject("nofile", "unit/mosquitto.service")
    origin = Origin("/etc/systemd/system/mosquitto.service.d/n.conf", 2, "infinity")
    found = {str(unit): Reading(unit, UNSET, (2**30, 2**30), origin)} | readings(fs__nr_open=1048576)
    facts = LintFacts(unit="mosquitto.service", logins_raised=(Origin("/etc/security/limits.conf", 3, "100000"),))
    assert names(found, facts) == {"nofile-above-nr-open", "nofile-unlimited", "limits-conf-for-a-service"}


@pytest.mark.parametrize(
    ("soft", "found"), [(1_073_741_816, {"nofile-too-high"}), (1_048_576, set()), (524_288, set())]
)
def test_a_soft_limit_that_is_far_too_high(soft: int, found: set[str]) -> None:
    process = Subject("nofile", "pid/812")
    reading = Reading(process, (soft, soft), Unknown(Reason.ABSENT), None)
    assert names({str(process): reading}, LintFacts()) == found


def test_a_default_host_has_no_mistake() -> None:
    sound = readings(net__ipv4__ip_local_port_range=(32768, 60999), net__ipv4__tcp_mem=(287898, 383867, 575796))
    assert names(sound, LintFacts(memory=24 * 2**30, listening=1 << 22)) == set()


KEYS = st.sampled_from(
    ["net.ipv4.ip_local_port_range", "net.ipv4.tcp_mem", "fs.file-max", "net.core.rmem_max", "net.ipv4.tcp_fin_timeout"]
)
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(["²", "٣ ٤", "9" * 5000, "- -", "-", "1 2 3"]))


@given(st.lists(st.tuples(KEYS, TEXTS, st.just(Origin("/f", 1, ""))), max_size=6))
def test_no_line_ends_the_run(lines: list[tuple[str, str, Origin]]) -> None:
    lint({}, LintFacts(memory=2**34, assignments=tuple(lines)))


def test_more_digits_than_a_float_takes() -> None:
    assert "tcp-mem-beyond-ram" in names(readings(net__ipv4__tcp_mem=(1, 2, 10**400)), LintFacts(memory=2**34))


@pytest.mark.parametrize(("carried", "found"), [(24, True), (200_000, False), (None, False)])
def test_descriptors_that_no_role_asks_for_are_told_where_they_end(carried: int | None, found: bool) -> None:
    made = lints.unasked(Subject("nofile", "login/root"), carried, 200_000)
    assert bool(made) is found
    if made:
        assert (made[0].verdict, made[0].severity) == (Verdict.FAIL, Severity.ERROR)
        assert "24 of 200,000" in made[0].because and "--service" in made[0].fix
