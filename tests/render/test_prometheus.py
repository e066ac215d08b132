"""Metrics, held against the official client, promtool and a real node_exporter."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from hosttune.errors import UsageError
from hosttune.model import (
    Backend,
    BindMode,
    PortPool,
    Reason,
    Report,
    Severity,
    Tick,
    Trend,
    Unknown,
    Use,
    Verdict,
    View,
)
from hosttune.render import exposition
from hosttune.render.figures import clean
from hosttune.render.of_report import prometheus
from hosttune.render.of_view import prometheus as look
from hosttune.terminal import metrics_file
from hosttune.watching import counted
from tests import needs
from tests.render.test_formats import hosttune
from tests.render.test_render_examples import MACHINE, bound, finding, report
from tests.render.test_render_properties import _REPORTS as REPORTS

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ROOT / "tests/hosts"
_SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
Found = dict[str, dict[tuple[tuple[str, str], ...], float]]


def program(*names: str) -> str:
    """Return the path of a program; under CI a missing one is a failure."""
    path = next((path for name in names if (path := needs.where(name))), "")
    if not path:
        needs.need(names[0])
    return path


def parsed(text: str) -> Found:
    """Return each metric's samples as the official client reads them, by labels."""
    found: Found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge" and family.documentation
        for sample in family.samples:
            key = tuple(sorted(sample.labels.items()))
            assert key not in found.setdefault(sample.name, {}), "a sample twice"
            found[sample.name][key] = sample.value
    return found


def one(text: str, metric: str, /, **labels: str) -> float | None:
    return parsed(text).get(f"hosttune_{metric}", {}).get(tuple(sorted(labels.items())))


class Given(Collector):
    """The same families, as the official client would be given them."""

    def __init__(self, families: list[exposition.Family]) -> None:
        self.families = families

    def collect(self) -> list[GaugeMetricFamily]:
        made = []
        for family in self.families:
            metric = GaugeMetricFamily(f"hosttune_{family.name}", family.help, labels=sorted(family.samples[0][0]))
            for labels, value in family.samples:
                metric.add_metric([clean(labels[name]) for name in sorted(labels)], value)
            made.append(metric)
        return made


_LABELS = st.dictionaries(st.sampled_from(("bound", "source", "name")), st.text(max_size=40), min_size=0, max_size=3)
_HELP = st.text(alphabet=st.characters(exclude_categories=["C"]), min_size=1, max_size=40).filter(lambda t: t.strip())


@_SETTINGS
@given(
    labels=st.lists(st.text(max_size=40), min_size=1, max_size=4, unique_by=clean),
    help=_HELP,
    value=st.integers(0, 10**15) | st.floats(allow_nan=False),
)
def test_the_official_client_writes_the_same(labels: list[str], help: str, value: float) -> None:
    family = exposition.Family("a_bound", help, [({"bound": text, "also": "x"}, value) for text in labels])
    registry = CollectorRegistry()
    registry.register(Given([family]))
    theirs = generate_latest(registry).decode()
    # it writes numbers as Go does, 1e+06 for 1000000: the same number
    assert parsed(exposition.text([family])) == parsed(theirs)
    heads = [
        [line for line in text.splitlines() if line.startswith("#")] for text in (theirs, exposition.text([family]))
    ]
    assert heads[0] == heads[1]


@_SETTINGS
@given(report=REPORTS)
def test_whatever_a_host_says_it_can_be_read(report: Report) -> None:
    text = prometheus.render(report)
    found = parsed(text)
    assert found["hosttune_run_success"] == {(("verb", "check"),): 1}
    statuses = found.get("hosttune_check_status", {})
    assert sum(statuses.values()) == len({clean(role) for role in report.roles})


def pool(mode: BindMode, port: int, free: int) -> PortPool:
    counts = dict(established=20, time_wait=5, other=0, free=free, free_most=free)
    return PortPool("10.0.0.9", Backend("10.0.0.11", port), mode, 1024, 1123, 100, 0, 0, 100, **counts, knee=50)


