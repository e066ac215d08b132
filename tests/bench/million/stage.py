"""Three network namespaces, and in them the processes of every lane: devices, a balancer, a broker."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.bench.million.board import Board, Cell

BALANCER, CLIENTS = "10.79.1.1", "10.79.1.2"
BALANCER_OUT, BROKERS = "10.79.2.1", "10.79.2.2"
PORT = 10_001
"""Lane i has this port + i at the balancer and at the broker."""
WINDOW = 64
"""Devices of one lane that are on their way at once: net.core.netdev_max_backlog is 1,000 packets for each CPU."""
BACKLOG = 4096
_PATIENCE = 60  # seconds for all processes to listen
_NAME = 195 + 32  # bytes of a dentry and of what a security module keeps of an inode, as slabs on 6.18
_SOURCE = Path(__file__).with_name("peers.c")

# Buffers are given back while a connection is idle, so their size matters little; one thread needs no more pools.
_CONFIGURATION = """global
    nbthread 1
    tune.bufsize 4096
    tune.maxrewrite 256
defaults
    mode tcp
    no log
    timeout connect 60s
    timeout client 24h
    timeout server 24h
listen lane
    bind {balancer}:{port} backlog {backlog}
    server broker {brokers}:{port}
"""


class Stage:
    """Everything that was started, in `folder`'s files; `close` ends it, and so does the end of the pid namespace."""

    def __init__(self, folder: Path, lanes: int) -> None:
        self.folder, self.lanes = folder, lanes
        self.board, self.ends = Board(folder / "devices", lanes), Board(folder / "broker", lanes)
        self.balancers: list[int] = []
        self._running: list[subprocess.Popen[bytes]] = []
        self.clients, self.brokers = self._namespace(), self._namespace()
        self._network()
        self._peers("broker", self.brokers, self.ends, BROKERS)
        for lane in range(lanes):
            self._balance(lane)
        self._peers("devices", self.clients, self.board, BALANCER)
        self._ready()

    def _start(self, *command: str | Path, log: str = "log") -> int:
        with (self.folder / log).open("ab") as out:
            # of a session of its own: Ctrl-C is for the one that watches
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, close_fds=True
            )
        self._running.append(process)
        return process.pid

    def _namespace(self) -> int:
        """Return the process that holds a new network namespace."""
        pid = self._start("unshare", "--net", "sleep", "infinity")
        mine = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{pid}/ns/net") == mine:
            time.sleep(0.01)
        return pid

    def _network(self) -> None:
        pairs = ((self.clients, "clients", BALANCER, CLIENTS), (self.brokers, "brokers", BALANCER_OUT, BROKERS))
        _run("ip link set lo up")
        for pid, name, here, there in pairs:
            _run(f"ip link add {name} type veth peer name lb netns {pid}")
            _run(f"ip address add {here}/24 dev {name}")
            _run(f"ip link set {name} up")
            for command in (f"ip address add {there}/24 dev lb", "ip link set lb up", "ip link set lo up"):
                _run(f"{within(pid)} {command}")
        for prefix in ("", within(self.clients)):
            _run(f"{prefix} sysctl -qw", "net.ipv4.ip_local_port_range=1024 65535")

    def _peers(self, role: str, namespace: int, board: Board, address: str) -> None:
        program = self.folder / "peers"
        if not program.exists():
            _run(f"gcc -O2 -o {program} {_SOURCE}")
        numbers = (str(number) for number in (0, self.lanes, address, PORT, WINDOW))
        self._start(*within(namespace).split(), program, role, board.path, *numbers)

    def _balance(self, lane: int) -> None:
        configuration = self.configuration(lane)
        configuration.write_text(
            _CONFIGURATION.format(balancer=BALANCER, brokers=BROKERS, port=PORT + lane, backlog=BACKLOG)
        )
        self.balancers.append(self._start("haproxy", "-db", "-f", configuration))

    def configuration(self, lane: int) -> Path:
        return self.folder / f"haproxy-{lane}.cfg"

    def _ready(self) -> None:
        until = time.monotonic() + _PATIENCE
        while self.ends.total(Cell.READY) < self.lanes or listeners() < self.lanes:
            ended = [process.args for process in self._running if process.poll() is not None]
            if ended or time.monotonic() > until:
                raise RuntimeError(f"does not run: {ended[:1]}: {(self.folder / 'log').read_text()[-600:]}")
            time.sleep(0.1)

    def private(self) -> int:
        """Return bytes of all balancers that are theirs alone (proc_pid_smaps(5), smaps_rollup)."""
        return sum(_private(pid) for pid in self.balancers)

    def close(self) -> None:
        """End every process; returns when all are gone, with their sockets."""
        for process in reversed(self._running):
            os.killpg(process.pid, signal.SIGKILL)
        for process in self._running:
            process.wait()


def sockets(pid: int | str) -> int:
    """Return the TCP sockets that are in use in the network namespace of a process (net/ipv4/proc.c)."""
    line = next(row for row in Path(f"/proc/{pid}/net/sockstat").read_text().splitlines() if row.startswith("TCP:"))
    return int(line.split()[2])


def listeners() -> int:
    """Return how many sockets of this namespace listen: state 0A of /proc/net/tcp."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(row.split()[3] == "0A" for row in rows)


def memory() -> dict[str, int]:
    """Return /proc/meminfo in bytes."""
    rows = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def looked_at() -> int:
    """Return bytes of the inodes and names of /proc: each descriptor that a program lists in /proc/PID/fd leaves one.

    They stay until memory is short; nothing here lists them, but programs outside may (fs/proc/fd.c, slabinfo(5)).
    """
    rows = (line.split() for line in Path("/proc/slabinfo").read_text().splitlines())
    found = next(row for row in rows if row[0] == "proc_inode_cache")
    objects, pages, slabs = int(found[1]), int(found[5]), int(found[14])
    return slabs * pages * os.sysconf("SC_PAGE_SIZE") + objects * _NAME


def _private(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) * 1024 for row in rows if row.startswith("Private"))


def within(pid: int) -> str:
    """Return what to put before a command so that it runs in the network namespace of a process."""
    return f"nsenter --net=/proc/{pid}/ns/net"


def _run(command: str, *more: str) -> None:
    subprocess.run([*command.split(), *more], check=True, stdin=subprocess.DEVNULL)
