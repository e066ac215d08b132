"""mosquitto stops where hosttune says, one descriptor a client, and logs what the table says."""

from __future__ import annotations

import shutil
import socket
import subprocess

from hosttune.capacity._logs import log_lines
from hosttune.model import BindMode
from tests.programs import stage

PORT = 1883
CONFIG = f"""
listener {PORT} {stage.FRONTEND}
allow_anonymous true
persistence false
user root
log_dest stderr
"""


def play(function: str) -> None:
    stage.need("mosquitto", "prlimit")
    stage.play(__file__, function)


def start(nofile: int | None = None) -> int:
    path = stage.WORK / "mosquitto.conf"
    path.write_text(CONFIG)
    process = stage.start("mosquitto", "mosquitto", "-c", str(path), nofile=nofile)
    stage.wait_for_listener(stage.FRONTEND, PORT)
    stage.wait_for("mosquitto runs", lambda: " running" in stage.log_of("mosquitto"))
    return process.pid


def welcome(number: int) -> socket.socket | None:
    """Connect one client as MQTT 3.1.1 does; None where the broker turns it away."""
    crowd: list[socket.socket] = [socket.socket()] * number
    stage.join(crowd, 1, port=PORT)
    name = f"client{number}".encode()
    rest = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    try:
        crowd[-1].sendall(b"\x10" + bytes([len(rest)]) + rest)
        if crowd[-1].recv(4) == b"\x20\x02\x00\x00":
            return crowd[-1]
    except ConnectionError:
        pass
    crowd[-1].close()
    return None


def wrapped() -> bool:
    """Say whether it is built with TCP wrappers: then it opens /etc/hosts.allow for each client that comes."""
    linked = subprocess.run(["ldd", shutil.which("mosquitto") or ""], capture_output=True, text=True, check=True)
    return "libwrap" in linked.stdout


def on_nofile() -> None:
    pid = start(128)
    profile = stage.measured("broker", stage.own_descriptors(pid) + wrapped())
    predicted = stage.ask("--profile", profile, "--pid", str(pid))["nofile"]["hard"]
    # one after another: its accept queue is 100 long whatever somaxconn says, and this is about descriptors
    welcomed = [client for number in range(predicted + 10) if (client := welcome(number))]
    assert len(welcomed) == predicted == stage.established(stage.FRONTEND, PORT)
    stage.logged("mosquitto", log_lines("mosquitto", "nofile", BindMode.CONNECT)[0 if wrapped() else 1])


def test_descriptors_stop_it_at_one_a_client() -> None:
    play("on_nofile")


def on_lowered_limit() -> None:
    """Not even accept() has a descriptor any more: it gives up its spare one, and says what is the matter."""
    pid = start()
    welcomed = [welcome(number) for number in range(20)]
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={stage.descriptors(pid)}:"], check=True)
    assert all(welcomed) and welcome(20) is None
    stage.logged("mosquitto", log_lines("mosquitto", "nofile", BindMode.CONNECT)[1])


def test_a_limit_below_what_is_open_is_told_by_its_own_line() -> None:
    play("on_lowered_limit")
