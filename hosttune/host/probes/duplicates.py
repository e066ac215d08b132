"""Ask the link who has an address already, before it is given to an interface: nothing of this host changes by it.

IPv4: ARP probes, whose sender address is 0, so that no neighbour learns a wrong one (RFC 5227, 2.1.1). IPv6:
neighbour solicitations from the unspecified address, which the owner answers to all nodes (RFC 4862, 5.4.2; RFC 4861,
7.2.4). All addresses are asked together, a few times.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import select
import socket
import struct
import time
from collections.abc import Iterable
from typing import Any, TypedDict

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Address
from hosttune.model import Reason

_ROUNDS = (0.0, 0.5, 1.0)
"""Seconds at which the addresses are asked for; RFC 5227 sends three probes too, a second or two apart."""

_SECONDS = 1.8
_ARP, _IPV6 = 0x0806, 0x86DD  # linux/if_ether.h
_REQUEST, _REPLY = 1, 2
_SOLICIT, _ADVERT = 135, 136  # icmpv6 types, RFC 4861
_EVERYBODY = b"\xff" * 6
_BURST = 64  # frames between two looks at what has come back

Targets = dict[bytes, str]


class Duplicates(TypedDict):
    """The hardware address of whoever answered, by address; by interface why nobody could be asked there."""

    answers: dict[Address, str]
    unasked: dict[str, str]


def run(addresses: list[list[str]]) -> Duplicates:
    """Ask for each [address, interface]; raises HostError."""
    unasked: dict[str, str] = {}
    answers: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    for address, interface in addresses:
        wanted.setdefault(interface, []).append(address)
    open_: list[_Link] = []
    try:
        links = _links(wanted, unasked)
        for name, mac in links.items():
            open_ += [_Link(name, mac, v, t) for v in (4, 6) if (t := _of(wanted[name], v))]
        _ask(open_, answers)
    except OSError as error:
        reason = "takes CAP_NET_RAW" if error.errno == errno.EPERM else os.strerror(error.errno or 0)
        raise HostError(Reason.UNREADABLE, f"asking the link for duplicates: {reason}") from error
    finally:
        for link in open_:
            link.socket.close()
    return {"answers": answers, "unasked": unasked}


class _Link:
    """An interface with a socket for one family, and the addresses that are asked for there."""

    def __init__(self, name: str, mac: bytes, version: int, targets: Targets) -> None:
        self.version, self.mac, self.targets = version, mac, targets
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP if version == 4 else _IPV6))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((name, _ARP if version == 4 else _IPV6))
        self.socket.setblocking(False)


def _of(addresses: Iterable[str], version: int) -> Targets:
    parsed = (ipaddress.ip_address(address) for address in addresses)
    return {address.packed: str(address) for address in parsed if address.version == version}


def _links(wanted: Iterable[str], unasked: dict[str, str]) -> dict[str, bytes]:
    """Return the hardware address of each interface that can be asked, and note why the others cannot."""
    links = netlink.routing(lambda routing: {str(link.get_attr("IFLA_IFNAME")): link for link in routing.get_links()})
    asked: dict[str, bytes] = {}
    for name in wanted:
        why = _why_not(links[name]) if name in links else "is not there"
        if why:
            unasked[name] = why
        else:
            asked[name] = bytes.fromhex(str(links[name].get_attr("IFLA_ADDRESS")).replace(":", ""))
    return asked


def _why_not(link: Any) -> str:
    flags = link["flags"]
    if flags & kernel.IFF_LOOPBACK:
        return "is the loopback, where nobody else is"
    if flags & kernel.IFF_NOARP or link["ifi_type"] != kernel.ARPHRD_ETHER:
        return "has no ARP"
    if not flags & kernel.IFF_UP:
        return "is down"
    return "has no carrier" if link.get_attr("IFLA_CARRIER") == 0 else ""


def _ask(links: list[_Link], answers: dict[str, str]) -> None:
    """Send the rounds and take what comes back, until the time is over or all have answered."""
    start = time.monotonic()
    rounds = list(_ROUNDS)
    while links and (now := time.monotonic() - start) < _SECONDS:
        if rounds and now >= rounds[0]:
            rounds.pop(0)
            for link in links:
                _send(link, links, answers)
        if all(address in answers for link in links for address in link.targets.values()):
            return
        until = min(rounds[0] if rounds else _SECONDS, _SECONDS)
        _take(links, answers, max(until - (time.monotonic() - start), 0.0))


def _send(link: _Link, links: list[_Link], answers: dict[str, str]) -> None:
    for number, (packed, address) in enumerate(link.targets.items()):
        if address in answers:
            continue
        frame = _arp(link.mac, packed) if link.version == 4 else _solicitation(link.mac, packed)
        try:
            link.socket.send(frame)
        except BlockingIOError:
            pass  # its queue is full; the next round asks again
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
        if number % _BURST == _BURST - 1:
            _take(links, answers, 0.001)


def _take(links: list[_Link], answers: dict[str, str], seconds: float) -> None:
    """Take all that has arrived, waiting for the first of it."""
    ready = select.select([link.socket for link in links], [], [], seconds)[0]
    for link in links:
        while link.socket in ready:
            try:
                frame = link.socket.recv(2048)
            except BlockingIOError:
                break
            packed, mac = _who(frame, link.version)
            if packed in link.targets and mac != link.mac:
                answers.setdefault(link.targets[packed], mac.hex(":"))


def _arp(mac: bytes, target: bytes) -> bytes:
    """Return an ARP probe, RFC 826 with the sender protocol address 0 of RFC 5227."""
    head = struct.pack("!6s6sH", _EVERYBODY, mac, _ARP)
    return head + struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, _REQUEST, mac, bytes(4), bytes(6), target)


def _solicitation(mac: bytes, target: bytes) -> bytes:
    """Return a neighbour solicitation from the unspecified address to the group of those that end alike."""
    group = bytes.fromhex("ff0200000000000000000001ff") + target[13:]
    body = struct.pack("!BBHI", _SOLICIT, 0, 0, 0) + target
    pseudo = bytes(16) + group + struct.pack("!II", len(body), socket.IPPROTO_ICMPV6)
    body = body[:2] + struct.pack("!H", _checksum(pseudo + body)) + body[4:]
    packet = struct.pack("!IHBB", 6 << 28, len(body), socket.IPPROTO_ICMPV6, 255) + bytes(16) + group + body
    return struct.pack("!6s6sH", b"\x33\x33" + group[12:], mac, _IPV6) + packet


def _who(frame: bytes, version: int) -> tuple[bytes, bytes]:
    """Return the address that a frame is proof of, and whose it is; nothing for any other frame.

    Another one's probe for the same address counts too: it is about to take it.
    """
    if version == 4:
        if len(frame) < 42 or struct.unpack_from("!HHBB", frame, 14) != (1, 0x0800, 6, 4):
            return b"", b""
        operation, mac, sender = struct.unpack_from("!H6s4s", frame, 20)
        target = frame[38:42]
        probe = operation == _REQUEST and sender == bytes(4)
        return (target if probe else sender), mac
    # no header between that of IPv6 and the message: RFC 4861 allows none that matters here
    if len(frame) < 78 or frame[20] != socket.IPPROTO_ICMPV6 or frame[21] != 255:
        return b"", b""
    kind = frame[54]
    if kind == _ADVERT or (kind == _SOLICIT and frame[22:38] == bytes(16)):
        return frame[62:78], frame[6:12]
    return b"", b""


def _checksum(data: bytes) -> int:
    """Return the sum of the Internet's protocols (RFC 1071) over an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)
