"""Set a scene: two namespaces joined by a veth, and sockets in both, all of one process.

A socket is of the namespace that its maker was in, so one thread that goes to and fro makes them all.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.scenes.scene import CLIENTS, CLIENTS6, NOBODY, PORTS, SERVERS, SERVERS6, Holder, How, Scene, State

CLIENT, SERVER = "c", "s"
NEWNET = 0x40000000  # CLONE_NEWNET, linux/sched.h
_LOCAL_PORT_RANGE = 51  # IP_LOCAL_PORT_RANGE, linux/in.h
_FASTOPEN_CONNECT = 30  # TCP_FASTOPEN_CONNECT, linux/tcp.h
NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, linux/in.h
RST = struct.pack("ii", 1, 0)  # struct linger: close() sends RST, and nothing stays in TIME_WAIT
_WAIT = 20.0
_MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:09")
"""Of the client, the server, and nobody."""
_LIBC = ctypes.CDLL(None, use_errno=True)
FULL = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
"""How connect() and bind() say that there is no port."""
STOPPED = (errno.ETIMEDOUT, errno.ECONNREFUSED)
"""How it shows that a packet filter drops, or rejects, a connection."""
_PATIENCE, _FILTERED = 5.0, 0.4
"""Seconds that a connection may take; a rule that drops its first SYN drops it at once, and the next after 1 s."""
_DELAY = Path("/proc/sys/net/ipv4/tcp_tw_reuse_delay")
_OLD_DELAY = 1.1
"""Seconds after which kernels that have no tcp_tw_reuse_delay take a tuple over: more than one, tcp_twsk_unique()."""
_IN_TABLE = {State.TIME_WAIT: "06", State.FIN_WAIT2: "05", State.CLOSE_WAIT: "08", State.SYN_SENT: "02"}
"""The states that take a while to come, as /proc/net/tcp writes them (include/net/tcp_states.h)."""


def enter(name: str) -> None:
    """Go into a network namespace by its name."""
    with open(f"/run/netns/{name}", "rb") as file:
        if _LIBC.setns(file.fileno(), NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")


def script(scene: Scene) -> str:
    """Return the words that set the namespaces of a scene, for a root shell in `unshare -m -n`."""
    lines = [f"ip netns add {CLIENT}", f"ip netns add {SERVER}"]
    lines += [f"ip -n {CLIENT} link add c0 address {_MACS[0]} type veth peer name s0 address {_MACS[1]} netns {SERVER}"]
    lines += [f"ip -n {CLIENT} -batch - <<E", *_links("c0", CLIENTS, CLIENTS6, scene.v6)]
    hosts = NOBODY if scene.v6 else NOBODY[:1]
    lines += [_neighbour(host, _MACS[2], "c0") for host in hosts]
    # a solicitation that is lost while the other end comes up takes a second
    lines += [_neighbour(host, _MACS[1], "c0") for host in (SERVERS6 if scene.v6 else ())]
    # a rule is of the family that ip is told, not of that of its addresses
    six = [line for line in scene.rules if line.startswith("rule") and ":" in line]
    lines += [*(line for line in scene.rules if line not in six), "E"]
    lines += [f"ip -n {CLIENT} -6 -batch - <<E", *six, "E"] if six else []
    lines += [f"ip -n {SERVER} -batch - <<E", *_links("s0", SERVERS, SERVERS6, scene.v6)]
    lines += [*(_neighbour(host, _MACS[0], "s0") for host in (CLIENTS6 if scene.v6 else ()))]
    lines += [*scene.back, "E"]
    for name, pairs in ((CLIENT, scene.sysctls), (SERVER, scene.server)):
        values = " ".join(f'{key}="{value}"' for key, value in pairs)
        lines += [f"ip netns exec {name} sysctl -qw {values}"] if values else []
    lines += [f"ip netns exec {CLIENT} nft -f - <<E", *scene.filters, "E"] if scene.filters else []
    return "\n".join(lines)


def _neighbour(address: str, mac: str, device: str) -> str:
    return f"neigh add {address} lladdr {mac} nud permanent dev {device}"


def _links(device: str, addresses: tuple[str, ...], v6: tuple[str, ...], both: bool) -> Iterator[str]:
    yield from (f"addr add {address}/24 dev {device}" for address in addresses)
    yield from (f"addr add {address}/64 dev {device} nodad" for address in (v6 if both else ()))
    yield from (f"link set {name} up" for name in (device, "lo"))


@dataclass(slots=True)
class Stage:
    """A scene that is set: what is listened on at the server, and the sockets of both ends that are open."""

    scene: Scene
    listeners: list[socket.socket] = field(default_factory=list)
    accepted: dict[object, socket.socket] = field(default_factory=dict)
    """What the server accepted, by the addresses of both ends, the client's first."""
    clients: list[socket.socket] = field(default_factory=list)
    held: list[tuple[Holder, frozenset[int]]] = field(default_factory=list)
    """The holders as they came out: which ports each has."""

    def drain(self) -> None:
        """Accept what waits at the server."""
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                while True:
                    end, peer = listener.accept()
                    self.accepted[peer[:2], end.getsockname()[:2]] = end

    def close(self) -> None:
        """Close all, by RST where a connection is open."""
        for end in (*self.clients, *self.accepted.values(), *self.listeners):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            end.close()


