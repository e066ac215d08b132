"""nginx stops where hosttune says, and logs what the table says: with proxy_bind or without, and at its descriptors."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from hosttune.capacity.logs import OR, appears
from tests.programs import stage

pytestmark = pytest.mark.slow

STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
CONFIG = """
load_module {module};
daemon off;
master_process {master};
worker_processes {workers};
user root;
pid {work}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
stream {{
    upstream brokers {{ server {backend}; }}
    server {{
        listen {frontend}:8000;
        {bind}
        proxy_pass brokers;
    }}
}}
"""


def play(function: str, *args: str) -> None:
    stage.need("nginx", str(STREAM))
    stage.play(__file__, function, *args)


def start(bind: str = "", nofile: int | None = None, workers: int = 0) -> tuple[str, int]:
    """Start it with a proxy of one backend; return the path of its configuration and the pid of a worker.

    Without a number of workers the one process is master and worker.
    """
    path = stage.WORK / "nginx.conf"
    backend = f"{stage.BACKEND}:{stage.BACKEND_PORT}"
    values = {"master": "on" if workers else "off", "workers": workers or 1, "backend": backend, "bind": bind}
    path.write_text(CONFIG.format(module=STREAM, work=stage.WORK, frontend=stage.FRONTEND, **values))
    process = stage.start("nginx", "nginx", "-c", str(path), nofile=nofile)
    stage.wait_for_listener()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def processes() -> list[int]:
        return [process.pid, *map(int, children.read_text().split())]

    return str(path), stage.wait_for(f"{workers} workers", lambda: processes()[workers:])[0]


def said() -> str:
    return stage.log_of("nginx")


def on_ports(bind: str) -> None:
    """A listener of somebody else within the range takes one port away."""
    keep = [stage.listen(), stage.listen(stage.SECOND_SOURCE, 20150)]
    config, _ = start(bind)
    bound = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]
    assert stage.fill(bound["hard"], stage.established) == bound["hard"] == stage.HIGH - stage.LOW
    assert bound["fails"] == "connect: EADDRNOTAVAIL (99)"
    stage.logged(said, bound)
    assert keep


@pytest.mark.parametrize("bind", [f"proxy_bind {stage.SOURCE};", ""])
def test_ports_stop_it_at_the_range(bind: str) -> None:
    play("on_ports", bind)


def on_nofile(nofile: str, workers: str, named: str) -> None:
    """Each worker has its own descriptors; the master, whose process is the first of the name, carries nothing."""
    keep = stage.listen()
    config, pid = start(f"proxy_bind {stage.SOURCE};", int(nofile), int(workers))
    spare = (int(nofile) - stage.own_descriptors(pid)) % 2
    asked = ["--role", "lb", "--backends-from", config, f"--{named}", str(pid) if named == "pid" else "nginx"]
    bounds = stage.ask(*asked)
    bound = bounds["nofile"]
    predicted = bound["hard"] * (int(workers) if named == "pid" and int(workers) else 1)
    assert stage.fill(predicted, stage.established, shared=workers != "0") == predicted < bounds["ports:all"]["hard"]
    stage.logged(said, bound)
    late, early = bound["log"].split(OR)
    assert appears(late, said()) == bool(spare)
    assert spare or appears(early, said())
    assert keep


# a worker's own number, as one names it; or the name, which is the master's first
@pytest.mark.parametrize(
    ("nofile", "workers", "named"),
    [("210", "0", "pid"), ("211", "0", "pid"), ("110", "2", "pid"), ("110", "2", "process-name")],
)
def test_descriptors_stop_it_at_two_a_connection(nofile: str, workers: str, named: str) -> None:
    play("on_nofile", nofile, workers, named)


def on_needs() -> None:
    """What is named for a number of connections is the least for it, in each worker: with one less it is two fewer."""
    keep = stage.listen()
    config, pid = start(f"proxy_bind {stage.SOURCE};", workers=2)
    stage.own_descriptors(pid)
    master = int((stage.WORK / "nginx.pid").read_text())
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    asked = ["--role", "lb", "--connections", "100", "--backends-from", config, "--process-name", "nginx"]

    def with_each(nofile: int) -> dict[str, Any]:
        for worker in workers:
            subprocess.run(["prlimit", f"--pid={worker}", f"--nofile={nofile}:"], check=True)
        return dict(stage.ask(*asked)["nofile"])

    (need,) = with_each(60)["remedies"]
    assert with_each(need["value"] - 1)["hard"] == 98
    assert with_each(need["value"])["hard"] == 100 == stage.fill(100, stage.established, shared=True)
    assert keep


def test_the_need_of_each_worker_is_the_least() -> None:
    play("on_needs")
