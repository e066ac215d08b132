"""`hosttune plan` from the command line: the shipped topology, wrong use, real hosts, and fleets of reports.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/commands/test_plan.py` rewrites the golden file; read the difference first.
"""

from __future__ import annotations

import functools
import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests import verbs

GOLDEN = Path(__file__).with_name("golden") / "plan-whitepaper-2019.txt"
HOSTS = Path(__file__).parents[1] / "hosts"
SMALL = """
[topology]
name = "small"
connections = 20_000
rate = 100

[tier.client]
to = ["lb"]
hosts = 2

[tier.lb]
to = ["broker"]
hosts = 1
ports = [1883]

[tier.broker]
hosts = 2
ports = [1883]
"""


def run(*args: str) -> tuple[int, str, str]:
    done = verbs.hosttune("plan", *args, env={**os.environ, "COLUMNS": "100"})
    return done.returncode, done.stdout, done.stderr


def topology(tmp_path: Path, text: str = SMALL) -> str:
    file = tmp_path / "t.toml"
    file.write_text(text)
    return str(file)


def test_the_white_paper() -> None:
    code, out, _ = run("whitepaper-2019")
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(out, encoding="utf-8")
    assert code == 1  # above the knee
    assert out == GOLDEN.read_text(encoding="utf-8")


def test_json_holds_to_its_schema() -> None:
    schema = json.loads(files("hosttune.render").joinpath("plan.schema.json").read_text())
    opened = ("--set", "lb.sources=?", "--set", "client.sources=?", "--set", "client.addresses=[]", "--solve")
    for args, carried in ((), False), (("--set", "below_knee=false"), True), (opened, True):
        code, out, _ = run("whitepaper-2019", "--format", "json", *args)
        told = json.loads(out)
        jsonschema.validate(told, schema)
        assert (code == 0) is told["carried"] is carried


def test_every_way_out_is_written(tmp_path: Path) -> None:
    svg, emitted = tmp_path / "p.svg", tmp_path / "out"
    code, out, err = run("whitepaper-2019", "--svg", str(svg), "--emit", str(emitted), "--format", "markdown")
    assert code == 1 and out.startswith("# ") and "</svg>" in svg.read_text()
    assert f"files are in {emitted}" in err
    text = (emitted / "hosts" / "lb-1" / "haproxy.cfg").read_text()
    assert text.count(" source 10.0.2.") == 24
    code, out, _ = run("--example")
    assert code == 0 and "[tier.lb]" in out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "TOPOLOGY: give a file, or one that is built in: whitepaper-2019"),
        (("no.toml",), "no.toml: no such file"),
        (("whitepaper-2019", "--format", "pdf"), "--format pdf: unknown; choose table, html, json, markdown or svg"),
        (("whitepaper-2019", "--set", "lb.sources=?"), "lb.sources: to be found; add --solve"),
        (("whitepaper-2019", "--solve"), "--solve: whitepaper-2019 leaves no number open; open some: --set 'client.ho"),
        (("whitepaper-2019", "--reports", "/nonexistent"), "--reports /nonexistent: No such file or directory"),
        (("whitepaper-2019", "--reports", "/", "--emit", "x"), "--reports: it compares reports with a plan"),
        (
            ("whitepaper-2019", "--set", "lb.sources=30", "--set", "lb.source_addresses=[]", "--emit", "x"),
            "[tier.lb]: source_addresses: 0 of 30 that the hosts dial from",
        ),
        (("whitepaper-2019", "--set", "connections=1000000000"), "--set connections=1000000000: "),
    ],
)
def test_wrong_use_is_one_line(args: tuple[str, ...], said: str) -> None:
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert said in err and err.count("\n") == 1


@functools.cache
def stock(role: str) -> str:
    """Return the report of a recorded host for a role."""
    recording = str(HOSTS / "debian12-stock.json")
    return verbs.hosttune("check", "--snapshot", recording, "--role", role, "--format", "json").stdout


def tuned(role: str, connections: int, hard: int, sockets: int) -> dict[str, Any]:
    """Return the report of a host that holds all its role asks, with one bound."""
    made = {**json.loads(stock("broker")), "roles": [role], "findings": []}
    made["workload"] |= {"connections": connections, "rate": 100, "sockets_per_connection": sockets}
    made["bounds"] = [b | {"hard": hard, "unit": "connections"} for b in made["bounds"][:1]]
    return made


def fleet(tmp_path: Path, **reports: Any) -> str:
    folder = tmp_path / "reports"
    folder.mkdir()
    for name, told in reports.items():
        (folder / f"{name.replace('_', '-')}.json").write_text(told if isinstance(told, str) else json.dumps(told))
    return str(folder)


