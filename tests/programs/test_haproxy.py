"""HAProxy stops where hosttune says, and logs what the table says: source ports in both modes, and descriptors."""

from __future__ import annotations

import subprocess

import pytest

from hosttune.capacity._logs import log_line, log_lines
from hosttune.model import BindMode
from tests.programs import stage

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
# src/haproxy.c, compute_ideal_maxconn(): ten that it keeps back, the listener, and for each of the two threads an epoll
# and the two ends of a pipe
KEPT_BACK = 10 + 1 + 3 * 2


def configure(backend: str, more: str = "") -> str:
    path = stage.WORK / "haproxy.cfg"
    path.write_text(CONFIG.format(frontend=stage.FRONTEND, backend=backend, more=more))
    return str(path)


def start(config: str, nofile: int | None = None) -> subprocess.Popen[bytes]:
    process = stage.start("haproxy", "haproxy", "-db", "-f", config, nofile=nofile)
    stage.wait_for_listener()
    return process


def play(function: str, *args: str) -> None:
    stage.need("haproxy")
    stage.play(__file__, function, *args)


def on_source_alone(source: str) -> None:
    """Reserved ports, and one that a listener on another address holds, are not to be had."""
    stage.setting("net/ipv4/ip_local_reserved_ports", "20100-20109")
    keep = [stage.listen(), stage.listen(stage.SECOND_SOURCE, 20150)]
    config = configure(f"{source}\n    {SERVER}", "maxconn 1000")
    start(config)
    predicted = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]["hard"]
    assert stage.fill(predicted, stage.established) == predicted == stage.HIGH - stage.LOW + 1 - 10 - 1
    stage.logged("haproxy", log_line("haproxy", "ports:all", BindMode.NO_PORT))
    # "SC" is its word for: the server's side, while connecting
    stage.logged("haproxy", f"brokers/one … SC …/{predicted}/{predicted}/")
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
    predicted = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]["hard"]
    carried = stage.fill(predicted, lambda: stage.established() + stage.established(port=1884))
    assert carried == predicted == 2 * (HIGH - LOW + 1)
    stage.logged("haproxy", log_line("haproxy", "ports:all", BindMode.EXPLICIT))
    assert keep


def test_source_with_ports_stops_at_those_of_each_server() -> None:
    play("on_ranges")


def on_default_server() -> None:
    """The copy of a ring takes its spare slot for a port: one more than the range that is written."""
    keep = stage.listen()
    config = configure(f"default-server source {stage.SOURCE}:{LOW}-{HIGH}\n    {SERVER}", "maxconn 1000")
    start(config)
    predicted = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]["hard"]
    assert stage.fill(predicted, stage.established) == predicted == HIGH - LOW + 2
    assert keep


def test_a_range_of_default_server_is_one_port_longer() -> None:
    play("on_default_server")


def on_any_address() -> None:
    """Without an address it does not bind at all: a range that is wider than the kernel's gives nothing more."""
    keep = stage.listen()
    config = configure(f"{SERVER} source *:{LOW}-{LOW + 299}", "maxconn 1000")
    start(config)
    predicted = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]["hard"]
    assert stage.fill(predicted, stage.established) == predicted == stage.HIGH - stage.LOW + 1
    stage.logged("haproxy", log_line("haproxy", "ports:all", BindMode.NO_PORT))
    assert keep


def test_a_range_without_an_address_leaves_the_port_to_the_kernel() -> None:
    play("on_any_address")


def on_backend_source() -> None:
    config = configure(f"source {stage.SOURCE}:{LOW}-{HIGH}\n    {SERVER}")
    refused = subprocess.run(["haproxy", "-c", "-f", config], capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "port range not permitted here" in refused.stderr
    done = stage.check("--role", "lb", "--backends-from", config)
    line = next(n for n, text in enumerate(CONFIG.split("\n"), 1) if "{backend}" in text)
    assert done.returncode == 2 and f"{config}:{line}: " in done.stderr


def test_a_range_that_haproxy_refuses_is_refused() -> None:
    play("on_backend_source")


def on_nofile(nofile: str, maxconn: str) -> None:
    """Two descriptors a connection; which message comes, or none, is a matter of maxconn."""
    stage.setting("net/ipv4/ip_local_port_range", "20000 29999")
    keep = stage.listen()
    more = f"maxconn {maxconn}\n    no strict-limits" if maxconn else ""
    config = configure(SERVER, more)
    process = start(config, int(nofile))
    own = stage.own_descriptors(process.pid)
    profile = stage.measured("lb", own if maxconn else KEPT_BACK)
    predicted = stage.ask("--profile", profile, "--pid", str(process.pid))["nofile"]["hard"]
    opened = []

    def carried() -> int:
        opened.append(stage.descriptors(process.pid))
        return stage.established()

    assert stage.fill(predicted, carried) == predicted
    assert opened[-1] - own == 2 * predicted
    _, later = log_lines("haproxy", "nofile", BindMode.NO_PORT)
    if maxconn:
        stage.logged("haproxy", later)
    else:
        # at the maxconn that it has reckoned it stops to accept: the clients are connected and wait, nothing is said
        assert stage.log_of("haproxy") == ""
    assert keep


@pytest.mark.parametrize(("nofile", "maxconn"), [("310", "1000"), ("310", ""), ("321", "")])
def test_descriptors_stop_it_at_two_a_connection(nofile: str, maxconn: str) -> None:
    play("on_nofile", nofile, maxconn)


def on_strict_limits() -> None:
    config = configure(SERVER, "maxconn 1000")
    done = subprocess.run(
        ["prlimit", "--nofile=310:310", "haproxy", "-db", "-f", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    assert done.returncode != 0
    (stage.WORK / "refused.log").write_text(done.stderr)
    stage.logged("refused", log_lines("haproxy", "nofile", BindMode.NO_PORT)[0])


def test_a_maxconn_beyond_nofile_is_refused_at_the_start() -> None:
    play("on_strict_limits")
