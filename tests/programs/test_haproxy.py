"""HAProxy stops where hosttune says, and logs what the table says: source ports in both modes, and descriptors."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hosttune.capacity.logs import appears
from hosttune.host.live import LiveHost
from hosttune.programs.given import Given
from hosttune.programs.shelves import haproxy
from tests.programs import stage
from tests.programs.shelves.haproxy.given import CASES, text_of

pytestmark = pytest.mark.slow

CONFIG = """
global
    log stdout format raw local0
    nbthread 2
    {more}
defaults
    mode tcp
    log global
    option tcplog
    retries 1
    timeout connect 200ms
    timeout client 60s
    timeout server 60s
frontend in
    bind {frontend}:8000
    default_backend brokers
backend brokers
    {backend}
"""
SERVER = f"server one {stage.BACKEND}:{stage.BACKEND_PORT}"
LOW, HIGH = 40000, 40059  # the range of `source ADDRESS:LO-HI`; it has nothing to do with that of the kernel


def configure(backend: str, more: str = "") -> str:
    path = stage.WORK / "haproxy.cfg"
    path.write_text(CONFIG.format(frontend=stage.FRONTEND, backend=backend, more=more))
    return str(path)


def start(config: str, nofile: int | None = None) -> subprocess.Popen[bytes]:
    process = stage.start("haproxy", "haproxy", "-db", "-f", config, nofile=nofile)
    stage.wait_for_listener()
    return process


def said() -> str:
    return stage.log_of("haproxy")


def play(function: str, *args: str) -> None:
    stage.need("haproxy")
    stage.play(__file__, function, *args)


def on_source_alone(source: str) -> None:
    """Reserved ports, and one that a listener on another address holds, are not to be had."""
    stage.setting("net/ipv4/ip_local_reserved_ports", "20100-20109")
    keep = [stage.listen(), stage.listen(stage.SECOND_SOURCE, 20150)]
    config = configure(f"{source}\n    {SERVER}", "maxconn 1000")
    start(config)
    bound = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]
    predicted = bound["hard"]
    assert stage.fill(predicted, stage.established) == predicted == stage.HIGH - stage.LOW + 1 - 10 - 1
    stage.logged(said, bound)
    # "SC" is its word for: the server's side, while connecting
    stage.wait_for("SC in the log", lambda: appears(f"brokers/one … SC …/{predicted}/{predicted}/", said()), 5)
    assert keep


@pytest.mark.parametrize("source", [f"source {stage.SOURCE}", ""])
def test_source_or_none_stops_at_the_range(source: str) -> None:
    play("on_source_alone", source)


def on_ranges() -> None:
    """Each server line has a ring of its own, so two of them on the same ports carry twice as many."""
    keep = [stage.listen(), stage.listen(port=1884)]
    source = f"source {stage.SOURCE}:{LOW}-{HIGH}"
    config = configure(f"{SERVER} {source}\n    server two {stage.BACKEND}:1884 {source}", "maxconn 1000")
    start(config)
    bound = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]
    predicted = bound["hard"]
    carried = stage.fill(predicted, lambda: stage.established() + stage.established(port=1884))
    assert carried == predicted == 2 * (HIGH - LOW + 1)
    stage.logged(said, bound)
    assert keep


def test_source_with_ports_stops_at_those_of_each_server() -> None:
    play("on_ranges")


def on_default_server() -> None:
    """The copy of a ring takes its spare slot for a port: one more than the range that is written."""
    keep = stage.listen()
    config = configure(f"default-server source {stage.SOURCE}:{LOW}-{HIGH}\n    {SERVER}", "maxconn 1000")
    start(config)
    bound = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]
    predicted = bound["hard"]
    assert stage.fill(predicted, stage.established) == predicted == HIGH - LOW + 2
    assert keep


def test_a_range_of_default_server_is_one_port_longer() -> None:
    play("on_default_server")


def on_any_address() -> None:
    """Without an address it does not bind at all: a range that is wider than the kernel's gives nothing more."""
    keep = stage.listen()
    config = configure(f"{SERVER} source *:{LOW}-{LOW + 299}", "maxconn 1000")
    start(config)
    bound = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]
    predicted = bound["hard"]
    assert stage.fill(predicted, stage.established) == predicted == stage.HIGH - stage.LOW + 1
    stage.logged(said, bound)
    assert keep


