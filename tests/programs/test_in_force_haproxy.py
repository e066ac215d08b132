"""What is set at HAProxy's admin socket is where it stops, and `check` says how that differs from the file."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.netns.sandbox import ROOT
from tests.programs import stage

pytestmark = pytest.mark.slow

CONFIG = """
global
    nbthread 2
    stats socket {socket} level admin
    maxconn {maxconn}
{chroot}
defaults
    mode tcp
    timeout connect 200ms
    timeout client 60s
    timeout server 60s
frontend in
    bind {frontend}:8000
    maxconn 800
    default_backend brokers
backend brokers
    server one {backend}:1883
    server two {backend}:1884
    server off {backend}:1885 disabled
"""
PORTS = (1883, 1884, 1885, 1886)
EACH = stage.HIGH - stage.LOW + 1
SOCKET = stage.WORK / "admin.sock"
FILE = stage.WORK / "haproxy.cfg"

CASES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "nothing": ((), 2 * EACH, ""),
    "maxconn": (("set maxconn global 50",), 50, "maxconn 50 in force (show info), 1,000 in {file}:5"),
    "frontend": (
        ("set maxconn frontend in 70",),
        70,
        "frontend in maxconn 70 in force (show stat), 800 in {file}:14",
    ),
    "maint": (
        ("set server brokers/one state maint",),
        EACH,
        "backend brokers/one state maint in force (show servers state), ready in {file}:17",
    ),
    "drain": (
        ("set server brokers/two state drain",),
        EACH,
        "backend brokers/two state drain in force (show servers state), ready in {file}:18",
    ),
    "weight": (
        ("set server brokers/two weight 0",),
        EACH,
        "backend brokers/two weight 0 in force (show servers state), 1 in {file}:18",
    ),
    "address": (
        (f"set server brokers/two addr {stage.BACKEND} port 1883",),
        EACH,
        f"backend brokers/two address {stage.BACKEND}:1883 in force (show servers state), "
        f"{stage.BACKEND}:1884 in {{file}}:18",
    ),
    "enabled": (
        ("set server brokers/off state ready",),
        3 * EACH,
        "backend brokers/off state ready in force (show servers state), gets nothing in {file}:19",
    ),
    "added": (
        (f"add server brokers/new {stage.BACKEND}:1886", "enable server brokers/new"),
        3 * EACH,
        f"backend brokers/new server {stage.BACKEND}:1886 in force (show servers state), none in {{file}}:16",
    ),
    "deleted": (
        ("set server brokers/two state maint", "del server brokers/two"),
        EACH,
        f"backend brokers/two server none in force (show servers state), {stage.BACKEND}:1884 in {{file}}:18",
    ),
    "queue": (
        ("set maxconn server brokers/one 30", "set maxconn server brokers/two 20"),
        50,
        "backend brokers/one maxconn 30 in force (show stat), none in {file}:17",
    ),
}


def tell(*commands: str) -> None:
    """Say something at the admin socket."""
    for command in commands:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(SOCKET))
            link.sendall(f"{command}\n".encode())
            while link.recv(4096):
                pass


def start(**values: Any) -> subprocess.Popen[bytes]:
    settings = {"maxconn": 1000, "chroot": "", **values}
    FILE.write_text(CONFIG.format(socket=SOCKET, frontend=stage.FRONTEND, backend=stage.BACKEND, **settings))
    process = stage.start("haproxy", "haproxy", "-db", "-f", str(FILE))
    stage.wait_for_listener()
    return process


def first(*options: str) -> dict[str, Any]:
    """Return the first bound: where it stops."""
    return next(iter(stage.ask("--role", "lb", "--backends-from", str(FILE), *options).values()))


def drift(*options: str) -> list[str]:
    """Return what `hosttune check` says is not in force."""
    given = ["--role", "lb", "--backends-from", str(FILE), "--format", "json", *options]
    command = [sys.executable, "-m", "hosttune", "check", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    found = [row for row in json.loads(done.stdout)["findings"] if row["id"].startswith("lint:not-in-force")]
    assert {row["verdict"] for row in found} <= {"DRIFT"}
    return [row["because"] for row in found]


def carried() -> int:
    return sum(stage.established(port=port) for port in PORTS)


def on_change(name: str) -> None:
    commands, expected, sentence = CASES[name]
    keep = [stage.listen(port=port) for port in PORTS]
    start()
    tell(*commands)
    assert first()["hard"] == expected
    assert [text for text in drift() if sentence] == drift()
    assert bool(drift()) == bool(sentence)
    assert not sentence or f"haproxy: {sentence.format(file=FILE)}" in drift(), drift()
    assert stage.fill(expected, carried) == expected
    used = first()["used"]
    assert used is not None
    assert keep


@pytest.mark.parametrize("name", CASES)
def test_what_is_set_at_the_socket_is_where_it_stops(name: str) -> None:
    stage.need("haproxy")
    stage.play(__file__, "on_change", name)


def on_rewritten() -> None:
    """A file that was written after the start is not in force; one that was not given to the process says nothing."""
    keep = [stage.listen(port=port) for port in PORTS]
    process = start(maxconn=60)
    FILE.write_text(FILE.read_text().replace("maxconn 60", "maxconn 90"))
    assert first("--pid", str(process.pid))["hard"] == 60
    (sentence,) = drift()
    assert sentence == f"haproxy: maxconn 60 in force (show info), 90 in {FILE}:5"
    new = FILE.with_name("new.cfg")
    new.write_text(FILE.read_text())
    assert next(iter(stage.ask("--role", "lb", "--backends-from", str(new)).values()))["hard"] == 90
    assert stage.fill(60, carried) == 60
    assert keep


def test_a_file_written_after_the_start_is_not_in_force() -> None:
    stage.need("haproxy")
    stage.play(__file__, "on_rewritten")


def on_chroot() -> None:
    """Its root is another directory since it has started: the socket lies where it was made."""
    keep = [stage.listen(port=port) for port in PORTS]
    (stage.WORK / "empty").mkdir()
    process = start(chroot=f"    chroot {stage.WORK}/empty")
    assert Path(f"/proc/{process.pid}/root").readlink() == stage.WORK / "empty"
    tell("set maxconn global 40")
    assert first()["hard"] == 40
    assert stage.fill(40, carried) == 40
    assert keep


def test_a_process_in_another_root_is_asked() -> None:
    stage.need("haproxy")
    stage.play(__file__, "on_chroot")


def on_master() -> None:
    """Without an admin socket its master is asked, for the worker that carries the connections."""
    keep = [stage.listen(port=port) for port in PORTS]
    text = CONFIG.format(socket=SOCKET, frontend=stage.FRONTEND, backend=stage.BACKEND, maxconn=70, chroot="")
    FILE.write_text("".join(line for line in text.splitlines(True) if "stats socket" not in line))
    master = stage.WORK / "master.sock"
    process = stage.start("haproxy", "haproxy", "-W", "-db", "-S", str(master), "-f", str(FILE))
    stage.wait_for_listener()
    with socket.socket(socket.AF_UNIX) as link:
        # its worker listens before the master, which starts again once that is forked, is at its own socket
        stage.wait_for("the master at its socket", lambda: link.connect_ex(str(master)) == 0)
        link.sendall(b"@1 set maxconn global 45\n")
        link.shutdown(socket.SHUT_WR)
        while link.recv(4096):
            pass
    for options in ((), ("--pid", str(process.pid))):
        assert first(*options)["hard"] == 45
    assert stage.fill(45, carried) == 45
    assert keep


def test_a_master_answers_for_its_worker() -> None:
    stage.need("haproxy")
    stage.play(__file__, "on_master")