def test_each_number_is_that_of_the_report() -> None:
    made = report(
        (finding("a", Verdict.OK), finding("b", Verdict.DRIFT), finding("c", Verdict.FAIL, Severity.WARNING)),
        (
            dataclasses.replace(bound("ports", 28232, 14116), used=7),
            bound("conntrack", Unknown(Reason.INVISIBLE)),
            dataclasses.replace(bound("churn", 470), unit="connections/s"),
        ),
        pools=(pool(BindMode.CONNECT, 1883, 75), pool(BindMode.BIND, 1, 70), pool(BindMode.BIND, 2, 70)),
        taken=1795609287.5,
    )
    text = prometheus.render(made)
    pair = {"verb": "check", "source": "10.0.0.9", "destination": "10.0.0.11:1883", "bind_mode": "connect"}
    shared = {"verb": "check", "source": "10.0.0.9", "destination": "any", "bind_mode": "bind"}
    assert [one(text, f"port_pool_{name}", **pair) for name in ("capacity", "knee", "used")] == [100, 50, 25]
    assert [one(text, f"port_pool_{name}", **shared) for name in ("capacity", "knee", "used")] == [100, 50, 30]
    assert one(text, "capacity_connections", bound="ports") == 28232
    assert one(text, "capacity_knee_connections", bound="ports") == 14116
    assert one(text, "capacity_used_connections", bound="ports") == 7
    assert one(text, "capacity_connections_per_second", bound="churn") == 470
    assert one(text, "capacity_connections", bound="conntrack") is None
    assert (
        one(text, "capacity_unknown", bound="conntrack", reason="host-wide, not visible from this network namespace")
        == 1
    )
    assert one(text, "run_timestamp_seconds", verb="check") == 1795609287.5
    assert one(text, "check_status", role="lb", hosttune_check_status="drift") == 1
    assert one(text, "check_status", role="lb", hosttune_check_status="ok") == 0
    assert one(text, "check_findings", verdict="fail", severity="warning") == 1
    assert one(text, "wanted_connections") == 1_000_000


@pytest.mark.parametrize(
    ("verdicts", "strict", "state"),
    [
        ([Verdict.OK], False, "ok"),
        ([Verdict.OK, Verdict.DRIFT, Verdict.FAIL], False, "failed"),
        ([Verdict.OK, Verdict.UNKNOWN], False, "ok"),
        ([Verdict.OK, Verdict.UNKNOWN], True, "unknown"),
        ([Verdict.UNKNOWN], False, "unknown"),
        ([], False, "unknown"),
    ],
)
def test_the_status_of_a_role(verdicts: list[Verdict], strict: bool, state: str) -> None:
    made = report(tuple(finding(f"k{n}", verdict) for n, verdict in enumerate(verdicts)), strict=strict)
    assert one(prometheus.render(made), "check_status", role="lb", hosttune_check_status=state) == 1


def view(*uses: Use, **rates: float) -> View:
    tick = Tick(1795609287.5, 10.0, {}, uses)
    found = {name.replace("__", "."): rate for name, rate in rates.items()}
    return View(MACHINE, tick, 1.0, found, tuple(map(Trend, uses)), drops=2.0, ghosts=counted.ghosts(found))


def test_a_look_has_pools_limits_and_ghosts_and_not_what_node_exporter_has() -> None:
    text = look.render(
        view(
            Use("ports", "ports", 25, 100, "ports", "", 50, "connect", ("10.0.0.9", "10.0.0.11:1883")),
            Use("ports", "ports", 30, Unknown(Reason.UNDECIDED), "ports", "", None, "bind", ("10.0.0.9",)),
            Use("accept-queue", "accept queue", 3, 129, "connections", "", of=("[::]:1883",)),
            Use("orphans", "orphans", 5, 10, "sockets", ""),
            Use("conntrack", "conntrack", 5, 10, "entries", ""),
            TcpExt__SyncookiesRecv=30.0,
            Tcp__PassiveOpens=10.0,
            TcpExt__ListenOverflows=20.0,
        )
    )
    pair = {"verb": "watch", "source": "10.0.0.9", "destination": "10.0.0.11:1883", "bind_mode": "connect"}
    shared = {"verb": "watch", "source": "10.0.0.9", "destination": "any", "bind_mode": "bind"}
    assert [one(text, f"port_pool_{name}", **pair) for name in ("capacity", "knee", "used")] == [100, 50, 25]
    assert [one(text, f"port_pool_{name}", **shared) for name in ("capacity", "knee", "used")] == [None, None, 30]
    queue = {"limit": "accept-queue:[::]:1883", "name": "accept queue", "unit": "connections"}
    assert (one(text, "limit_used", **queue), one(text, "limit_capacity", **queue)) == (3, 129)
    assert one(text, "ghost_connections_per_second") == 20
    assert 'limit="conntrack"' not in text and 'hosttune_limit_used{limit="orphans"' not in text


def test_of_many_processes_of_a_program_the_nearest_to_its_limit_is_told() -> None:
    uses = [
        Use("nofile", f"descriptors of nginx ({pid})", pid, 1024, "descriptors", "", of=(str(pid),))
        for pid in (5, 900, 7)
    ]
    text = look.render(view(*uses))
    labels = {"limit": "nofile:nginx", "name": "descriptors of nginx", "unit": "descriptors"}
    assert (one(text, "limit_used", **labels), one(text, "limit_capacity", **labels)) == (900, 1024)
    assert len(parsed(text)["hosttune_limit_used"]) == 1


