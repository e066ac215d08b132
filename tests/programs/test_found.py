"""With no option but the role, the first number is the one at which the program stops that runs here."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.netns.sandbox import ROOT
from tests.programs import stage, test_tsung

pytestmark = pytest.mark.slow

STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
DEFAULTS = """
defaults
    mode tcp
    timeout connect 200ms
    timeout client 60s
    timeout server 60s
"""
FRONTEND = f"""
frontend in
    bind {stage.FRONTEND}:8000
    default_backend brokers
backend brokers
    server one {stage.BACKEND}:{stage.BACKEND_PORT}
"""
PORTS = stage.HIGH - stage.LOW + 1
NGINX = """
load_module {module};
worker_processes 1;
pid nginx.pid;
error_log nginx.log;
events {{ worker_connections {connections}; }}
stream {{
    server {{ listen {address}:{port}; proxy_pass {backend}; }}
}}
"""


def play(function: str, *args: str, programs: tuple[str, ...] = ("haproxy",)) -> None:
    stage.need(*programs)
    stage.play(__file__, function, *args)


def check(*options: str, role: str = "lb") -> dict[str, Any]:
    """Return what `hosttune check --role lb` says, with no option that names a program."""
    command = [sys.executable, "-m", "hosttune", "check", "--role", role, "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def first_line(*options: str) -> str:
    """Return the first line below the head of the table."""
    command = [sys.executable, "-m", "hosttune", "check", "--role", "lb", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | WIDE)
    return next(line.strip() for line in done.stdout.splitlines()[1:])


WIDE = {"COLUMNS": "240"}


def haproxy(text: str = "", name: str = "haproxy.cfg") -> Path:
    path = stage.WORK / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text or DEFAULTS + FRONTEND)
    return path


def nginx(connections: int, address: str = stage.FRONTEND, port: int = 8000) -> Path:
    path = stage.WORK / "nginx.conf"
    backend = f"{stage.BACKEND}:{stage.BACKEND_PORT}"
    path.write_text(NGINX.format(module=STREAM, connections=connections, address=address, port=port, backend=backend))
    return path


def judged(report: dict[str, Any], program: str, *files: Path) -> int:
    """Return the first number, once the report is about that program and its files."""
    first = report["carriers"][0]
    assert (first["program"], first["files"]) == (program, [str(path) for path in files]), report["carriers"]
    assert report["idle"] == ""
    return int(first["connections"])


def on_haproxy(*words: str) -> None:
    path = haproxy()
    stage.start("haproxy", "haproxy", *words, str(path))
    stage.wait_for_listener()
    keep = stage.listen()
    predicted = judged(check(), "haproxy", path)
    assert first_line().startswith("haproxy (pid ")
    assert first_line().endswith(f"), {path}")
    assert stage.fill(predicted, stage.established) == predicted == PORTS
    assert keep


@pytest.mark.parametrize("words", [("-db", "-f"), ("-W", "-db", "-f"), ("-D", "-f"), ("-D", "-W", "-f")])
def test_haproxy_with_no_option(words: tuple[str, ...]) -> None:
    play("on_haproxy", *words)


def on_files(*words: str) -> None:
    """Several files, a directory and what stands behind --, from the working directory or that of -C."""
    haproxy(DEFAULTS, "parts/a.cfg")
    haproxy(FRONTEND, "parts/b.cfg")
    haproxy("backend spare\n    server two 10.9.9.9:1\n", "parts/c.cfg.off")
    stage.start("haproxy", "haproxy", "-db", *words)
    stage.wait_for_listener()
    keep = stage.listen()
    predicted = judged(check(), "haproxy", stage.WORK / "parts/a.cfg", stage.WORK / "parts/b.cfg")
    assert stage.fill(predicted, stage.established) == predicted == PORTS
    assert keep


@pytest.mark.parametrize(
    "words",
    [
        ("-f", "parts"),
        ("-f", "parts/a.cfg", "-f", "parts/b.cfg"),
        ("--", "parts/a.cfg", "parts/b.cfg"),
        ("-C", "parts", "-f", "a.cfg", "--", "b.cfg"),
        ("-C", f"{stage.WORK}/parts", "-f", f"{stage.WORK}/parts"),
    ],
    ids=" ".join,
)
def test_haproxy_with_several_files(words: tuple[str, ...]) -> None:
    play("on_files", *words)


def on_environment() -> None:
    """A variable that only the program's own environment has."""
    path = haproxy((DEFAULTS + FRONTEND).replace(stage.BACKEND, "${BROKER}"))
    os.environ["BROKER"] = stage.BACKEND
    stage.start("haproxy", "haproxy", "-db", "-f", "haproxy.cfg")
    del os.environ["BROKER"]
    stage.wait_for_listener()
    keep = stage.listen()
    predicted = judged(check(), "haproxy", path)
    assert stage.fill(predicted, stage.established) == predicted == PORTS
    assert keep


def test_haproxy_by_its_environment() -> None:
    play("on_environment")


