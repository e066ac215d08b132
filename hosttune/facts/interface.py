"""Who gives an interface its addresses: systemd-networkd, netplan, NetworkManager or ifupdown."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.facts import netplan
from hosttune.host import Host, text
from hosttune.resolve.systemd_limits import settings

NETWORKD, NETPLAN, MANAGER, IFUPDOWN = "networkd", "netplan", "networkmanager", "ifupdown"

_NETWORKD_PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib")
_MOST_SOURCED = 200  # files: recursion is bounded too
_STARTED = ("auto", "allow-auto", "allow-hotplug")
NOBODY = "no file or daemon was found to run it"


@dataclass(frozen=True, slots=True)
class Runner:
    """`kind` is one of the four, "" where it is unknown; `because` the evidence, or what was looked for.

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
    state = text(host, f"/run/systemd/netif/links/{index}") if index.isdecimal() else ""
    used = re.search(r"^NETWORK_FILE=(/\S+\.network)$", state, re.M)
    if used:
        return _networkd(host, name, used[1], index)
    planned = netplan.find(host, name, "")
    if planned and planned.unclear:
        return Runner("", because=planned.unclear)
    if planned:
        return _planned(planned)
    device = text(host, f"/run/NetworkManager/devices/{index}") if index.isdecimal() else ""
    connection = re.search(r"^connection-uuid=(\S+)$", device, re.M)
    if connection and not _external(host, connection[1]):
        return Runner(MANAGER, "", f"NetworkManager has a connection on {name}")
    return _ifupdown(host, name) or _matching(host, name) or Runner("", because=NOBODY)


def _networkd(host: Host, name: str, used: str, index: str) -> Runner:
    """Return netplan where it made the file that systemd-networkd goes by, else networkd; nobody if others share it.

    What netplan does not take in a few lines a drop-in adds to the file that it makes.
    """
    others = [p for p in host.glob("/run/systemd/netif/links/*") if not p.endswith(f"/{index}")]
    if any(f"NETWORK_FILE={used}\n" in f"{text(host, path)}\n" for path in others):
        return Runner("", because=f"{used} is shared with other interfaces, which would get the addresses too")
    generated = re.search(r"/10-netplan-(.+)\.network$", used)
    planned = netplan.find(host, name, generated[1]) if generated else None
    if planned and not planned.unclear:
        return _planned(planned)
    return Runner(NETWORKD, used, f"systemd-networkd runs {name} by {used}")


def _planned(definition: netplan.Definition) -> Runner:
    return Runner(
        NETPLAN, definition.path, f"{definition.path} defines {definition.id}", definition.section, definition.id
    )


def _external(host: Host, uuid: str) -> bool:
    """Say whether a connection is one that NetworkManager only noticed: others made it, and it keeps nothing of it."""
    for path in host.glob("/run/NetworkManager/system-connections/*.nmconnection"):
        content = text(host, path)
        if re.search(rf"^uuid={re.escape(uuid)}$", content, re.M) and re.search(r"^external=true$", content, re.M):
            return True
    return False


def _matching(host: Host, name: str) -> Runner | None:
    """Find the first .network file that matches by name, where systemd-networkd is enabled (systemd.network(5))."""
    if not host.glob("/etc/systemd/system/*.wants/systemd-networkd.service"):
        return None
    files: dict[str, str] = {}
    for place in _NETWORKD_PLACES:
        for path in host.glob(f"{place}/systemd/network/*.network"):
            files.setdefault(path.rpartition("/")[2], path)
    for _, path in sorted(files.items()):
        match: dict[str, str] = {}
        for section, key, value, _ in settings(text(host, path)):
            if section == "Match":  # a line adds to those before it, an empty one forgets them
                match[key] = f"{match[key]}\n{value}" if value and match.get(key) else value
        if not match.get("Name") or not _named(name, match["Name"]):
            continue
        if len(match) > 1:
            return Runner("", because=f"whether {path} matches {name} is unknown from its name alone")
        if any(c in match["Name"] for c in "*?[! \n"):
            return Runner("", because=f"{path} may match other interfaces too, which would get the addresses")
        return Runner(NETWORKD, path, f"{path} is the first that matches {name}")
    return None


def _named(name: str, patterns: str) -> bool:
    """Say whether Name= matches, its lines joined by line ends; a line that begins with ! is of names that do not.

    As net_condition_test_strv() of systemd's src/shared/net-condition.c has it.
    """
    wanted: list[str] = []
    refused: list[str] = []
    for line in patterns.split("\n"):
        (refused if line.startswith("!") else wanted).extend(line.removeprefix("!").split())
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in refused):
        return False
    return not wanted or any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)


def _ifupdown(host: Host, name: str) -> Runner | None:
    """Find the stanza, where ifupdown is installed, and see that something brings it up at a boot (interfaces(5))."""
    if not host.glob("/sbin/ifup") + host.glob("/usr/sbin/ifup"):
        return None
    lines = list(_interfaces(host, "/etc/network/interfaces", set()))
    stanza = next((path for path, words in lines if words[:2] == ["iface", name]), None)
    if stanza is None:
        return None
    starts = [word for _, words in lines if words[0] in _STARTED for word in words[1:]]
    if any(fnmatch.fnmatchcase(name, word.removeprefix("/")) if word[0] == "/" else word == name for word in starts):
        return Runner(IFUPDOWN, stanza, f"{stanza} has a stanza of {name}")
    reason = f"{stanza} has a stanza of {name}, but no line `auto` or `allow-hotplug` brings it up at a boot"
    return Runner("", because=reason)


def _interfaces(host: Host, path: str, seen: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of each line with the file it stands in, those of other files where they are sourced.

    A file is read once, however often it is sourced: what it says again changes nothing, and files that source one
    another have no end.
    """
    if path in seen or len(seen) >= _MOST_SOURCED:
        return
    seen.add(path)
    folder = path.rpartition("/")[0]
    for line in text(host, path).replace("\\\n", " ").splitlines():
        words = line.split()
        if not words or words[0][0] == "#":
            continue
        yield path, words
        sourced: list[str] = []
        for pattern in words[1:]:
            pattern = pattern if pattern[0] == "/" else f"{folder}/{pattern}"
            if words[0] == "source":
                sourced += host.glob(pattern)
            elif words[0] == "source-directory":
                sourced += [p for p in host.glob(f"{pattern.rstrip('/')}/*") if re.fullmatch(r".*/[A-Za-z0-9_-]+", p)]
        for more in sourced:
            yield from _interfaces(host, more, seen)
