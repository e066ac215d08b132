"""HAProxy stops where hosttune says, and logs what the table says: source ports in both modes, and descriptors."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from hosttune.capacity.logs import appears
from tests.programs import stage

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
    assert "nothing is logged" in bound["fails"] and bool(bound["log"]) == (not given)
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
