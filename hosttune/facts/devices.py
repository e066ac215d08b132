"""Which sockets of a host take ports from a program's: those of other devices and other VRFs may not.

net/ipv4/inet_hashtables.c and include/net/inet_sock.h: a connection meets another by inet_bound_dev_eq(), a bind()
its bucket by inet_sk_bound_l3mdev() and its conflicts by inet_bind_conflict().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hosttune.addresses import needs_zone
from hosttune.errors import HostError, UsageError
from hosttune.host import Host, text
from hosttune.model import Backend

_SETS = ("established", "time_wait", "half_closed", "other")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """The sockets as a program sees them that is bound to `device`, "" for none; `vrfs` is the VRF of each interface.

    `shared`: net.ipv4.tcp_l3mdev_accept has one table of ports for all VRFs.
    """

    device: str
    vrfs: Mapping[str, str]
    shared: bool

    @property
    def vrf(self) -> str:
        """The VRF that the program is in, "" for none."""
        return self.vrfs.get(self.device, "")

    def meets(self, other: str) -> bool:
        """Say whether a connection of a socket bound to `other` is in the way of one of ours with the same tuple."""
        if not other:
            return not self.vrf or self.shared
        return other in (self.device, self.vrf)

    def shares(self, other: str) -> bool:
        """Say whether a bound socket has its ports in the same buckets as ours."""
        return self.shared or self.vrfs.get(other, "") == self.vrf

    def conflicts(self, other: str) -> bool:
        """Say whether a bind() of ours meets that of a socket bound to `other`."""
        return self.shares(other) and (not self.device or not other or self.device == other)


def within(host: Host, answer: Row, device: str, backends: Iterable[Backend]) -> Row:
    """Return the answer of the sockets probe with what a program sees that is bound to `device`.

    Raises UsageError where there is no such interface, and HostError.
    """
    view = view_of(host, (*answer["tuples"], *answer["held"], *answer["local"]), device)
    if view is None:
        return answer
    zones = {backend.zone for backend in backends if backend.zone}

    def mine(row: Row) -> bool:
        other = row.get("device", "")
        # a socket to a link-local address is bound to its interface by the very connect()
        return view.meets(other) or (needs_zone(row["address"]) and other in zones)

    return {
        **answer,
        "tuples": _joined(answer["tuples"], mine, ("source", "address", "port"), _SETS),
        "held": [row for row in answer["held"] if view.shares(row.get("device", ""))],
        "local": _joined(answer["local"], lambda row: view.conflicts(row.get("device", "")), ("address",), ("ports",)),
    }


def view_of(host: Host, rows: Iterable[Row], device: str) -> View | None:
    """Return how a program that is bound to `device` sees rows of sockets, None where none of all is bound to any.

    Raises UsageError where there is no such interface.
    """
    if not device and not any("device" in row for row in rows):
        return None
    try:
        vrfs = host.probe("devices")
    except HostError:
        vrfs = {}
    if device and vrfs and device not in vrfs:
        raise UsageError(f"--device {device}: no such interface here; `ip -br link` lists those there are")
    return View(device, vrfs, text(host, "/proc/sys/net/ipv4/tcp_l3mdev_accept") == "1")


def _joined(rows: Iterable[Row], kept: Callable[[Row], bool], by: tuple[str, ...], sets: tuple[str, ...]) -> list[Row]:
    """Return the rows that are kept, those of several devices as one."""
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        if not kept(row):
            continue
        joined = made.setdefault(tuple(row[name] for name in by), {name: row[name] for name in by})
        for name in sets:
            joined[name] = hex(int(joined.get(name, "0"), 16) | int(row.get(name, "0"), 16))
    return list(made.values())
