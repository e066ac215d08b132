"""How the first boot gets hosttune, by what it really runs: from a server that is not ready, and as a wheel."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests import needs
from tests.hooks.cloud import hook

pytestmark = pytest.mark.slow

SUM = "0" * 64
PROGRAM = b"#!/bin/sh\necho it runs\n"


class Server(BaseHTTPRequestHandler):
    """Is not ready at first, and breaks off then; what it has comes with the third request."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        asked = len(self.server.asked)  # type: ignore[attr-defined]
        self.send_response(503 if asked == 1 else 200)
        self.send_header("Content-Length", str(len(PROGRAM)))
        self.end_headers()
        self.wfile.write(PROGRAM if asked != 2 else PROGRAM[:-1])

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def first_boot(*options: str) -> subprocess.CompletedProcess[str]:
    """Install as the first boot does, onto empty file systems, and start what was installed."""
    needs.need("namespaces")
    printed = hook("cloud-init", *options).stdout
    script = next(e for e in yaml.safe_load(printed)["write_files"] if e["permissions"] == "0755")["content"]
    install = f"sleep() {{ :; }}\n{script.partition('apply=0')[0]}/usr/local/bin/hosttune\n"
    empty = "for d in /usr/local/bin /var/cache /run /opt; do mount -t tmpfs tmpfs $d; done; exec sh -s"
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", empty], input=install, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("honest", [True, False])
def test_what_is_downloaded_is_whole_and_has_its_sum(honest: bool) -> None:
    total = hashlib.sha256(PROGRAM).hexdigest() if honest else SUM
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/hosttune.pyz?x=1"
        done = first_boot("--from", url, "--sha256", total)
        server.shutdown()
    assert server.asked == ["/hosttune.pyz?x=1"] * 3  # type: ignore[attr-defined]
    assert "503" in done.stderr and "retrieval incomplete" in done.stderr and "Traceback" not in done.stderr
    assert (done.returncode == 0) is honest
    assert ("it runs" in done.stdout) is honest


def test_a_server_that_never_answers_is_no_success() -> None:
    with socket.socket() as bound:  # nobody listens on it
        bound.bind(("127.0.0.1", 0))
        done = first_boot("--from", f"http://127.0.0.1:{bound.getsockname()[1]}/hosttune.pyz", "--sha256", SUM)
    assert done.returncode == 1 and done.stderr.count("refused") == 5 and "Traceback" not in done.stderr


def test_an_image_that_has_no_hosttune_is_no_success() -> None:
    done = first_boot("--from", "image")
    assert done.returncode == 127 and "/usr/local/bin/hosttune is not on this image" in done.stderr


def test_a_wheel_gets_an_environment_of_its_own(tmp_path: Path) -> None:
    wheel = tmp_path / "hosttune-9-py3-none-any.whl"
    files = {
        "stand_in.py": "def main():\n    print('it runs')\n",
        "hosttune-9.dist-info/METADATA": "Metadata-Version: 2.1\nName: hosttune\nVersion: 9\n",
        "hosttune-9.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "hosttune-9.dist-info/entry_points.txt": "[console_scripts]\nhosttune = stand_in:main\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, "hosttune-9.dist-info/RECORD": "".join(f"{name},,\n" for name in files)}.items():
            archive.writestr(name, text)
    done = first_boot("--from", str(wheel), "--sha256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert (done.returncode, done.stdout) == (0, "it runs\n"), done.stderr