def ready() -> dict[str, Any]:
    return {
        "client_1": tuned("client", 10_000, 12_000, 1),
        "client_2": tuned("client", 10_000, 15_000, 1),
        "lb_1": tuned("lb", 20_000, 30_000, 2),
        "broker_1": tuned("broker", 10_000, 11_000, 1),
        "broker_2": tuned("broker", 10_000, 40_000, 1),
    }


def test_a_fleet_that_is_ready(tmp_path: Path) -> None:
    code, out, _ = run(topology(tmp_path), "--reports", fleet(tmp_path, **ready()), "--format", "json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads(files("hosttune.render").joinpath("fleet.schema.json").read_text()))
    assert code == 0
    # two brokers carry alike until the weaker is full
    assert (told["reaches"], told["waiting"], told["missing"]) == (22_000, [], [])
    assert {t["tier"]: t["together"] for t in told["tiers"]} == {"client": 27_000, "lb": 30_000, "broker": 51_000}


def test_a_fleet_that_is_not(tmp_path: Path) -> None:
    reports = ready() | {"broker_1": stock("broker"), "other": "{", "zz": tuned("lb", 20_000, 30_000, 2)}
    del reports["client_2"]
    reports["elsewhere"] = tuned("app", 1, 1, 1)
    reports["lb_1"] = tuned("lb", 500, 30_000, 2)
    code, out, _ = run(topology(tmp_path), "--reports", fleet(tmp_path, **reports), "--format", "json")
    told = json.loads(out)
    assert code == 1 and told["reaches"] is None and told["missing"] == ["client-2"]
    waiting = {state["name"]: state["problems"] for state in told["waiting"]}
    assert list(waiting) == ["lb-1", "broker-1"]
    assert waiting["lb-1"] == [
        "its target is 500 connections at 100/s, the plan has 20,000 at 100/s: check it with its profile"
    ]
    assert waiting["broker-1"][-1] == "limit 24 of 10,000 connections: nofile of login root"
    said = "\n".join(told["unplaced"])
    assert "elsewhere.json: its role (app) is that of no tier" in said
    assert "other.json: not JSON" in said and "zz.json: lb has all its hosts already" in said


@pytest.mark.parametrize(
    "broken", ['{"schema": "hosttune/report/1"}', "[]", '{"schema": "hosttune/report/1", "a": 1e999}']
)
def test_a_broken_report_is_named_not_raised(tmp_path: Path, broken: str) -> None:
    code, out, err = run(topology(tmp_path), "--reports", fleet(tmp_path, x=broken))
    assert code == 1 and "Traceback" not in out + err and "x.json" in out


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    folder = Path(fleet(tmp_path, x="[]"))
    os.mkfifo(folder / "pipe.json")
    (folder / "zero.json").symlink_to("/dev/zero")
    (folder / "folder.json").mkdir()
    code, out, _ = run(topology(tmp_path), "--reports", str(folder), "--format", "json")
    said = [line.partition(": ") for line in json.loads(out)["unplaced"]]
    assert code == 1 and [Path(file).name for file, _, _ in said] == ["folder.json", "pipe.json", "x.json", "zero.json"]
    odd = {why.partition(";")[0] for file, _, why in said if "pipe" in file or "zero" in file}
    assert odd == {"not a regular file"}


def test_a_host_is_named_in_ascii_digits(tmp_path: Path) -> None:
    told = tuned("elsewhere", 10_000, 12_000, 1)
    told["machine"] |= {"hostname": "client-\u00b2", "addresses": []}
    code, out, err = run(topology(tmp_path), "--reports", fleet(tmp_path, x=told), "--format", "json")
    assert code == 1 and not err and "its role (elsewhere) is that of no tier" in out


def test_a_recorded_host_stands_for_its_tier(tmp_path: Path) -> None:
    (tmp_path / "lb.json").write_bytes((HOSTS / "debian12-service-1024.json").read_bytes())
    text = SMALL.replace("ports = [1883]\n\n[tier.broker]", 'ports = [1883]\nsnapshots = ["lb.json"]\n\n[tier.broker]')
    code, out, _ = run(topology(tmp_path, text), "--format", "json")
    told = json.loads(out)
    (lb,) = (t for t in told["tiers"] if t["tier"]["name"] == "lb")
    bounds = {b["id"]: b for b in lb["bounds"]}
    assert code == 1 and not told["carried"]
    # nofile is the recording's, the ports are those of the topology
    assert bounds["nofile"]["hard"] == (1024 - 200) // 2 and "ports:broker" in bounds
