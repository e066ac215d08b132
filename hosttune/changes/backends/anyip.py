"""A prefix whose every address is this host's own (AnyIP); the target is the prefix, the state "present"."""

from __future__ import annotations

import ipaddress

from hosttune.changes.backends import PRESENT, check_presence, lacks_net_admin
from hosttune.host import Host, WritableHost
from hosttune.model import Change, State

RUNTIME = True

_WIDEST = {4: 16, 6: 48}
"""Bits of the prefix: wider ones hold more addresses than any host can use, and soon somebody else's too."""


def parse(target: str) -> str:
    """Return the prefix as it is written; raises ValueError with what is wrong and how to fix it."""
    if "/" not in target:
        raise ValueError(f"{target!r} has no length; write 10.9.0.0/24")
    prefix = ipaddress.ip_network(target, strict=False)
    given = ipaddress.ip_interface(target).ip
    if given != prefix.network_address:
        raise ValueError(f"{target} begins within its prefix; write {prefix}")
    if prefix.num_addresses < 2:
        raise ValueError(f"{target} is one address; write it as ADDRESS/{prefix.prefixlen}@lo without --anyip")
    if prefix.prefixlen < _WIDEST[prefix.version]:
        raise ValueError(f"{target} is too wide; /{_WIDEST[prefix.version]} is the widest that is made")
    if prefix.is_multicast or prefix.is_loopback or prefix.is_link_local or prefix.is_unspecified:
        raise ValueError(f"{target} is no prefix that connections can come from; write one of your network")
    return str(prefix)


def read(host: Host, target: str) -> State:
    """Say whether the loopback has the local route."""
    prefix = parse(target)
    return PRESENT if [prefix, "lo"] in [list(route) for route in host.probe("links")["local"]] else None


def write(host: WritableHost, target: str, state: State) -> None:
    """Add the local route, or take it away."""
    host.act("local_route", verb="add" if state == PRESENT else "del", prefix=parse(target))


def check(target: str, state: State) -> None:
    """Raise ValueError for what is no target, or no state of one."""
    parse(target)
    check_presence(target, state, "a prefix")


def barred(host: WritableHost, change: Change, capabilities: int) -> str:
    return lacks_net_admin(change, capabilities)


def rank(target: str) -> int:
    return 11
