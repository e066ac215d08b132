"""A source address of an interface; the target is ADDRESS/PREFIX@INTERFACE, the state "present"."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable

from hosttune.changes.backends import PRESENT, check_presence, lacks_net_admin
from hosttune.host import Host, WritableHost
from hosttune.model import Change, State

RUNTIME = True


@functools.lru_cache(maxsize=16)  # a change is asked for both of its states, then read, written and read again
def parse(target: str) -> tuple[str, str]:
    """Return address with prefix and interface; raises ValueError."""
    address, at, interface = target.rpartition("@")
    if not at or "/" not in address or "%" in address or not re.fullmatch(r"[A-Za-z0-9_.:-]{1,15}", interface):
        raise ValueError(f"{target!r} is not ADDRESS/PREFIX@INTERFACE")
    return str(ipaddress.ip_interface(address)), interface


def read(host: Host, target: str) -> State:
    """Say whether the interface has the address."""
    address, interface = parse(target)
    interfaces = host.probe("interfaces")
    return PRESENT if address in interfaces.get(interface, []) else None


def write(host: WritableHost, target: str, state: State) -> None:
    """Give the interface the address, or take it away."""
    address, interface = parse(target)
    host.act("address", verb="add" if state == PRESENT else "del", address=address, interface=interface)


def check(target: str, state: State) -> None:
    """Raise ValueError for what is no target, or no state of one."""
    parse(target)
    check_presence(target, state, "an address")


def barred(host: WritableHost, change: Change, capabilities: int) -> str:
    return lacks_net_admin(change, capabilities)


def rank(target: str) -> int:
    return 11


def under_another_prefix(address: str, there: Iterable[str]) -> str:
    """Return an IPv6 address as an interface has it where only the prefix differs: the kernel would refuse it (EEXIST).

    Of IPv4 an address may be there once for each prefix (net/ipv4/devinet.c, net/ipv6/addrconf.c).
    """
    wanted = ipaddress.ip_interface(address)
    others = [other for other in map(ipaddress.ip_interface, there) if other.ip == wanted.ip and wanted.version == 6]
    return str(others[0]) if others and wanted not in others else ""
