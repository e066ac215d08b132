"""Run on a system of the table: which rules of hosttune.releases its kernel has, by measurement."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from hosttune import releases

_DUMP, _DIAG = 0x301, 20  # NLM_F_REQUEST and NLM_F_DUMP, SOCK_DIAG_BY_FAMILY
_BOUND = 1 << 13  # TCPF_BOUND_INACTIVE
_RANGE = 51  # IP_LOCAL_PORT_RANGE


def sysctl(name: str) -> str | None:
    """Return what a key holds, None where there is no such key."""
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None


def exists(name: str) -> Callable[[], bool]:
    """Return a question whether there is a key."""
    return lambda: sysctl(name) is not None


def holds(name: str, value: str) -> Callable[[], bool]:
    """Return a question whether a key holds a value."""
    return lambda: sysctl(name) == value


def has_option() -> bool:
    """Say whether a socket can have a port range of its own."""
    with socket.socket() as asking:
        try:
            asking.setsockopt(socket.IPPROTO_IP, _RANGE, struct.pack("I", 40000 | 40001 << 16))
        except OSError:
            return False
        return True


def shows_bound() -> bool | None:
    """Say whether a dump shows a socket that is only bound; None where there is no sock_diag."""
    with socket.socket() as bound, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diag:
        bound.bind(("127.0.0.1", 0))
        request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _BOUND) + bytes(40) + b"\xff" * 8
        diag.settimeout(10)
        diag.send(struct.pack("=IHHII", 16 + len(request), _DIAG, _DUMP, 1, 0) + request)
        answer = diag.recv(65536)
    kind = struct.unpack_from("=IH", answer)[1]
    return None if kind == 2 else kind == _DIAG


def syn_queue() -> bool | None:
    """Say whether a listener holds one half-open connection more than its backlog."""
    done = subprocess.run(["hosttune", "prove", "--only", "syn", "--format", "json"], capture_output=True, text=True)
    measured = {proof["id"]: proof["measured"] for proof in json.loads(done.stdout)["proofs"]}["syn"]
    return {128: False, 129: True}.get(measured) if isinstance(measured, int) else None


def conntrack() -> bool | None:
    """Say whether the conntrack table may have as many entries as it has buckets."""
    subprocess.run(["modprobe", "nf_conntrack"], check=False)
    most, buckets = (sysctl(f"net/netfilter/nf_conntrack_{name}") for name in ("max", "buckets"))
    return None if most is None else most == buckets


def by_one() -> bool | None:
    """Say whether connect() takes the ports of a socket's own range one after the other, not those of one parity."""
    ports = []
    with contextlib.ExitStack() as open_ones, socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        for _ in range(6):
            client = open_ones.enter_context(socket.socket())
            try:
                client.setsockopt(socket.IPPROTO_IP, _RANGE, struct.pack("I", 40000 | 40099 << 16))
            except OSError:
                return None
            client.connect(server.getsockname())
            ports.append(client.getsockname()[1] % 2)
    return len(set(ports)) == 2


def half_closed() -> bool | None:
    """Say whether connect() leaves a port in FIN_WAIT2 alone that it would take over in TIME_WAIT."""
    if sysctl("net/ipv4/tcp_tw_reuse") == "0" or sysctl("net/ipv4/tcp_timestamps") == "0":
        return None
    ports = Path("/proc/sys/net/ipv4/ip_local_port_range")
    before = ports.read_text()
    with socket.socket() as server, socket.socket() as client, socket.socket() as again:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        peer, (_, port) = server.accept()
        client.close()
        time.sleep(2.1)  # a whole second of the clock has to be over
        again.setblocking(False)
        try:
            ports.write_text(f"{port} {port}")
            error = again.connect_ex(server.getsockname())
        finally:
            ports.write_text(before)
            peer.close()
    return {errno.EADDRNOTAVAIL: True, errno.EINPROGRESS: False, 0: False}.get(error)


UNASKED = {
    "ipvs-reuse": "takes IPVS, and a kernel older than any that is booted",
    "bound-port-shared": "takes a kernel older than any that is booted, where most of a range is bound",
    "cgroup-accept": "takes a group that is filled until the kernel ends a program",
    "nat-time-wait": "takes a gateway whose pool is used up by closed connections",
}
"""Rules that no question of a moment answers, and why."""
QUESTIONS: dict[str, Callable[[], bool | None]] = {
    "syn-queue": syn_queue,
    "time-wait-delay": exists("net/ipv4/tcp_tw_reuse_delay"),
    "bound-inactive": shows_bound,
    "port-range-option": has_option,
    "descriptors-by-size": lambda: os.stat("/proc/self/fd").st_size > 0,
    "own-range-by-one": by_one,
    "half-closed-kept": half_closed,
    "linear-syn": exists("net/ipv4/tcp_syn_linear_timeouts"),
    "established-table": exists("net/ipv4/tcp_child_ehash_entries"),
    "port-step": exists("net/ipv4/ip_local_port_step_width"),
    "conntrack-default": conntrack,
    "fastopen-blackhole": holds("net/ipv4/tcp_fastopen_blackhole_timeout_sec", "0"),
    "buffer-default": holds("net/core/rmem_max", str(4 << 20)),
    "option-memory": holds("net/core/optmem_max", str(128 << 10)),
}


def main() -> None:
    """Print, for each change, whether the kernel has it; null where that cannot be said."""
    rows: dict[str, bool | None] = {}
    for change in releases.CHANGES:
        rows[change.name] = None
        if change.name in QUESTIONS:
            with contextlib.suppress(OSError, ValueError, KeyError):
                rows[change.name] = QUESTIONS[change.name]()
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
