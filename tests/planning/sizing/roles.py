"""Roles for plans in tests: the profiles that ship, or figures made up."""

from __future__ import annotations

from hosttune.model import BindMode, Machine, Reading, Setting, Sizing, Subject, Topology, Workload
from hosttune.planning.sizing import Role, size
from hosttune.workflows import role_settings


def shipped(topology: Topology) -> dict[str, Role]:
    """Return the roles of a topology as the command line has them."""
    return role_settings.of(topology)


def planned(topology: Topology) -> Sizing:
    """Return the sizing with the roles that ship."""
    return size(topology, shipped(topology))


def sized(topology: Topology, known: dict[str, Role]) -> Sizing:
    """Return the sizing with roles of one's own."""
    return size(topology, known)


def reading(key: str, value: int | tuple[int, ...]) -> Reading:
    return Reading(Subject("sysctl", key), value, value)


def small(name: str, mode: BindMode = BindMode.NO_PORT, low: int = 40000, high: int = 40009) -> Role:
    """Return a role whose hosts have ten ports or so, and settings that never bind."""
    readings = {
        f"sysctl:{key}": reading(key, value)
        for key, value in {
            "net.ipv4.ip_local_port_range": (low, high),
            "net.ipv4.tcp_tw_reuse": 1,
            "net.ipv4.tcp_timestamps": 1,
            "net.core.somaxconn": 2**31 - 1,
            "net.ipv4.tcp_syncookies": 1,
            "net.ipv4.tcp_max_syn_backlog": 2**31 - 1,
            "fs.nr_open": 2**30,
        }.items()
    }
    defaults = Workload(1, 1, own_descriptors=4, bind_mode=mode)

    def wants(workload: Workload, machine: Machine, processes: int) -> tuple[Setting, ...]:
        return ()

    return Role(name, defaults, lambda machine: readings, wants)
