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
    generated = used is not None and "/10-netplan-" in used[1]
    planned = _netplan(host, name, used[1] if used else "")
    if planned and (generated or not used):
        return planned
    if used:
        others = [p for p in host.glob("/run/systemd/netif/links/*") if not p.endswith(f"/{index}")]
        if any(f"NETWORK_FILE={used[1]}\n" in f"{text(host, path)}\n" for path in others):
            return Runner("", because=f"{used[1]} is shared with other interfaces, which would get the addresses too")
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
        if "Name" not in match or not _named(name, match["Name"]):
            continue
        if len(match) > 1:
            return Runner("", because=f"whether {path} matches {name} cannot be told from its name alone")
        if any(c in match["Name"] for c in "*?[! "):
            return Runner("", because=f"{path} may match other interfaces too, which would get the addresses")
        return Runner(NETWORKD, path, f"{path} is the first that matches {name}")
    return None


def _named(name: str, patterns: str) -> bool:
    negated = patterns.startswith("!")
    found = any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.removeprefix("!").split())
    return found != negated


def _ifupdown(host: Host, name: str) -> Runner | None:
    """Find the stanza, where ifupdown is installed, in interfaces(5) itself and in interfaces.d."""
    if not host.glob("/sbin/ifup") + host.glob("/usr/sbin/ifup"):
        return None
    for path in ("/etc/network/interfaces", *host.glob("/etc/network/interfaces.d/*")):
        if "hosttune" not in path and re.search(rf"^\s*iface\s+{re.escape(name)}\s", text(host, path), re.M):
            return Runner(IFUPDOWN, path, f"{path} has a stanza of {name}")
    return None
