"""Who gives an interface its addresses: systemd-networkd, netplan, NetworkManager or ifupdown."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass

from hosttune.facts.machine import text
from hosttune.host import Host
from hosttune.resolve.systemd_limits import settings

NETWORKD, NETPLAN, MANAGER, IFUPDOWN = "networkd", "netplan", "networkmanager", "ifupdown"

_NETWORKD_PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib")
_SECTIONS = ("ethernets", "bonds", "bridges", "vlans", "wifis")  # netplan(5)


@dataclass(frozen=True, slots=True)
class Runner:
    """`kind` is one of the four, "" where it could not be told; `because` the evidence, or what was looked for.

    `path` is the file that decides. Of netplan `section` and `id` are where the interface stands in it.
    """

    kind: str
    path: str = ""
    because: str = ""
    section: str = ""
    id: str = ""


def runner(host: Host, name: str) -> Runner:
    """Return who runs an interface: what runs now first, then what the files on disk say."""
    index = text(host, f"/sys/class/net/{name}/ifindex")
    state = text(host, f"/run/systemd/netif/links/{index}") if index.isdigit() else ""
    used = re.search(r"^NETWORK_FILE=(/\S+\.network)$", state, re.M)
    planned = _netplan(host, name, used[1] if used else "")
    if planned:
        return planned
    if used:
        return Runner(NETWORKD, used[1], f"systemd-networkd runs {name} by {used[1]}")
    device = text(host, f"/run/NetworkManager/devices/{index}") if index.isdigit() else ""
    if "connection-uuid=" in device:
        return Runner(MANAGER, "", f"NetworkManager has a connection on {name}")
    return _ifupdown(host, name) or _matching(host, name) or Runner("", because="no file or daemon was found to run it")


def _netplan(host: Host, name: str, used: str) -> Runner | None:
    """Find the interface among the definitions; under networkd the generated file's name holds the id."""
    id_ = used.rpartition("/10-netplan-")[2].removesuffix(".network") if "/10-netplan-" in used else name
    for path in host.glob("/etc/netplan/*.yaml"):
        if "hosttune" in path:
            continue
        section = ""
        for line in text(host, path).splitlines():
            found = re.match(r" +[\"']?([A-Za-z0-9_.:-]+)[\"']? *:", line)
            if found and found[1] in _SECTIONS:
                section = found[1]
            elif found and section and found[1] == id_:
                return Runner(NETPLAN, path, f"{path} defines {id_}", section, id_)
    return None


def _matching(host: Host, name: str) -> Runner | None:
    """Find the first .network file that matches by name, where systemd-networkd is enabled (systemd.network(5))."""
    if not host.glob("/etc/systemd/system/*.wants/systemd-networkd.service"):
        return None
    files: dict[str, str] = {}
    for place in _NETWORKD_PLACES:
        for path in host.glob(f"{place}/systemd/network/*.network"):
            files.setdefault(path.rpartition("/")[2], path)
    for _, path in sorted(files.items()):
        match = {key: value for section, key, value, _ in settings(text(host, path)) if section == "Match"}
        if list(match) == ["Name"] and _named(name, match["Name"]):
            return Runner(NETWORKD, path, f"{path} is the first that matches {name}")
    return None


def _named(name: str, patterns: str) -> bool:
    negated = patterns.startswith("!")
    found = any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.removeprefix("!").split())
    return found != negated


def _ifupdown(host: Host, name: str) -> Runner | None:
    """Find the stanza; of the files that interfaces(5) can source, those of interfaces.d are looked at."""
    for path in ("/etc/network/interfaces", *host.glob("/etc/network/interfaces.d/*")):
        if "hosttune" not in path and re.search(rf"^\s*iface\s+{re.escape(name)}\s", text(host, path), re.M):
            return Runner(IFUPDOWN, path, f"{path} has a stanza of {name}")
    return None
