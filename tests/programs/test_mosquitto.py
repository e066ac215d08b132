"""mosquitto stops where hosttune says, one descriptor a client, and logs what the table says."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess

import pytest

from hosttune.capacity.logs import appears, log_lines
from hosttune.model import BindMode
from hosttune.programs import knowledge
from tests.programs import stage

pytestmark = pytest.mark.slow

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


def welcome_at(address: str, port: int, number: int) -> socket.socket | None:
    """Connect one client from any port; None where the broker turns it away."""
    client = socket.create_connection((address, port), 5)
    name = f"client{port}-{number}".encode()
    rest = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    try:
        client.sendall(b"\x10" + bytes([len(rest)]) + rest)
        if client.recv(4) == b"\x20\x02\x00\x00":
            return client
    except ConnectionError:
        pass
    client.close()
    return None


def wrapped() -> bool:
    """Say whether it is built with TCP wrappers: then it opens /etc/hosts.allow for each client that comes."""
    linked = subprocess.run(["ldd", shutil.which("mosquitto") or ""], capture_output=True, text=True, check=True)
    return "libwrap" in linked.stdout


def said() -> str:
    return stage.log_of("mosquitto")


def on_nofile() -> None:
    """The profile keeps far more for it than it has: what it has open is what counts, also when it is full."""
    pid = start(128)
    stage.own_descriptors(pid)
    asked = ["--role", "broker", "--pid", str(pid)]
    bound = stage.ask(*asked)["nofile"]
    assert any("hosts.allow" in note for note in bound["notes"]) == wrapped(), bound
    # one after another: its accept queue is 100 long whatever somaxconn says, and this is about descriptors
    welcomed = [client for number in range(bound["hard"] + 10) if (client := welcome(number))]
    assert len(welcomed) == bound["hard"] == stage.established(stage.FRONTEND, PORT)
    stage.logged(said, bound)
    full = stage.wait_for("a full one", lambda: (b := stage.ask(*asked)["nofile"])["used"] == len(welcomed) and b)
    assert full["hard"] == bound["hard"]


def test_descriptors_stop_it_at_one_a_client() -> None:
    play("on_nofile")


def on_lowered_limit() -> None:
    """Not even accept() has a descriptor any more: it gives up its spare one, and says what is the matter."""
    pid = start()
    welcomed = [welcome(number) for number in range(20)]
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={stage.descriptors(pid)}:"], check=True)
    assert all(welcomed) and welcome(20) is None
    (line,) = log_lines(knowledge.of("mosquitto")[0], "nofile", BindMode.CONNECT, "plain")
    stage.wait_for(line, lambda: appears(line, said()))


def test_a_limit_below_what_is_open_is_told_by_its_own_line() -> None:
    play("on_lowered_limit")


def on_queue() -> None:
    """While it stands still its listener holds its own backlog and one more, however high somaxconn is."""
    pid = start()
    bound = stage.ask("--role", "broker", "--pid", str(pid))["accept-queue"]
    os.kill(pid, signal.SIGSTOP)
    crowd: list[socket.socket] = []
    for _ in range(150):
        crowd.append(socket.socket())
        crowd[-1].setblocking(False)
        crowd[-1].bind((stage.FRONTEND, stage.CLIENT_LOW + len(crowd)))
        crowd[-1].connect_ex((stage.FRONTEND, PORT))
    (listener,) = stage.ss("-l", "src", f"{stage.FRONTEND}:{PORT}")
    os.kill(pid, signal.SIGCONT)
    # so many arrive in the pause of 2 s that the profile reckons with
    assert bound["hard"] == int(listener.split()[1]) // 2 == 101 // 2


def test_its_accept_queue_is_its_own() -> None:
    play("on_queue")
