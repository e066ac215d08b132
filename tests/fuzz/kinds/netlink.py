"""What comes from a socket of the kernel: dumps of sockets and of conntrack, addresses, frames of neighbours."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from random import Random

from hosttune.host.probes import duplicates, holdings, interfaces, sockets, tracked
from tests.fuzz.part import Given, Part

_DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
_LENGTHS = (0, 1, 3, 4, 15, 16, 17, 20, 87, 88, 89, 0x7FFFFFFF, 0xFFFFFFFF)
BACKENDS = [["10.0.0.5", 1883], ["2001:db8::5", 1883]]


class Link:
    """Stands for a netlink socket: gives the buffers it was made of, then the end of the dump, again and again."""

    def __init__(self, buffers: list[bytes]) -> None:
        self._buffers = list(buffers)

    def send(self, data: bytes) -> int:
        return len(data)

    def recvmsg(self, size: int, more: int = 0, flags: int = 0) -> tuple[bytes, list[object], int, tuple[int, int]]:
        data = self._buffers.pop(0) if self._buffers else _DONE
        return data[:size], [], socket.MSG_TRUNC if len(data) > size else 0, (0, 0)

    def settimeout(self, seconds: float | None) -> None:
        pass

    def setsockopt(self, *args: object) -> None:
        pass


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def _tcp(random: Random) -> bytes:
    """Return one socket: struct inet_diag_msg of linux/inet_diag.h, and attributes."""
    six = random.random() < 0.3
    family = socket.AF_INET6 if six else socket.AF_INET
    ends = (
        [socket.inet_pton(family, one) for one in (random.choice(("::ffff:10.0.0.9", "2001:db8::9")), "2001:db8::5")]
        if six
        else [socket.inet_aton(one) + bytes(12) for one in ("10.0.0.9", random.choice(("10.0.0.5", "0.0.0.0")))]
    )
    state, timer = random.choice((1, 1, 1, 2, 3, 5, 6, 7, 8, 10, 12)), random.choice((0, 0, 1, 3))
    head = struct.pack("=BBBB", family, state, timer, random.choice((0, 0, 3)))
    identity = struct.pack("!HH", random.randint(0, 65535), random.choice((1883, 0))) + b"".join(ends) + bytes(12)
    counts = struct.pack("=IIIII", 0, random.choice((0, 9)), random.choice((0, 4096)), 1000, random.randint(1, 99))
    more = _attribute(11, b"\1") if state in (7, 10) else b""
    if random.random() < 0.3:
        more += _attribute(random.choice((8, 15, 22)), bytes(random.choice((1, 4, 8))))
    return _message(20, head + identity + counts + more)


def _entry(random: Random) -> bytes:
    """Return one entry of conntrack: linux/netfilter/nfnetlink_conntrack.h."""
    both = []
    for kind in (1, 2):
        ends = _attribute(1, bytes((10, 0, 0, random.randint(1, 9)))) + _attribute(2, bytes((10, 0, 0, 5)))
        if random.random() < 0.2:
            ends = _attribute(3, bytes(15) + b"\1") + _attribute(4, bytes(15) + b"\2")
        ports = _attribute(1, random.choice((b"\6", b"\x11"))) + _attribute(2, b"\x07\x5b") + _attribute(3, b"\x80\0")
        both.append(_attribute(kind | 0x8000, _attribute(1 | 0x8000, ends) + _attribute(2 | 0x8000, ports)))
    status = _attribute(3, struct.pack("!I", random.choice((0, 8, 1 << 4, 0x18E))))
    state = _attribute(4, _attribute(1, _attribute(1, bytes((random.randint(0, 12),)))))
    parts = [*both, status, state]
    if random.random() < 0.2:
        del parts[random.randrange(len(parts))]
    return _message(1 << 8, b"\2\0\0\0" + b"".join(parts))


def _address(random: Random) -> bytes:
    """Return one address: struct ifaddrmsg of linux/if_addr.h, and attributes."""
    six = random.random() < 0.4
    packed = bytes(15) + b"\1" if six else bytes((10, 0, 0, 9))
    body = struct.pack("=BBBBI", socket.AF_INET6 if six else socket.AF_INET, random.choice((24, 64, 255)), 0x80, 0, 2)
    return _message(20, body + _attribute(1, packed) + (_attribute(2, packed) if random.random() < 0.7 else b""))


def _change(random: Random, data: bytes) -> bytes:
    """Change bytes: a length, a flipped byte, a cut, an error or an end in the midst."""
    found = bytearray(data)
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        at = random.randrange(len(found)) if found else 0
        match random.randrange(6):
            case 0 if len(found) > 4:
                at -= at % 4
                struct.pack_into("=I", found, min(at, len(found) - 4), random.choice(_LENGTHS))
            case 1 if found:
                found[at] = random.randrange(256)
            case 2:
                found = found[:at]
            case 3:
                error = _message(2, struct.pack("=i", random.choice((0, -2, -105, 5))))
                found[at - at % 4 : at - at % 4] = random.choice((error, _DONE, error[:18], _message(1, b"")))
            case 4 if len(found) > 2:
                at -= at % 2
                struct.pack_into("=H", found, min(at, len(found) - 2), random.choice((0, 3, 4, 5, 8, 0xFFFF)))
            case _:
                found[at:at] = bytes(random.choice((1, 2, 4, 88)))
    return bytes(found)


def _maker(one: Callable[[Random], bytes]) -> Callable[[Random], Given]:
    """Return what makes a dump of some messages, cut into two buffers somewhere."""

    def make(random: Random) -> Given:
        whole = b"".join(one(random) for _ in range(random.randint(1, 6)))
        cut = random.choice((len(whole), random.randint(0, len(whole)) & ~3))
        return {"buffers": [_change(random, part).hex() for part in (whole[:cut], whole[cut:]) if part]}

    return make


def _link(given: Given) -> Link:
    return Link([bytes.fromhex(one) for one in given["buffers"]])


def _sockets_run(given: Given) -> bool:
    for call in (
        lambda: sockets._answer(_link(given), BACKENDS, True),
        lambda: sockets._answer(_link(given), [[f"10.0.0.{n}", 1883 + n] for n in range(1, 250)], False),
        lambda: list(holdings._rows(_link(given), 1, b"")),
    ):
        with contextlib.suppress(OSError):  # which is what each of them raises for an answer that is none
            call()
    return True


def _tracked_run(given: Given) -> bool:
    with contextlib.suppress(OSError):
        tracked.sample(_link(given), 4)
    return True


def _addresses_run(given: Given) -> bool:
    with contextlib.suppress(OSError):
        list(interfaces.addresses(_link(given)))
    return True


def _frame_make(random: Random) -> Given:
    sample = duplicates._arp(b"\2\0\0\0\0\1", bytes((10, 0, 0, 9)))
    if random.random() < 0.5:
        sample = duplicates._solicitation(b"\2\0\0\0\0\1", bytes(15) + b"\1")
    return {"frame": _change(random, sample).hex(), "version": random.choice((4, 6))}


def _frame_run(given: Given) -> bool:
    duplicates._who(bytes.fromhex(given["frame"]), given["version"])
    return True


PARTS = (
    Part("netlink sockets", _maker(_tcp), _sockets_run, share=20),
    Part("netlink conntrack", _maker(_entry), _tracked_run, share=60),
    Part("netlink addresses", _maker(_address), _addresses_run, share=30),
    Part("frames", _frame_make, _frame_run, share=30),
)
