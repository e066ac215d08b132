"""The alert rules and the dashboard: promtool takes them, each alert fires where it must, each metric is ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from hosttune.hooks import prometheus
from hosttune.render.of_node import prometheus as of_node
from tests.hooks.test_units import hook
from tests.render import nodes
from tests.render.test_prometheus import program

HERE = Path(__file__).parent
RULES, DASHBOARD = "hosttune.rules.yml", "hosttune-dashboard.json"
_METRIC = re.compile(r"\b(?:hosttune|node)_[a-z][A-Za-z_]*")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    done = hook("prometheus", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    return tmp_path / "out"


def promtool(*words: str, at: Path) -> str:
    done = subprocess.run([program("promtool"), *words], cwd=at, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_the_rules_and_every_alert_fires_where_it_must(written: Path) -> None:
    promtool("check", "rules", RULES, at=written)
    shutil.copy(HERE / "alerts.yml", written)
    assert "SUCCESS" in promtool("test", "rules", "alerts.yml", at=written)


def test_every_alert_has_a_test() -> None:
    rules = {rule["alert"] for group in rules_of() for rule in group["rules"]}
    cases = [
        case for test in yaml.safe_load((HERE / "alerts.yml").read_text())["tests"] for case in test["alert_rule_test"]
    ]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == rules


def test_every_alert_says_what_to_do() -> None:
    for group in rules_of():
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("warning", "critical")
            assert "On the host: " in rule["annotations"]["description"] or rule["alert"] == "HosttuneAbsent"


def rules_of() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(prometheus.files()[RULES])["groups"]
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(prometheus.files()[DASHBOARD])
    return found


def expressions() -> list[str]:
    targets = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [expr.replace("$instance", ".*") for expr in targets]


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:n{number}", "expr": expr} for number, expr in enumerate(expressions())]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", "panels.yml", at=tmp_path)


def test_no_panel_takes_two_hosts_for_one() -> None:
    for expr in expressions():
        for kept in re.findall(r"by \(([^)]*)\)", expr):
            assert "instance" in kept.split(", "), expr


def test_every_metric_is_one_that_is_written() -> None:
    root = HERE.parents[1] / "hosttune/render"
    files = ("exposition.py", "of_report/prometheus.py", "of_view/prometheus.py")
    written = "".join((root / name).read_text() for name in files)
    ours = {f"hosttune_{name}" for name in re.findall(r'(?:Family\(|^    \()\s*"([a-z_]+)"', written, re.M)}
    every = text_string_to_metric_families(of_node.render(nodes.node()))
    ours |= {family.name for family in every}
    ours |= {f"hosttune_port_pool_{name}" for name in ("capacity", "knee", "used")} | {"hosttune_check_status"}
    others = {
        "node_netstat_TcpExt_SyncookiesRecv",
        "node_netstat_Tcp_PassiveOpens",
        "node_netstat_TcpExt_ListenOverflows",
        "node_sockstat_TCP_tw",
        "node_sockstat_TCP_orphan",
        "node_sockstat_TCP_mem",
        "node_arp_entries",
    }
    asked = {
        name
        for expr in [*expressions(), *(r["expr"] for g in rules_of() for r in g["rules"])]
        for name in _METRIC.findall(expr)
    }
    assert asked <= ours | others


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken
        taken |= cells


def test_what_somebody_else_has_written_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / RULES).write_text("groups: []\n")
    done = hook("prometheus", "-o", str(tmp_path))
    assert done.returncode == 2 and "was not written by hosttune" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [RULES]
