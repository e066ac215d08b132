"""Have the kernel keep the other addresses of a subnet whose first one goes, as changes that the journal knows.

Without promote_secondaries it deletes them with it (net/ipv4/devinet.c, __inet_del_ifa). The setting is 1 from before
the first such address goes until after the last one, whichever way changes are made.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from hosttune.changes import backends
from hosttune.changes.backends import address
from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Change

# a dotted key has a slash for a dot of a name, and no name is a directory of its own
_KEY = re.compile(r"net\.ipv4\.conf\.(?!/{1,2}\.)[^\s.:*?\[\]!^]{1,15}\.promote_secondaries")
_WHY = "the other addresses of its subnet stay while the first one goes"


def around(host: Host, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return changes in their order, with the setting of each interface that needs it before and after.

    `host` is as it is before the first of them.
    """
    ends = _ends(host, changes)
    made: list[Change] = []
    for number, change in enumerate(changes):
        made += [_set(name, "0", "1") for name, (first, _) in ends.items() if first == number]
        made.append(change)
        made += [_set(name, "1", "0") for name, (_, last) in ends.items() if last == number]
    return tuple(made)


def reversed_safely(host: Host, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the changes of an apply so that taking them back in reverse needs no more: the setting around them.

    The same where no address that has come is the first of its subnet, with others behind it.
    """
    back = [c.reverse for c in reversed(changes) if c.backend == "address"]
    due = [c for c in back if _present(host, c.target) != (c.after is not None)]
    names = {c.target for c in around(host, due) if c.backend == "sysctl"}
    ends = [c.target.rpartition("@")[2] for c in back if key_of(c.target.rpartition("@")[2]) in names]
    if not ends:
        return changes
    before = tuple(_set(name, "0", "1") for name in dict.fromkeys(ends))
    after = tuple(_set(name, "1", "0") for name in dict.fromkeys(ends))
    # what is around all of them needs none of its own in between
    return (*before, *(c for c in changes if not (is_setting(c) and c.target in names)), *after)


def again(host: Host, stuck: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes that are to be tried again, with the setting around them."""
    return around(host, [c for c in stuck if not (is_setting(c) and c.after == "1")])


def key_of(interface: str) -> str:
    """Return the sysctl of an interface; a dot in its name is a slash in a dotted key."""
    return f"net.ipv4.conf.{interface.replace('.', '/')}.promote_secondaries"


def is_setting(change: Change) -> bool:
    """Say whether a change is one of the setting."""
    return change.backend == "sysctl" and is_key(change.target)


def is_key(key: str) -> bool:
    """Say whether a sysctl is that of an interface; its name has at most 15 bytes (IFNAMSIZ, linux/if.h)."""
    return bool(_KEY.fullmatch(key))


def _ends(host: Host, changes: Sequence[Change]) -> dict[str, tuple[int, int]]:
    """Return the first and the last change of each interface between which the setting has to be 1."""
    gone = {i for c in changes if _goes(c) and _off(host, i := c.target.rpartition("@")[2], changes)}
    if not gone:
        return {}
    there = {name: list(addresses) for name, addresses in host.probe("interfaces").items()}
    ends: dict[str, tuple[int, int]] = {}
    for number, change in enumerate(changes):
        if change.backend != "address":
            continue
        cidr, name = address.parse(change.target)
        others = there.setdefault(name, [])
        if change.after is not None:
            others.append(cidr)
            continue
        if name in gone and cidr in others and (name in ends or _takes_others(cidr, others)):
            ends[name] = (ends.get(name, (number, 0))[0], number)
        others[:] = [other for other in others if other != cidr]
    return ends


def _goes(change: Change) -> bool:
    return change.backend == "address" and change.after is None and ":" not in change.target


def _takes_others(cidr: str, there: Iterable[str]) -> bool:
    """Say whether an address is the first of its subnet and has others behind it; the kernel lists the first one first.

    Of the same subnet are those with the same prefix length in it (inet_ifa_match()).
    """
    network = ipaddress.ip_interface(cidr).network
    same = [other for other in there if ":" not in other and ipaddress.ip_interface(other).network == network]
    return len(same) > 1 and same[0] == cidr


def _off(host: Host, interface: str, changes: Iterable[Change]) -> bool:
    """Say whether the setting is 0 for an interface, once the other changes are made; that of all turns it on too."""
    planned = {c.target: c.after for c in changes if c.backend == "sysctl"}
    return all(planned.get(key, _read(host, key)) == "0" for key in (key_of(interface), key_of("all")))


def _read(host: Host, key: str) -> object:
    try:
        return backends.read(host, "sysctl", key)
    except HostError:
        return None  # no such interface any more, and no address of it to keep


def _present(host: Host, target: str) -> bool:
    try:
        return backends.read(host, "address", target) is not None
    except HostError:
        return False


def _set(interface: str, before: str, after: str) -> Change:
    return Change("sysctl", key_of(interface), before, after, (), _WHY)
