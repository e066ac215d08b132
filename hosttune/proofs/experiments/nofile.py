"""Descriptors: a process has as many as its soft limit, counted from 0, and what is open already is of them.

alloc_fd (fs/file.c): EMFILE where the number would be the limit itself.
"""

from __future__ import annotations

import errno
import resource
import socket
from typing import Any

from hosttune.model import BindMode
from hosttune.proofs import kernel_settings, socket_pairs
from hosttune.proofs.child import Child, Failed
from hosttune.proofs.proof_setup import CONNECTION, Forecast, Setup
from hosttune.proofs.scene import SECONDS, Scene

RANK = 7
_SMALL = 1000
_MOST = 200_000
_PORT = 1023


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the soft limit that this process has, and a small one for connections and accepted ones."""
    soft, _ = setup.nofile
    # where the limit is very high it is lowered for the proof: the rule is the same
    return (
        forecast("socket", min(soft, _MOST), " (lowered)" * (soft > _MOST)),
        forecast("connect", min(soft, _SMALL)),
        forecast("accept", min(soft, _SMALL)),
    )


def forecast(call: str, soft: int, remark: str = "") -> Forecast:
    """Return the forecast of a call that takes one descriptor each time: all numbers below the limit."""
    return Forecast(
        id=f"nofile:{call}",
        what=f"nofile, {call}",
        setting=f"soft limit {soft:,}{remark}",
        predicted=soft,
        accepts=(soft, soft),
        unit="descriptors",
        fails=kernel_settings.failure("accept" if call == "accept" else "socket", errno.EMFILE),
        args={"call": call, "soft": soft},
        seconds=0.2 + soft * (2e-5 if call == "socket" else 8e-5),
        memory=soft * CONNECTION,
    )


def measure(scene: Scene, call: str, soft: int) -> dict[str, Any]:
    """Let a child take descriptors until it gets none; those that it has from the start are counted, and noted."""
    scene.write({"net/core/somaxconn": str(2**31 - 1), "net/ipv4/ip_local_port_range": "1024 65535"})
    server = socket_pairs.listen("127.0.0.1", _PORT)
    scene.keep.append(server)
    if call == "accept":
        made = scene.crowd.run(lambda _n, _l: socket_pairs.client(BindMode.CONNECT, "", "127.0.0.1", _PORT), stop=soft)
        if made.made < soft:
            raise Failed(f"only {made.made:,} connections to accept could be made: {made.failed}")
    child = Child(lambda question: _take(server, scene.crowd.own, **question))
    try:
        answer: dict[str, Any] = child.ask(SECONDS, call=call, soft=soft)
    finally:
        child.end()
    return answer


def _take(server: socket.socket, inherited: list[socket.socket], call: str, soft: int) -> dict[str, Any]:
    """Be the child: lower the limit and take descriptors; the clients live on in the process that made them."""
    socket_pairs.close(inherited)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = kernel_settings.open_descriptors(soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    taken: list[socket.socket] = []
    failed = ""
    while not failed:
        try:
            if call == "socket":
                taken.append(socket.socket())
            elif call == "accept":
                taken.append(server.accept()[0])
            else:
                taken.append(socket_pairs.client(BindMode.CONNECT, "", "127.0.0.1", _PORT))
        except OSError as error:
            failed = kernel_settings.failure("accept" if call == "accept" else "socket", error.errno or 0)
        except socket_pairs.Refused as error:
            failed = str(error)
    count = len(taken)
    socket_pairs.close(taken)
    return {"measured": before + count, "failed": failed, "notes": [f"{before} of them were open from the start"]}
