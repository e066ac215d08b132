"""nginx stops where hosttune says, and logs what the table says: with proxy_bind or without, and at its descriptors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hosttune.capacity._logs import log_line
from hosttune.model import BindMode
from tests.programs import stage

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
    stage.need("nginx")
    if not STREAM.exists():
        why = f"{STREAM}: not installed (libnginx-mod-stream)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
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


def on_ports(bind: str, mode: str) -> None:
    """A listener of somebody else within the range takes one port away."""
    keep = [stage.listen(), stage.listen(stage.SECOND_SOURCE, 20150)]
    config, _ = start(bind)
    bound = stage.ask("--role", "lb", "--backends-from", config)["ports:all"]
    assert stage.fill(bound["hard"], stage.established) == bound["hard"] == stage.HIGH - stage.LOW
    assert bound["fails"] == "connect: EADDRNOTAVAIL (99)"
    stage.logged("nginx", log_line("nginx", "ports:all", BindMode(mode)))
    assert keep


@pytest.mark.parametrize(("bind", "mode"), [(f"proxy_bind {stage.SOURCE};", "no-port"), ("", "connect")])
def test_ports_stop_it_at_the_range(bind: str, mode: str) -> None:
    play("on_ports", bind, mode)


def on_nofile(nofile: str, workers: str) -> None:
    """What is predicted for a process each worker has for itself."""
    keep = stage.listen()
    config, pid = start(f"proxy_bind {stage.SOURCE};", int(nofile), int(workers))
    own = stage.own_descriptors(pid)
    bounds = stage.ask("--profile", stage.measured("lb", own), "--backends-from", config, "--pid", str(pid))
    predicted = bounds["nofile"]["hard"] * (int(workers) or 1)
    assert stage.fill(predicted, stage.established) == predicted < bounds["ports:all"]["hard"]
    stage.logged("nginx", log_line("nginx", "nofile", BindMode.NO_PORT))
    assert keep


@pytest.mark.parametrize(("nofile", "workers"), [("210", "0"), ("110", "2")])
def test_descriptors_stop_it_at_two_a_connection(nofile: str, workers: str) -> None:
    play("on_nofile", nofile, workers)