def on_nginx(*words: str) -> None:
    path = nginx(64)
    stage.start("nginx", "nginx", *words)
    stage.wait_for_listener()
    keep = stage.listen()
    predicted = judged(check(), "nginx", path)
    assert stage.fill(predicted, stage.established) == predicted == 31
    assert keep


@pytest.mark.parametrize(
    "words",
    [
        ("-p", str(stage.WORK), "-c", f"{stage.WORK}/nginx.conf", "-g", "daemon off;"),
        ("-p", str(stage.WORK), "-c", "nginx.conf"),
        ("-p", ".", "-c", "nginx.conf", "-g", "daemon off; user root;"),
        ("-p", f"{stage.WORK}/", "-cnginx.conf", "-g", "user root;"),
    ],
    ids=" ".join,
)
def test_nginx_with_no_option(words: tuple[str, ...]) -> None:
    play("on_nginx", *words, programs=("nginx", STREAM))


def on_nobody() -> None:
    """An nginx that is not root's, seen by root and by its own user."""
    path = nginx(64)
    stage.WORK.chmod(0o777)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    stage.start("program", *user, "nginx", "-e", "nginx.log", "-p", str(stage.WORK), "-c", "nginx.conf")
    stage.wait_for_listener()
    keep = stage.listen()
    predicted = judged(check(), "nginx", path)
    assert stage.fill(predicted, stage.established) == predicted == 31
    assert keep


def test_nginx_of_another_user() -> None:
    play("on_nobody", programs=("nginx", STREAM, "setpriv"))


def on_both() -> None:
    """Two programs: each has its own number, and the command beside it gives that number."""
    path, other = haproxy(), nginx(64, port=8001)
    stage.start("haproxy", "haproxy", "-db", "-f", str(path))
    stage.start("nginx", "nginx", "-p", str(stage.WORK), "-c", str(other), "-g", "daemon off;")
    stage.wait_for_listener()
    stage.wait_for_listener(port=8001)
    report = check()
    assert {row["program"]: row["connections"] for row in report["carriers"]} == {"haproxy": PORTS, "nginx": 31}
    for row in report["carriers"]:
        alone = check("--pid", str(row["pid"]))
        assert alone["carriers"][0]["connections"] == row["connections"]
        assert row["command"] == f"hosttune check --role lb --pid {row['pid']}"


def test_both() -> None:
    play("on_both", programs=("haproxy", "nginx", STREAM))


def on_none() -> None:
    report = check()
    assert report["carriers"] == []
    # its name says what the first number is of
    assert (report["bounds"][0]["name"], report["bounds"][0]["hard"]) == ("source ports to one backend", PORTS)
    assert report["idle"] == "no envoy, haproxy or nginx runs here"
    assert first_line() == "no envoy, haproxy or nginx runs here"


def test_nothing_runs() -> None:
    play("on_none")


