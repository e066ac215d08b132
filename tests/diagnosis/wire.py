"""A second namespace at the end of a wire: SYNs of strangers, bursts of clients that have a long way to go."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Iterator
from itertools import count

from hosttune.proofs import wire_frames
from hosttune.proofs.counters import in_state
from hosttune.proofs.experiments import syn
from hosttune.proofs.scene import SECONDS, Scene
from tests.diagnosis import made

SERVER = (syn._SERVER, 1883)
_SYN_RECV = 3  # include/net/tcp_states.h
_NEW_NET = 0x40000000  # CLONE_NEWNET, linux/sched.h
_CLIENTS = "198.51.100.{}"


@contextlib.contextmanager
def wired(clients: int = 0) -> Iterator[Scene]:
    """Own the server's address, with a wire to a namespace that has the addresses of so many clients."""
    with Scene() as wire:
        wire.reach([SERVER[0]], [(_CLIENTS.format(number + 1), 1023) for number in range(clients)])
        yield wire


def half_open() -> int:
    """Return how many half-open connections the server has."""
    return in_state(_SYN_RECV, SERVER[1])


class Strangers:
    """Sources who send a SYN each and never answer."""

    def __init__(self) -> None:
        self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._numbers = count()

    def send(self, number: int) -> None:
        """Send so many SYNs to the server, each of another source and port."""
        for each in (next(self._numbers) for _ in range(number)):
            packet = syn._syn(syn._STRANGERS + each % 250, 1024 + each // 250, SERVER[1])
            self._raw.sendto(packet, (SERVER[0], 0))

    def close(self) -> None:
        self._raw.close()


class Bursts:
    """Clients who all ask before the first of them is answered, as when their way is long.

    The server's side of the wire asks for their hardware address, which nobody tells: the kernel keeps what it has to
    send until that address is known. Each burst has an address of its own, for an address is asked for once.
    """

    def __init__(self, wire: Scene, server: socket.socket) -> None:
        self._wire = wire
        self._server = server
        self._server.setblocking(False)
        self._accepted: list[socket.socket] = []
        self._last = 0
        wire.write({f"net/ipv4/neigh/{wire_frames.NEAR}/unres_qlen_bytes": str(1 << 26)})
        wire_frames.up(wire_frames.NEAR, resolve=True)

    def next(self, number: int) -> None:
        """Let a burst come, and accept what has found room."""
        self._last += 1
        source = _CLIENTS.format(self._last)
        self._wire.peer.ask(SECONDS, do="burst", source=source, address=SERVER[0], port=SERVER[1], count=number)
        wire_frames.neighbour(wire_frames.NEAR, source)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._accepted.append(self._server.accept()[0])

    @property
    def accepted(self) -> int:
        """How many were accepted."""
        return len(self._accepted)

    def close(self) -> None:
        made.close(self._accepted)


class Crowds:
    """Clients whose SYNs all go out at once, in one softirq: more than a CPU's receive queue takes.

    They wait for the hardware address of their server, and go when its answer (ARP) comes in. Each crowd has a server
    of its own, for an address is asked for once.
    """

    def __init__(self, crowds: int) -> None:
        self._clients: list[socket.socket] = []
        self._left = [f"192.0.2.{number + 1}" for number in range(crowds)]

    @contextlib.contextmanager
    def wired(self) -> Iterator[None]:
        """Make the wire, and the servers at its other end."""
        with Scene() as wire:
            wire.reach([_CLIENTS.format(1)], [(address, SERVER[1]) for address in self._left])
            wire.write({f"net/ipv4/neigh/{wire_frames.NEAR}/unres_qlen_bytes": str(1 << 26)})
            wire_frames.up(wire_frames.NEAR, resolve=True)
            with _packets(wire.peer.pid, wire_frames.FAR) as self._far:
                yield
            made.close(self._clients)

    def next(self, number: int) -> None:
        """Let a crowd of clients come to the next server; no more come when there is none left."""
        if self._left:
            address = self._left.pop(0)
            made.begin(self._clients, (address, SERVER[1]), number, most=8 * number)
            self._far.send(_arp_reply(address, _CLIENTS.format(1)))


@contextlib.contextmanager
def _packets(pid: int, interface: str) -> Iterator[socket.socket]:
    """Yield a socket for whole packets, in the network namespace of a process."""
    found: list[socket.socket] = []

    def enter() -> None:
        with open(f"/proc/{pid}/ns/net") as file:
            assert not ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _NEW_NET), ctypes.get_errno()
        found.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        found[0].bind((interface, 0))

    # a thread is in a namespace, and a socket in that in which it was made
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    with found[0] as one:
        yield one


def _arp_reply(sender: str, target: str) -> bytes:
    """Return an Ethernet frame that tells the hardware address of its sender (RFC 826)."""
    hardware = bytes.fromhex(wire_frames.HARDWARE.replace(":", ""))
    ends = hardware + socket.inet_aton(sender) + hardware + socket.inet_aton(target)
    return hardware * 2 + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 2) + ends
