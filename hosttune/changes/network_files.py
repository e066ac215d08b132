"""Source addresses and local prefixes that come back after a boot: a file of our own for whoever runs the interface.

The route of a prefix is `local PREFIX dev lo`: systemd.network(5) and netplan(5) have a type of route for it, ifupdown
runs a script (interfaces(5)). NetworkManager knows no such route.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hosttune.changes import entries
from hosttune.changes.backends import directory
from hosttune.changes.draft import Draft
from hosttune.changes.written import stranger
from hosttune.errors import HostError
from hosttune.facts import interface
from hosttune.facts.interface import Runner
from hosttune.host import Host
from hosttune.model import Change, FileState

_PREFIX = re.compile(r"(?<![0-9A-Fa-f:.])([0-9A-Fa-f:.]+/[0-9]{1,3})(?![0-9A-Za-z/])")
_OWN = "/etc/systemd/network/90-hosttune-lo.network"


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A file of ours: its text is `head` and `each` of what it keeps; `why` is the evidence for it."""

    path: str
    mode: int
    head: str
    each: Callable[[str], str]
    why: str


def of_addresses(by: Runner, name: str) -> NetworkFile | None:
    """Return the file that keeps the addresses of an interface, None where nobody is known to run it."""
    return _ADDRESSES[by.kind](name, by) if by.kind else None


def of_prefixes(host: Host) -> tuple[NetworkFile | None, str]:
    """Return the file that keeps local prefixes; or None, and why there is none."""
    by = interface.runner(host, "lo")
    if by.kind in _PREFIXES:
        return _PREFIXES[by.kind](by), by.because
    if by.kind:
        return None, f"{by.because}, which has no local routes"
    # an own file of the loopback takes nothing from another one: none has matched it
    if host.glob("/run/systemd/netif/links/*") and by.because == interface.NOBODY:
        # what others have put onto the loopback stays when networkd starts again: KeepConfiguration=static
        head = "[Match]\nName=lo\n\n[Network]\nKeepConfiguration=static\n"
        why = "systemd-networkd runs, and no file of it matches lo"
        return NetworkFile(_OWN, 0o644, entries.HEADER + head, _route, why), why
    return None, by.because


def paths(host: Host, names: Iterable[str]) -> set[str]:
    """Return the files of ours that keep the addresses of interfaces, and local prefixes."""
    files = [of_addresses(interface.runner(host, name), name) for name in names]
    return {file.path for file in (*files, of_prefixes(host)[0]) if file}


def keep(draft: Draft, file: NetworkFile, come: Sequence[str], go: Sequence[str]) -> list[Change]:
    """Return the changes that add to a file of ours, and take out of it; what bars that is refused."""
    path = file.path
    try:
        before = draft.world.state(path)
    except HostError as error:
        draft.refusals.append(f"{path}: {error}; move it away, or --runtime-only")
        return []
    if why := _foreign(draft, path, before):
        # where some only go, a file of others is theirs, and is asked for by name if it brings one back
        draft.refusals += [why] if come else []
        return []
    present = _PREFIX.findall(before.text) if before else []
    kept = [prefix for prefix in dict.fromkeys([*present, *come]) if prefix not in go]
    if kept == present:
        return []
    if not kept:
        return [Change("file", path, before, None, (), file.why)]
    text = file.head + "".join(map(file.each, kept))
    after = entries.file_state(text, before) if before else FileState(text, file.mode)
    return [*directory.made(draft.world, path), Change("file", path, before, after, (), file.why)]


def _foreign(draft: Draft, path: str, before: FileState | None) -> str:
    """Return why a file is not added to: it is not ours, or says what no apply in force has written."""
    if before is None:
        return ""
    if entries.MARK not in before.text:
        return f"{path} is there and hosttune did not write it: move it away, or --runtime-only"
    planned = path in draft.world.states("file")
    unknown = "" if planned else stranger(path, before.text, draft.facts.written)
    why = "no apply in force has written that (`hosttune history`)"
    return f"{path} says {unknown!r}: {why}; move it away, or --runtime-only" if unknown else ""


def _drop_in(by: Runner, name: str) -> str:
    """A drop-in adds to the addresses and the routes of its file (systemd.network(5))."""
    return f"/etc/systemd/network/{by.path.rpartition('/')[2]}.d/{name}.conf"


def _netplan(by: Runner, name: str, key: str, each: Callable[[str], str]) -> NetworkFile:
    """Netplan joins the lists of all its files (netplan(5)); it warns of files that others can read."""
    head = f"{entries.HEADER}network:\n  version: 2\n  {by.section}:\n    {by.id}:\n      {key}:\n"
    return NetworkFile(f"/etc/netplan/{name}.yaml", 0o600, head, each, by.because)


def _script(by: Runner, path: str, unless: str, each: Callable[[str], str]) -> NetworkFile:
    return NetworkFile(path, 0o755, f"#!/bin/sh\n{entries.HEADER}[ {unless} ] || exit 0\n", each, by.because)


def _ifupdown(by: Runner, name: str, interface_: str, each: Callable[[str], str]) -> NetworkFile:
    """A script of interfaces(5): a stanza of our own could come first, and make our address the primary one.

    Names there have no dot (run-parts(8)).
    """
    name = name.replace(".", "__").replace(":", "_")
    return _script(by, f"/etc/network/if-up.d/hosttune-{name}", f'"$IFACE" = {interface_}', each)


def _replace(name: str) -> Callable[[str], str]:
    # without `nodad` each IPv6 address would wait for duplicate detection
    return lambda cidr: f"ip address replace {cidr} dev {name}{' nodad' * (':' in cidr)}\n"


def _route(prefix: str) -> str:
    return f"\n[Route]\nDestination={prefix}\nType=local\n"


_ADDRESSES: dict[str, Callable[[str, Runner], NetworkFile]] = {
    interface.NETWORKD: lambda name, by: NetworkFile(
        _drop_in(by, "90-hosttune"), 0o644, entries.HEADER + "[Network]\n", "Address={}\n".format, by.because
    ),
    interface.NETPLAN: lambda name, by: _netplan(by, f"90-hosttune-{name}", "addresses", '        - "{}"\n'.format),
    interface.IFUPDOWN: lambda name, by: _ifupdown(by, name, f'"{name}"', _replace(name)),
    # the connection profiles belong to others: a dispatcher script adds to them (NetworkManager-dispatcher(8))
    interface.MANAGER: lambda name, by: _script(
        by, f"/etc/NetworkManager/dispatcher.d/90-hosttune-{name}", f'"$1 $2" = "{name} up"', _replace(name)
    ),
}
_PREFIXES: dict[str, Callable[[Runner], NetworkFile]] = {
    interface.NETWORKD: lambda by: NetworkFile(
        _drop_in(by, "91-hosttune-anyip"), 0o644, entries.HEADER, _route, by.because
    ),
    interface.NETPLAN: lambda by: _netplan(
        by, "91-hosttune-anyip", "routes", '        - to: "{}"\n          type: local\n'.format
    ),
    interface.IFUPDOWN: lambda by: _ifupdown(by, "anyip", "lo", "ip route replace local {} dev lo\n".format),
}