def on_elsewhere() -> None:
    """A program in a namespace of its own, of which the numbers are, and which the first line names."""
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    inside = ["ip", "netns", "exec", "blue"]
    subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
    for address in (stage.FRONTEND, stage.BACKEND):
        subprocess.run([*inside, "ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    subprocess.run([*inside, "sysctl", "-qw", "net.ipv4.ip_local_port_range=21000 21099"], check=True)
    path = haproxy()
    stage.start("haproxy", *inside, "haproxy", "-db", "-f", "haproxy.cfg")
    stage.wait_for(
        "a listener in the namespace",
        lambda: subprocess.run([*inside, "ss", "-tlnH"], capture_output=True, text=True, check=True).stdout,
    )
    report = check()
    assert judged(report, "haproxy", path) == 100
    assert report["carriers"][0]["network"] == "blue"
    assert first_line().endswith(f"), {path}, in network namespace blue")
    assert check("--netns", "blue")["carriers"][0]["connections"] == 100


def test_in_another_namespace() -> None:
    play("on_elsewhere", programs=("haproxy", "ip"))


CONTAINER = """
set -e
ip link set lo up
ip address add {frontend}/32 dev lo
ip address add {backend}/32 dev lo
mkdir root
mount --make-rprivate /
mount --rbind / root
mount -t tmpfs container root/etc/haproxy
cp {outer} root/etc/haproxy/own.cfg
ln -s /etc/haproxy/own.cfg root/etc/haproxy/haproxy.cfg
cd root
mkdir -p mnt/old
pivot_root . mnt/old
mount -t proc proc /proc
echo 22000 22049 >/proc/sys/net/ipv4/ip_local_port_range
cd /etc
umount -l /mnt/old
exec haproxy -W -db -f haproxy/haproxy.cfg
"""


def on_container() -> None:
    """A program with files, processes and a network of its own; its link leads to a file that it alone sees."""
    outer = haproxy()
    script = CONTAINER.format(frontend=stage.FRONTEND, backend=stage.BACKEND, outer=outer)
    subprocess.run(["mount", "-t", "tmpfs", "mnt", "/mnt"], check=True)
    stage.start("container", "unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", script)
    time.sleep(1.5)
    report = check()
    assert judged(report, "haproxy", Path("/etc/haproxy/haproxy.cfg")) == 50
    assert report["carriers"][0]["network"].startswith("net:[")


def test_in_a_container() -> None:
    play("on_container", programs=("haproxy", "ip", "pivot_root"))


def on_jail() -> None:
    """A program that was started below another root, and one that goes there once it has read its files."""
    subprocess.run(["mount", "-t", "tmpfs", "mnt", "/mnt"], check=True)
    jail = Path("/mnt/jail")  # not where the logs are sought
    jail.mkdir()
    subprocess.run(["mount", "--rbind", "/", str(jail)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "jail", str(jail / "etc/haproxy")], check=True)
    (jail / "etc/haproxy/own.cfg").write_text(DEFAULTS + FRONTEND)
    process = stage.start("jailed", "chroot", str(jail), "haproxy", "-db", "-f", "/etc/haproxy/own.cfg")
    stage.wait_for_listener()
    assert judged(check(), "haproxy", Path("/etc/haproxy/own.cfg")) == PORTS
    process.terminate()
    process.wait()
    (stage.WORK / "empty").mkdir()
    path = haproxy(f"global\n    chroot {stage.WORK}/empty\n{DEFAULTS}{FRONTEND}")
    stage.start("haproxy", "haproxy", "-db", "-f", str(path))
    stage.wait_for_listener()
    assert judged(check(), "haproxy", path) == PORTS


def test_below_another_root() -> None:
    play("on_jail", programs=("haproxy", "chroot"))


def on_snapshot() -> None:
    """A recording replays to the same first number, and has nothing of what is secret."""
    path = haproxy(f"userlist u\n    user admin insecure-password hunter2\n{DEFAULTS}{FRONTEND}")
    stage.start("haproxy", "haproxy", "-db", "-f", "haproxy.cfg")
    stage.wait_for_listener()
    kept = stage.WORK / "snapshot.json"
    subprocess.run([sys.executable, "-m", "hosttune", "snapshot", "-o", str(kept)], check=True, cwd=ROOT)
    assert "hunter2" not in kept.read_text()
    live, replayed = check(), check("--snapshot", str(kept))
    assert judged(replayed, "haproxy", path) == judged(live, "haproxy", path) == PORTS


def test_a_snapshot_has_it_too() -> None:
    play("on_snapshot")


def on_unprivileged() -> None:
    """Who is not root sees the command line alone: what is missing is said, and nothing is made up."""
    path = haproxy()
    path.chmod(0o600)
    stage.start("haproxy", "haproxy", "-db", "-f", str(path))
    stage.wait_for_listener()
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    command = [*user, sys.executable, "-m", "hosttune", "check", "--role", "lb", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    report = json.loads(done.stdout)
    (bound,) = [bound for bound in report["bounds"] if bound["kind"] == "configuration"]
    assert "Permission denied" in bound["hard"]["detail"]
    assert any("the configuration of haproxy" in text for text in report["missing"])


def test_without_root() -> None:
    needs.need("root")
    play("on_unprivileged", programs=("haproxy", "setpriv"))


def on_mosquitto() -> None:
    path = stage.WORK / "mosquitto.conf"
    path.write_text(f"listener 8000 {stage.FRONTEND}\nmax_connections 40\nallow_anonymous true\n")
    stage.start("mosquitto", "mosquitto", "-c", "mosquitto.conf", nofile=4096)
    stage.wait_for_listener()
    assert judged(check(role="broker"), "mosquitto", path) == 40
    assert check()["carriers"] == []  # it is no load balancer


def test_a_broker() -> None:
    play("on_mosquitto", programs=("mosquitto",))


def on_diagnosis() -> None:
    """A diagnosis of the role names the bound of the program that runs."""
    haproxy()
    stage.start("haproxy", "haproxy", "-db", "-f", "haproxy.cfg")
    stage.wait_for_listener()
    keep = stage.listen()
    crowd: list[socket.socket] = []
    stage.join(crowd, PORTS + 20)
    stage.settled(stage.established)
    command = [sys.executable, "-m", "hosttune", "diagnose", "--role", "lb", "--errno", "EADDRNOTAVAIL"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{stage.BACKEND}:{stage.BACKEND_PORT}" in done.stdout
    assert keep


def test_a_diagnosis() -> None:
    play("on_diagnosis")


def on_tsung(node: str) -> None:
    """A load generator listens nowhere; of its two processes one controls, and has the file on its command line."""
    keep = [stage.listen(), stage.listen(port=1884)]
    test_tsung.start(stage.SOURCE, warm=8, node=bool(node))  # no user comes before the check is made
    report = check(role="client")
    predicted = judged(report, "tsung", stage.WORK / "tsung.xml")
    stage.wait_for(f"the {predicted} predicted", lambda: test_tsung.carried() >= predicted)
    assert stage.settled(test_tsung.carried, 1.0) == predicted
    assert keep


@pytest.mark.parametrize("node", ["", "node"])
def test_a_load_generator(node: str) -> None:
    play("on_tsung", node, programs=("tsung",))
