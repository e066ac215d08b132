"""The first bound that is predicted of a configuration is what its program carries, to the last connection.

The configurations are files, each with what is known of it in its header (see `scene`). Each is played on a stage of
its own, a few at a time: what takes the time is waiting.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hosttune.capacity.logs import OR, appears
from tests.netns.sandbox import ROOT
from tests.programs import stage
from tests.programs.measured import crowd, placing, scene

pytestmark = pytest.mark.slow

AT_ONCE = 4
PORTS = 60
_NEEDS = {
    "haproxy": ["haproxy"],
    "nginx": ["nginx", "/usr/lib/nginx/modules/ngx_stream_module.so"],
    "mosquitto": ["mosquitto"],
    "tsung": ["tsung", "erl"],
}
_COMMANDS = {
    "haproxy": ["haproxy", "-db"],
    "nginx": ["nginx", "-p", str(stage.WORK), "-g", "daemon off;"],
    "mosquitto": ["mosquitto"],
}
_TSUNG = ["env", "ERL_FLAGS=-tsung_controller dumpstats_interval 500", "tsung", "-l", str(stage.WORK / "tsung")]
_TSUNG += ["-I", stage.FRONTEND, "-w", "1"]
_OPTIONS = {"haproxy": "-f", "nginx": "-c", "mosquitto": "-c"}
_ROLES = {"haproxy": "lb", "nginx": "lb", "mosquitto": "broker", "tsung": "client"}


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[str]]]:
    """Begin to play each scene that was selected; its future has what went wrong."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = [one.callspec.params["name"] for one in request.session.items if _of_here(one)]
        yield {name: pool.submit(_play, name) for name in names}


def _of_here(item: pytest.Item) -> bool:
    return item.path == Path(__file__) and hasattr(item, "callspec")


def _play(name: str) -> str:
    try:
        stage.play(__file__, "measure", name)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", [one.name for one in scene.every()])
def test_predicted_is_measured(name: str, request: pytest.FixtureRequest) -> None:
    stage.need(*_NEEDS[name.partition("/")[0]])
    wrong = request.getfixturevalue("played")[name].result()
    assert not wrong, wrong


def test_there_are_enough() -> None:
    assert len(scene.every()) >= 60


@dataclass(frozen=True)
class Measured:
    """What a program has carried: `met` when the first client failed, None where nobody looked; `whole` in the end."""

    met: int | None
    whole: int
    spread: dict[str, int]


def measure(name: str) -> None:
    """Hold the prediction against the program, on a stage."""
    of = scene.of(name)
    stage.setting("net/ipv4/ip_local_port_range", f"{stage.LOW} {stage.LOW + PORTS - 1}")
    files = placing.place(of)
    backends = crowd.Backends([] if of.program == "mosquitto" else of.words("ports", "9001"))
    predicted = {} if "{pid}" in of.words("ask") else _predicted(of, files, 0)
    process = _start(of, files)
    predicted = predicted or _predicted(of, files, process.pid)
    _compare(of, predicted, _measured(of, backends))
    _announced(of, _held(of, predicted))


def _held(of: scene.Scene, predicted: dict[str, Any]) -> dict[str, Any]:
    """Return the bound that the scene is about."""
    bounds = {bound["id"]: bound for bound in reversed(predicted["bounds"])}
    held: dict[str, Any] = bounds.get(
        of.words("bound", predicted["bounds"][0]["id"])[0], {"id": "none", "hard": bounds}
    )
    return {"kind": "", **held}


def _measured(of: scene.Scene, backends: crowd.Backends) -> Measured:
    if of.program == "tsung":
        # it is the clients itself
        stage.wait_for("a first user", lambda: backends.carried)
        return Measured(None, stage.settled(lambda: backends.carried, 3), {})
    if of.program == "mosquitto":
        clients = crowd.Clients(of.enters, lambda: clients.welcomed, "mqtt")
    else:
        clients = crowd.Clients(of.enters, lambda: backends.carried, "http" if "speak" in of.keys else "")
    stops, offer = of.number("stops"), of.number("offer") or 60
    met = clients.until_one_fails(stops + offer) if stops is not None else None
    carries = of.number("carries")
    whole = clients.more(offer if stops is not None else (carries or 0) + offer, carries or 0)
    return Measured(met, whole, dict(sorted(backends.by_port.items())))


def _compare(of: scene.Scene, predicted: dict[str, Any], measured: Measured) -> None:
    """Hold the header against the program first, then the prediction against both."""
    stops, carries = of.number("stops"), of.number("carries")
    wanted, other = (stops, carries if carries is not None else stops) if stops is not None else (carries, carries)
    assert of.words("carries") == ["any"] or measured.whole == other, f"the header of {of.name} is wrong: {measured}"
    assert stops is None or measured.met == stops, f"the header of {of.name} is wrong: {measured}"
    assert not predicted["wrong"], f"{of.name}: {measured.met or measured.whole} measured, {predicted['wrong']}"
    first = _held(of, predicted)
    shown = f"{of.name}: {first['id']} {first['hard']} predicted; {measured}; {predicted['notes']}"
    assert (first["hard"], first["kind"]) == (wanted, of.words("first", "ports")[0]), shown
    if stops is not None and carries is not None:
        assert {bound["id"]: bound["hard"] for bound in predicted["bounds"]}["ports:all"] == carries, shown


def _predicted(of: scene.Scene, files: list[str], pid: int) -> dict[str, Any]:
    given = [word for file in files for word in ("--backends-from", file)]
    asked = [word.format(pid=pid) for word in of.words("ask")]
    # what a person exports for hosttune is not what the program finds
    clean = {name: value for name, value in os.environ.items() if name not in placing.environment(of)}
    command = [sys.executable, "-m", "hosttune", "capacity", "--format", "json", "--role", _ROLES[of.program]]
    done = subprocess.run([*command, *given, *asked], capture_output=True, text=True, check=False, cwd=ROOT, env=clean)
    if done.returncode not in (0, 1):
        return {"bounds": [], "notes": [], "wrong": done.stderr.strip()}
    report: dict[str, Any] = json.loads(done.stdout)
    return {"bounds": report["bounds"], "notes": report.get("notes"), "wrong": ""}


def _start(of: scene.Scene, files: list[str]) -> subprocess.Popen[bytes]:
    if of.program == "tsung":
        return stage.start("tsung", *_TSUNG, "-f", files[0], "start")
    given = [word for file in files for word in (_OPTIONS[of.program], file)]
    others = {port: len(_listeners(port)) for _, port in of.enters}
    process = stage.start(of.program, *_COMMANDS[of.program], *given)
    listens = "listeners where clients enter"
    stage.wait_for(listens, lambda: process.poll() or all(len(_listeners(port)) > others[port] for port in others))
    assert process.poll() is None, "it does not start"
    time.sleep(float(of.words("wait", "0")[0]))
    return process


def _listeners(port: int) -> list[str]:
    return stage.ss("state", "listening", "sport", f"= :{port}")


def _announced(of: scene.Scene, bound: dict[str, Any]) -> None:
    """Hold that the line which is announced for the bound stands in the program's log."""
    if not bound["log"] or "silent" in of.keys:
        return
    lines = bound["log"].split(OR)

    def said() -> str:
        """Return what it has printed, or written to files of its own."""
        return "".join(path.read_text(errors="replace") for path in stage.WORK.rglob("*.log"))

    stage.wait_for(f"one of {lines} in the log", lambda: any(appears(line, said()) for line in lines), 5)
