"""What IPVS balances here, and how many connections it keeps (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_conn.c)."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter

from hosttune.errors import HostError
from hosttune.host import Host, text
from hosttune.model import Ipvs, Reason, Unknown
from hosttune.model.listening import endpoint

_SERVICES, _CONNECTIONS = "/proc/net/ip_vs", "/proc/net/ip_vs_conn"
_MOST = 20_000
"""Connections: of more of them the states are not looked at, for the kernel walks its whole table to write them."""

_KEYS = "/proc/sys/net/ipv4/vs/"
_SERVICE = re.compile(r"^TCP +(\S{1,64}):([0-9A-F]{4}) ", re.M)
# what a server behind a service holds: `-> ADDRESS:PORT Masq 1 3 100`, the last two are active and inactive
_SERVER = re.compile(r"^ +-> +\S{1,64} +[A-Za-z]+ +-?\d{1,10} +(\d{1,12}) +(\d{1,12})\s*$", re.M)
_ENTRY = re.compile(r"^TCP +\S{1,64} +[0-9A-F]{4} +\S{1,64} +[0-9A-F]{4} +\S{1,64} +[0-9A-F]{4} +([A-Z_]{1,16}) ", re.M)


def gather(host: Host) -> Ipvs | Unknown | None:
    """Return what there is; None where the kernel has no IPVS, Unknown where that is not seen."""
    try:
        table = host.read(_SERVICES)
    except HostError as error:
        if error.reason is Reason.ABSENT and not text(host, _CONNECTIONS):
            return None
        table = ""
        if not text(host, _CONNECTIONS):
            return Unknown(error.reason, error.detail)
    held = sum(int(active) + int(inactive) for active, inactive in _SERVER.findall(table))
    states, whole = _states(host) if held <= _MOST else ({}, False)
    services = (_endpoint(*match) for match in _SERVICE.findall(table))
    return Ipvs(
        services=tuple(sorted(set(filter(None, services)))),
        entries=max(held, sum(states.values())),
        states=states,
        whole=whole,
        reuse=_number(host, "conn_reuse_mode"),
        expires=_number(host, "expire_nodest_conn"),
    )


def _states(host: Host) -> tuple[dict[str, int], bool]:
    """Return how many entries are in each state, and whether they are all: a table that is too long is not read."""
    try:
        return dict(Counter(_ENTRY.findall(host.read(_CONNECTIONS)))), True
    except HostError as error:
        return {}, error.reason is Reason.ABSENT


def _number(host: Host, key: str) -> int | None:
    value = text(host, _KEYS + key)
    return int(value) if re.fullmatch(r"\d{1,10}", value) else None


def _endpoint(address: str, port: str) -> str:
    """Return an endpoint of the table, whose IPv4 addresses are in hexadecimal; "" of what is none."""
    try:
        own = ipaddress.ip_address(int(address, 16) if re.fullmatch("[0-9A-F]{8}", address) else address.strip("[]"))
    except ValueError:
        return ""
    return endpoint(str(own), int(port, 16))