def test_a_range_without_an_address_leaves_the_port_to_the_kernel() -> None:
    play("on_any_address")


def on_backend_source() -> None:
    config = configure(f"source {stage.SOURCE}:{LOW}-{HIGH}\n    {SERVER}")
    refused = subprocess.run(["haproxy", "-c", "-f", config], capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "port range not permitted here" in refused.stderr
    done = stage.capacity("--role", "lb", "--backends-from", config)
    line = next(n for n, text in enumerate(CONFIG.split("\n"), 1) if "{backend}" in text)
    assert done.returncode == 2 and f"{config}:{line}: " in done.stderr


def test_a_range_that_haproxy_refuses_is_refused() -> None:
    play("on_backend_source")


def carries(process: subprocess.Popen[bytes], predicted: int) -> None:
    """Hold that it carries as many as predicted; what it opens for them is two descriptors each."""
    own, opened = stage.own_descriptors(process.pid), []

    def carried() -> int:
        opened.append(stage.descriptors(process.pid))
        return stage.established()

    assert stage.fill(predicted, carried) == predicted
    assert opened[-1] - own == 2 * predicted


def on_nofile(nofile: str, named: str) -> None:
    """Without a maxconn it reckons one, and says nothing when that many are open: by its process or its file."""
    stage.setting("net/ipv4/ip_local_port_range", "20000 29999")
    keep = stage.listen()
    config = configure(SERVER)
    process = start(config, int(nofile))
    given = ["--backends-from", config] if named == "config" else []
    bound = stage.ask("--role", "lb", "--pid", str(process.pid), *given)["nofile"]
    # a process that is named alone shows the file that it was started with
    assert "nothing is logged" in bound["fails"] and not bound["log"]
    carries(process, bound["hard"])
    assert said() == ""
    assert keep


@pytest.mark.parametrize(("nofile", "named"), [("310", "process"), ("321", "process"), ("323", "config")])
def test_its_own_maxconn_stops_it_at_two_a_connection(nofile: str, named: str) -> None:
    play("on_nofile", nofile, named)


BESIDE = f"""option splice-auto
    default-server check inter 1h
    {SERVER}
    server two {stage.BACKEND}:1 no-check agent-check agent-port 9
    server-template t 3 {stage.BACKEND}:1
listen other
    bind {stage.FRONTEND}:8010-8012,{stage.FRONTEND}:8020
    server three {stage.BACKEND}:1
"""


def on_beside(nofile: str) -> None:
    """Listeners, stats sockets, checks and the pipes of one that splices take from its own maxconn.

    That is also the backlog of its listeners, by default: so it is seen without a connection.
    """
    config = configure(BESIDE, "stats socket /run/stage/stats.sock\n    fd-hard-limit 319")
    process = start(config, int(nofile))
    bound = stage.ask("--role", "lb", "--pid", str(process.pid), "--backends-from", config)["nofile"]
    (listener,) = stage.ss("-l", "src", f"{stage.FRONTEND}:8000")
    assert bound["hard"] == int(listener.split()[2])


@pytest.mark.parametrize("nofile", ["311", "312", "313", "314", "315", "400"])
def test_what_it_counts_beside_connections(nofile: str) -> None:
    play("on_beside", nofile)


def on_no_strict_limits() -> None:
    """A maxconn beyond nofile is met at the last descriptor; asked again when it is full, the answer is the same."""
    stage.setting("net/ipv4/ip_local_port_range", "20000 29999")
    keep = stage.listen()
    config = configure(SERVER, "maxconn 1000\n    no strict-limits")
    process = start(config, 310)
    asked = ["--role", "lb", "--pid", str(process.pid), "--backends-from", config]
    bounds = stage.ask(*asked)
    carries(process, bounds["nofile"]["hard"])
    stage.logged(said, bounds["nofile"])
    assert bounds["maxconn"]["hard"] == 1000
    assert keep


def test_descriptors_stop_it_where_maxconn_is_beyond_them() -> None:
    play("on_no_strict_limits")


def on_maxconn() -> None:
    stage.setting("net/ipv4/ip_local_port_range", "20000 29999")
    keep = stage.listen()
    config = configure(SERVER, "maxconn 60")
    process = start(config, 310)
    first = min(stage.ask("--role", "lb", "--pid", str(process.pid), "--backends-from", config).values(), key=_hard)
    assert (first["id"], first["hard"]) == ("maxconn", 60)
    carries(process, first["hard"])
    assert said() == "" and keep


def _hard(bound: dict[str, Any]) -> float:
    counted = bound["unit"] == "connections" and isinstance(bound["hard"], int)
    return bound["hard"] if counted else float("inf")


def test_a_maxconn_is_a_bound_of_its_own() -> None:
    play("on_maxconn")


def on_strict_limits() -> None:
    """Asked of a process whose limits it would inherit: it does not start with so few, and does with what is named."""
    config = configure(SERVER, "maxconn 1000")
    parent = stage.start("parent", "sleep", "60", nofile=310)
    asked = ["--role", "lb", "--connections", "1000", "--pid", str(parent.pid), "--backends-from", config]
    bound = stage.wait_for("its limit", lambda: (b := stage.ask(*asked)["nofile"])["hard"] == 0 and b)
    (need,) = bound["remedies"]
    for nofile, starts in ((310, False), (need["value"] - 1, False), (need["value"], True)):
        log = f"at{nofile}"
        process = stage.start(log, "haproxy", "-db", "-f", config, nofile=nofile)
        if starts:
            stage.wait_for_listener()
        else:
            assert process.wait(10) != 0
            stage.logged(lambda log=log: stage.log_of(log), bound)


def test_a_maxconn_beyond_nofile_is_refused_at_the_start() -> None:
    play("on_strict_limits")


def answer(path: str, question: str) -> list[list[str]]:
    """Return what an admin socket answers, as rows of words."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(path)
        admin.sendall(f"{question}\n".encode())
        text = b""
        while part := admin.recv(65536):
            text += part
    return [line.split() for line in text.decode().splitlines() if line and not line.startswith("#")]


def on_each_case() -> None:
    """HAProxy has the servers that are read of a section, with addresses and ports; 0 is a port of the client's."""
    admin = stage.WORK / "admin"
    own = stage.WORK / "own.cfg"
    own.write_text(f"global\n stats socket {admin}\n stats timeout 5s\n")
    for number, case in enumerate(CASES):
        if not case.get("live", True) or case.get("newer") or "error" in case:
            continue
        config = stage.WORK / f"{number}.cfg"
        config.write_text(text_of(case))
        os.environ.update(case.get("environment", {}))
        process = stage.start(f"haproxy{number}", "haproxy", "-db", "-f", str(own), "-f", str(config))
        stage.wait_for(f"{case['name']}: its socket", admin.exists, 5)
        rows = [row for row in answer(str(admin), "show servers state") if len(row) > 18]
        process.terminate()
        process.wait(5)
        admin.unlink(missing_ok=True)
        found = haproxy.read(Given(LiveHost(), (str(config),), case.get("environment", {})))
        for section in found.sections:
            if case.get("elsewhere"):
                continue
            name = section.name.split()[1]
            has = {(row[3], row[4], int(row[18])) for row in rows if row[1] == name}
            reads = [server for server in (*section.servers, *section.idle)]
            for server in reads:
                goal = server.backend
                (there,) = [row for row in has if row[0] == server.name]
                assert there[1] in (goal.address, "0.0.0.0"), (case["name"], there, goal)
                relative = not goal.name.rpartition(":")[2].isdecimal()
                assert relative or there[2] == goal.port, (case["name"], there, goal)
            told = {text.split(": ")[0].rpartition(":")[2] for text in (*section.unknown, *found.notes)}
            unread = {row[0] for row in has} - {server.name for server in reads}
            lines = config.read_text().split("\n")
            assert unread <= {lines[int(line) - 1].split()[1] for line in told if line.isdecimal()}, case["name"]


def test_it_has_the_servers_that_are_read() -> None:
    play("on_each_case")


SOURCE = f"source {stage.SOURCE}"
TWO = "server one {0}:1883 {1}\n    server two {0}:1884 {2}"


def two(first: str = "", second: str = "") -> str:
    return TWO.format(stage.BACKEND, first, second)


# what a backend says, what is beside it, and how many connections are carried; 200 ports to each
CARRIED: dict[str, tuple[str, str, int]] = {
    "a backup": (two(second="backup"), "", 200),
    "a disabled server": (two(second="disabled"), "", 200),
    "a weight of 0": (two(second="weight 0"), "", 200),
    "backups alone": (two("backup", "backup"), "", 200),
    "backups alone, all of them": (f"option allbackups\n    {two('backup', 'backup')}", "", 400),
    "weights": (two("weight 3"), "", 266),
    "maxconn of servers": (two("maxconn 40", "maxconn 30"), "", 70),
    "maxconn of one server": (two("maxconn 40"), "", 240),
    "maxconn by default-server": (f"default-server maxconn 25\n    {two()}", "", 50),
    "minconn below fullconn": (f"fullconn 1000\n    {two('maxconn 40 minconn 10', 'maxconn 40 minconn 10')}", "", 20),
    "minconn at fullconn": (f"fullconn 50\n    {two('maxconn 40 minconn 10', 'maxconn 40 minconn 10')}", "", 80),
    "one after the other": (f"balance first\n    {two('maxconn 40')}", "", 240),
    "maxconn of all": (two(), "global\n    maxconn 50", 50),
    "maxconn of defaults for others": (two(), "defaults\n    maxconn 50", 400),
    "a backend that nothing leads to": (SERVER, f"backend other\n    server one {stage.BACKEND}:1884", 200),
    "a ring": (SERVER, f"ring logs\n    format rfc5424\n    size 32768\n    server one {stage.BACKEND}:1", 200),
    "conditions": (f".if defined(X)\n    {SERVER}\n.else\n    server two {stage.BACKEND}:1884\n.endif", "", 200),
    "a variable": (f'server one "${{BROKER}}:{stage.BACKEND_PORT}"', "", 200),
    "a relative port": (f"server one {stage.BACKEND}:-6117", "", 200),
    "ranges of ports, no retry elsewhere": (two(f"{SOURCE}:40000-40019", f"{SOURCE}:40000-40059"), "", 40),
    "ranges of ports, a retry elsewhere": (
        f"option redispatch\n    {two(f'{SOURCE}:40000-40019', f'{SOURCE}:40000-40059')}",
        "",
        80,
    ),
    "a range without an address": (f"{SERVER} source *:40000-40049", "", 50),
    "one port": (f"{SERVER} {SOURCE}:40000", "", 1),
    "an address of its own": (f"source 0.0.0.0 usesrc {stage.SECOND_SOURCE}\n    {SERVER}", "", 200),
    "a template": (f"server-template t 3 {stage.BACKEND}:{stage.BACKEND_PORT}", "", 200),
}


def on_carried(name: str) -> None:
    backend, beside, carries_ = CARRIED[name]
    keep = [stage.listen(), stage.listen(port=1884)]
    config = configure(backend, f"presetenv BROKER {stage.BACKEND}")
    with Path(config).open("a") as file:
        file.write(f"\n{beside}\n")
    start(config)
    bounds = stage.ask("--role", "lb", "--backends-from", config).values()
    predicted = int(min(map(_hard, bounds)))
    # one more alone: those after it may go to a server that has room
    both = predicted, stage.fill(predicted, lambda: stage.established() + stage.established(port=1884), extra=1)
    assert both == (carries_, carries_)
    assert keep


@pytest.mark.parametrize("name", CARRIED)
def test_the_first_bound_is_where_it_stops(name: str) -> None:
    play("on_carried", name)