@contextlib.contextmanager
def set_up(scene: Scene) -> Iterator[Stage]:
    """Have a scene for a while, with this thread in the client's namespace."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    stage = Stage(scene)
    try:
        subprocess.run(["sh", "-e"], input=script(scene), text=True, check=True)
        enter(SERVER)
        for address in (*SERVERS, *(SERVERS6 if scene.v6 else ())):
            stage.listeners += [_listen(address, port) for port in PORTS]
        enter(CLIENT)
        if _DELAY.exists():
            _DELAY.write_text("1")
        for address in CLIENTS6 if scene.v6 else ():
            until(lambda address=address: _reaches(address), f"{address} comes up")  # type: ignore[misc]
        stage.drain()
        for holder in scene.holders:
            stage.held.append((holder, _hold(stage, holder)))
        if any(holder.state in (State.TIME_WAIT, State.FIN_WAIT2) for holder in scene.holders):
            time.sleep(0.005 if _DELAY.exists() else _OLD_DELAY)
        yield stage
    finally:
        stage.close()
        _LIBC.setns(home, NEWNET)
        os.close(home)
        for name in (CLIENT, SERVER):
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition, and fail where it does not come."""
    end = time.monotonic() + _WAIT
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {_WAIT:g} s")
        time.sleep(0.002)