@pytest.mark.parametrize(
    ("rates", "ghosts"),
    [
        ({"TcpExt.SyncookiesRecv": 30.0, "Tcp.PassiveOpens": 10.0, "TcpExt.ListenOverflows": 20.0}, 20.0),
        ({"TcpExt.SyncookiesRecv": 30.0, "Tcp.PassiveOpens": 10.0, "TcpExt.ListenOverflows": 0.0}, 0.0),
        ({"TcpExt.SyncookiesRecv": 5.0, "Tcp.PassiveOpens": 10.0, "TcpExt.ListenOverflows": 20.0}, 0.0),
        ({"Tcp.PassiveOpens": 10.0, "TcpExt.ListenOverflows": 20.0}, None),
    ],
)
def test_ghosts_are_cookies_that_became_no_connection(rates: dict[str, float], ghosts: float | None) -> None:
    assert counted.ghosts(rates) == ghosts


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("check", "--role", "lb", "--backend", "127.0.0.1:1883"),
        ("check", "--role", "lb", "--snapshot", str(HOSTS / "debian12-drift.json")),
        ("check", "--role", "nosuch"),
        ("watch", "--once", "--interval", "200ms", "--backend", "127.0.0.1:1883"),
    ],
)
def test_promtool_has_nothing_to_say(words: tuple[str, ...]) -> None:
    text = hosttune(*words, "--format", "prometheus").stdout
    assert "hosttune_run_success" in text
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def both() -> tuple[str, str]:
    """Return what check and watch write on one host: the same pools, each with all that it has to say."""
    made = report(
        (finding("a", Verdict.FAIL), finding("b", Verdict.UNKNOWN)),
        (dataclasses.replace(bound("ports", 28232, 14116), used=7), bound("conntrack", Unknown(Reason.INVISIBLE))),
        pools=(pool(BindMode.CONNECT, 1883, 75), pool(BindMode.BIND, 1, 70)),
        taken=1795609287.5,
    )
    uses = (
        Use("ports", "ports", 25, 100, "ports", "", 50, "connect", ("10.0.0.9", "10.0.0.11:1883")),
        Use("ports", "ports", 30, 100, "ports", "", 50, "bind", ("10.0.0.9",)),
        Use("accept-queue", "accept queue", 3, 129, "connections", "", of=("[::]:1883",)),
    )
    return prometheus.render(made), look.render(view(*uses, TcpExt__ListenOverflows=20.0))


def test_check_and_watch_on_one_host_have_no_series_in_common_and_one_help_for_each_metric() -> None:
    texts = both()
    series = [{(name, labels) for name, rows in parsed(text).items() for labels in rows} for text in texts]
    assert not series[0] & series[1]
    said = [{line for line in text.splitlines() if line.startswith("#")} for text in texts]
    names = [line.split()[1:3] for line in said[0] | said[1]]
    assert said[0] & said[1] and len(names) == len({tuple(name) for name in names})


def test_promtool_takes_the_metrics_of_check_and_watch_together() -> None:
    families: dict[str, list[str]] = {}
    for line in "".join(both()).splitlines():
        name = line.split()[2] if line.startswith("#") else line.partition("{")[0].partition(" ")[0]
        rows = families.setdefault(name, [])
        rows += [line] if not line.startswith("#") or line not in rows else []
    text = "".join(f"{line}\n" for rows in families.values() for line in sorted(rows, key=lambda x: x[0] != "#"))
    command = [program("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_textfile_is_whole_readable_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "hosttune.prom"
    words = ("check", "--role", "lb", "--textfile", str(path))
    done = hosttune(*words)
    assert done.returncode in (0, 1) and "role lb" in done.stdout
    assert path.stat().st_mode & 0o777 == 0o644
    assert one(path.read_text(), "run_success", verb="check") == 1
    # only root gives a file away
    owner = (1234, 1235) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)
    path.chmod(0o640)
    hosttune(*words)
    found = path.stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o640, *owner)
    assert [p.name for p in tmp_path.iterdir()] == ["hosttune.prom"]


def test_two_runs_that_write_at_once_do_not_take_each_others_file(tmp_path: Path) -> None:
    path = tmp_path / "hosttune.prom"
    text = "hosttune_x 1\n" * 5000

    def write(_: int) -> str:
        metrics_file.write(str(path), text)
        return path.read_text()

    with ThreadPoolExecutor(4) as runs:
        assert set(runs.map(write, range(80))) == {text}
    assert [p.name for p in tmp_path.iterdir()] == ["hosttune.prom"]


