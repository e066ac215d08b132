"""nginx with few worker_connections: it closes what it accepts beyond them, and writes so."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.diagnosis import made

CAUSE = "own-limit"
WHERE = "netns"
NEEDS = ("nginx", "/usr/lib/nginx/modules/ngx_stream_module.so")
_CONFIG = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{
    worker_connections 64;
}}
stream {{
    server {{
        listen 127.0.0.1:7000;
        proxy_pass 127.0.0.1:9001;
    }}
}}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    keep = made.listener(("127.0.0.1", 9001))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "nginx.conf")
        path.write_text(_CONFIG.format(directory=directory))
        command = ["nginx", "-p", directory, "-e", f"{directory}/error.log", "-g", "daemon off;", "-c", str(path)]
        with made.program(("127.0.0.1", 7000), *command):
            try:
                made.dial(clients, ("127.0.0.1", 7000), 60)
                yield ["--backends-from", str(path), "--log", f"{directory}/error.log"]
            finally:
                made.close([*clients, keep])