def _listen(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        listener.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND: the address may come up a moment later
    listener.bind((address, port))
    listener.listen(4096)
    listener.setblocking(False)
    return listener


def _reaches(source: str) -> bool:
    """Say whether an address of IPv6 can be used, towards every server."""
    for server in SERVERS6:
        with socket.socket(socket.AF_INET6) as client:
            client.settimeout(0.05)
            client.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            try:
                client.bind((source, 0))
                client.connect((server, PORTS[0]))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL and client.getsockname()[0] == source:
                    continue  # the range has no port to spare, but the address is there
                return False
    return True


def opened(
    how: How,
    address: str,
    to: tuple[str, int] | None,
    port: int = 0,
    protocol: int = 0,
    device: str = "",
    within: tuple[int, int] | None = None,
    uid: int = 0,
    mark: int = 0,
    **options: bool,
) -> socket.socket:
    """Return a socket that has its port in a certain way; raises OSError where there is none for it.

    `within` is a range that it gives to the kernel. `options` are reuse_address, reuse_port, v6only and fastopen,
    `wait`: False returns while it is on its way, `refused`: True takes a refusal for an answer, and `filtered`: rules
    may drop it.
    """
    family = socket.AF_INET6 if ":" in (address or (to or ("",))[0]) else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == socket.IPPROTO_UDP else socket.SOCK_STREAM
    _LIBC.setfsuid(uid)  # a socket is of who makes it: net/socket.c sock_alloc()
    try:
        made = socket.socket(family, kind, protocol)
    finally:
        _LIBC.setfsuid(0)
    try:
        if mark:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        if options.get("fastopen"):
            made.setsockopt(socket.IPPROTO_TCP, _FASTOPEN_CONNECT, 1)
        if device:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        if within:
            made.setsockopt(socket.IPPROTO_IP, _LOCAL_PORT_RANGE, struct.pack("=I", within[0] | within[1] << 16))
        if options.get("reuse_address"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.get("reuse_port"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, bool(options.get("v6only")))
        if how is How.NO_PORT:
            made.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        if how is not How.CONNECT:
            made.bind((address, port))
        if how is How.LISTEN:
            made.listen(4096)
        if to is not None:
            made.setblocking(False)
            with contextlib.suppress(*[ConnectionRefusedError] * options.get("refused", False)):
                patience = _FILTERED if options.get("filtered") else _PATIENCE
                _connect(made, to, options.get("wait", True), patience)
    except OSError:
        made.close()
        raise
    return made


def _connect(made: socket.socket, to: tuple[str, int], wait: bool, patience: float) -> None:
    answer = made.connect_ex(to)
    if answer == errno.EINPROGRESS and wait:
        if not select.select((), (made,), (), patience)[1]:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        answer = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if answer not in (0, errno.EINPROGRESS):
        raise OSError(answer, os.strerror(answer))


def _hold(stage: Stage, holder: Holder) -> frozenset[int]:
    """Make the sockets of a holder, as many as there is room for, and return their ports."""
    stage.drain()
    before = stage.accepted.keys() - ()
    made = []
    syn = holder.state is State.SYN_SENT
    for number in range(holder.count):
        port = holder.ports[number] if holder.ports else 0
        try:
            made.append(
                opened(
                    holder.how,
                    holder.address,
                    holder.to,
                    port,
                    reuse_address=holder.reuse_address,
                    reuse_port=holder.reuse_port,
                    v6only=holder.v6only,
                    protocol=holder.protocol,
                    device=holder.device,
                    wait=not syn,
                    refused=holder.state is State.REFUSED,
                    filtered=bool(stage.scene.filters),
                )
            )
        except OSError as error:
            if stage.scene.filters and error.errno in STOPPED:
                break
            if error.errno not in FULL:
                raise
            if not holder.ports:
                break
    ports = frozenset(client.getsockname()[1] for client in made)
    stage.clients += made
    if holder.to and made:
        _turn(stage, holder, made, before)
    return ports


def _turn(stage: Stage, holder: Holder, made: list[socket.socket], others: set[object]) -> None:
    """Bring connections to the state that the scene wants of them, and wait until all are in it.

    `others` are those that the server had before.
    """
    if holder.state in (State.ESTABLISHED, State.REFUSED):
        return
    state = _IN_TABLE[holder.state]
    if holder.state is State.SYN_SENT:
        until(lambda: in_state(state) >= len(made), holder.state)
        return
    before, translated = in_state(state), bool(stage.scene.filters)
    names: set[object] = {(client.getsockname()[:2], holder.to) for client in made}

    def arrived() -> bool:
        stage.drain()
        # NAT gives them names that only the server knows
        return len(stage.accepted.keys() - others) >= len(made) if translated else names <= stage.accepted.keys()

    until(arrived, "the server has them all")
    names = stage.accepted.keys() - others if translated else names
    if holder.state is not State.CLOSE_WAIT:
        for client in made:
            client.close()
            stage.clients.remove(client)
    if holder.state is not State.FIN_WAIT2:
        for name in names:
            stage.accepted.pop(name).close()
    until(lambda: in_state(state) >= before + len(made), holder.state)


def in_state(state: str) -> int:
    """Return how many TCP sockets of this namespace are in a state."""
    count = 0
    for name in ("tcp", "tcp6"):
        lines = Path(f"/proc/thread-self/net/{name}").read_text().splitlines()[1:]
        count += sum(line.split()[3] == state for line in lines)
    return count