def test_a_file_whose_owner_stays_is_replaced_without_asking_for_it(tmp_path: Path) -> None:
    # the unit that checks may be forbidden to call chown(2) at all
    path = tmp_path / "hosttune.prom"
    path.write_text("old\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fchown", lambda *_: pytest.fail("it asked"))
        metrics_file.write(str(path), "new\n")
    assert path.read_text() == "new\n"


@pytest.mark.parametrize(
    "wrong", [["--role", "nosuch"], ["--connections", "many"], ["--nope"], ["--profile", "/x.toml"]]
)
def test_a_check_that_cannot_be_made_leaves_no_ok(tmp_path: Path, wrong: list[str]) -> None:
    path = tmp_path / "hosttune.prom"
    path.write_text('hosttune_check_status{hosttune_check_status="ok",role="lb"} 1\n')
    before = time.time()
    done = hosttune("check", *wrong, "--textfile", str(path))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "; and --textfile" not in done.stderr
    assert one(path.read_text(), "run_success", verb="check") == 0
    tried = one(path.read_text(), "run_timestamp_seconds", verb="check")
    assert tried is not None and before - 1 <= tried <= time.time() + 1
    assert "check_status" not in path.read_text()


@pytest.mark.parametrize("role", ["lb", "nosuch"])
def test_a_failure_that_cannot_be_written_is_told_too(role: str) -> None:
    # /proc takes no new files, of root either
    done = hosttune("check", "--role", role, "--textfile", "/proc/x.prom")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.count("--textfile /proc/x.prom: ") == 1
    assert ("no such profile" in done.stderr) == (role == "nosuch")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_watch_takes_its_file_away_when_it_ends(tmp_path: Path, number: int) -> None:
    path = tmp_path / "hosttune.prom"
    words = [sys.executable, "-m", "hosttune", "watch", "--interval", "100ms", "--textfile", str(path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=env)
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    seen = path.read_text()
    running.send_signal(number)
    running.wait(20)
    assert one(seen, "run_success", verb="watch") == 1
    assert not path.exists()


def test_what_the_collector_would_not_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.prom").symlink_to("/etc/passwd")
    for path, said in (
        (tmp_path / "x.txt", "end in .prom"),
        (tmp_path / "no/x.prom", "no directory"),
        (tmp_path / "link.prom", "no regular file"),
    ):
        with pytest.raises(UsageError, match=said):
            metrics_file.check(str(path), "check")
    (tmp_path / "link.prom").unlink()
    (tmp_path / "other.prom").write_text("node_x 1\n")
    metrics_file.check(str(tmp_path / "x.prom"), "check")
    (tmp_path / "other.prom").write_text('hosttune_run_success{verb="check"} 1\n')
    metrics_file.check(str(tmp_path / "x.prom"), "watch")
    with pytest.raises(UsageError, match=r"other\.prom beside it"):
        metrics_file.check(str(tmp_path / "x.prom"), "check")


@pytest.mark.slow
def test_node_exporter_reads_the_file(tmp_path: Path) -> None:
    exporter = program("prometheus-node-exporter", "node_exporter")
    hosttune("check", "--role", "lb", "--backend", "127.0.0.1:1883", "--textfile", str(tmp_path / "hosttune.prom"))
    (tmp_path / "watch.prom").write_text(both()[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = ["--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={tmp_path}"]
    running = subprocess.Popen([exporter, *options, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL)
    try:
        text = ""
        until = time.monotonic() + 20
        while not text and time.monotonic() < until:
            try:
                text = urllib.request.urlopen(f"http://{address}/metrics", timeout=5).read().decode()
            except OSError:
                time.sleep(0.1)
    finally:
        running.terminate()
        running.wait(20)
    assert "node_textfile_scrape_error 0" in text
    assert "hosttune_check_status{" in text and "hosttune_port_pool_capacity{" in text
    assert 'hosttune_run_success{verb="check"} 1' in text and 'hosttune_run_success{verb="watch"} 1' in text


@pytest.mark.parametrize("words", [["--snapshot", str(HOSTS / "debian12-drift.json")], ["--root", "/srv"]])
def test_the_metrics_of_another_host_are_not_published_as_those_of_this_one(tmp_path: Path, words: list[str]) -> None:
    done = hosttune("check", *words, "--textfile", str(tmp_path / "hosttune.prom"))
    assert done.returncode == 2 and "leave out --snapshot and --root" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_watch_that_ends_leaves_what_another_run_has_written_since(tmp_path: Path) -> None:
    path = tmp_path / "hosttune.prom"
    path.write_text(prometheus.failed("x"))
    metrics_file.remove(str(path), 'verb="watch"')
    assert path.exists()
    path.write_text(look.render(view()))
    metrics_file.remove(str(path), 'verb="watch"')
    assert not path.exists()
