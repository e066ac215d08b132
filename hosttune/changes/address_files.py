"""Source addresses that come back after a boot: a file of our own for whoever runs the interface."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from hosttune.changes import entries
from hosttune.changes.backends import address, directory
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.changes.written import Written, stranger
from hosttune.errors import HostError
from hosttune.facts import interface
from hosttune.facts.interface import Runner
from hosttune.host import Host
from hosttune.model import Change, FileState

_ADDRESS = re.compile(r"(?<![0-9A-Fa-f:.])([0-9A-Fa-f:.]+/[0-9]{1,3})(?![0-9A-Za-z/])")


def address_files(
    world: Planned, request: Request, refusals: list[str], notes: list[str], written: Written = None
) -> list[Change]:
    """Return the changes, one file an interface; an interface that nobody is seen to run is refused.

    `written` are the lines of our files that the journal knows.
    """
    wanted, gone = _by_interface(request.addresses), _by_interface(request.remove)
    made: list[Change] = []
    for name in dict.fromkeys([*wanted, *gone]):
        by = interface.runner(world, name)
        if not by.kind and name in wanted:
            refusals.append(f"addresses of {name}: {by.because}, so they would be gone after a boot; --runtime-only")
        elif by.kind:
            found = _file(world, name, by, wanted.get(name, []), gone.get(name, []), refusals, written)
            made += found
            if found and name in wanted and not request.runtime:
                notes.append(f"the addresses of {name} come with the next boot, or when {by.kind} starts it again")
    return made


def path_of(host: Host, name: str) -> str:
    """Return the file of ours that keeps the addresses of an interface, "" where nobody is seen to run it."""
    by = interface.runner(host, name)
    return _FORMS[by.kind](name, by)[0] if by.kind else ""


def _by_interface(targets: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for target in targets:
        one, name = address.parse(target)
        found.setdefault(name, []).append(one)
    return found


def _file(
    world: Planned,
    name: str,
    by: Runner,
    wanted: list[str],
    gone: list[str],
    refusals: list[str],
    written: Written,
) -> list[Change]:
    path, mode, render = _FORMS[by.kind](name, by)
    try:
        before = world.state(path)
    except HostError as error:
        refusals.append(f"{path}: {error}; move it away, or --runtime-only")
        return []
    if before is not None and entries.MARK not in before.text:
        # where addresses only go, a file of others is theirs, and is asked for by name if it brings one back
        if wanted:
            refusals.append(f"{path} is there and hosttune did not write it: move it away, or --runtime-only")
        return []
    if unknown := foreign_line(world, path, before, written):
        refusals += [unknown] if wanted else []
        return []
    present = _ADDRESS.findall(before.text) if before else []
    all_ = [one for one in dict.fromkeys([*present, *wanted]) if one not in gone]
    if all_ == present:
        return []
    if not all_:
        return [Change("file", path, before, None, (), by.because)]
    after = entries.file_state(render(all_), before) if before else FileState(render(all_), mode)
    made = [Change("directory", d, None, directory.PRESENT) for d in directory.missing(world, path)]
    return [*made, Change("file", path, before, after, (), by.because)]


def foreign_line(world: Planned, path: str, before: FileState | None, written: Written) -> str:
    """Return why a file of ours is not added to: it says what no apply in force has written; "" where it does not."""
    unknown = stranger(path, before.text, written) if before is not None and path not in world.states("file") else ""
    said = "no apply in force has written that (`hosttune history`)"
    return f"{path} says {unknown!r}: {said}; move it away, or --runtime-only" if unknown else ""


Form = tuple[str, int, Callable[[list[str]], str]]


def _networkd(name: str, by: Runner) -> Form:
    """A drop-in adds to the list of addresses (systemd.network(5))."""
    lines = entries.HEADER + "[Network]\n"
    path = f"/etc/systemd/network/{by.path.rpartition('/')[2]}.d/90-hosttune.conf"
    return path, 0o644, lambda found: lines + "".join(f"Address={one}\n" for one in found)


def _netplan(name: str, by: Runner) -> Form:
    """Netplan joins the lists of all its files (netplan(5)); it warns of files that others can read."""
    head = f"{entries.HEADER}network:\n  version: 2\n  {by.section}:\n    {by.id}:\n      addresses:\n"
    path = f"/etc/netplan/90-hosttune-{name}.yaml"
    return path, 0o600, lambda found: head + "".join(f'        - "{one}"\n' for one in found)


def _ifupdown(name: str, by: Runner) -> Form:
    """A script of interfaces(5): a stanza of our own could come first, and make our address the primary one.

    Names there have no dot (run-parts(8)). Without `nodad` each IPv6 address would wait for duplicate detection.
    """
    head = f'#!/bin/sh\n{entries.HEADER}[ "$IFACE" = "{name}" ] || exit 0\n'
    path = f"/etc/network/if-up.d/hosttune-{name.replace('.', '__').replace(':', '_')}"
    return path, 0o755, lambda found: head + _replace(name, found)


def _manager(name: str, by: Runner) -> Form:
    """The connection profiles belong to others: a dispatcher script adds to them (NetworkManager-dispatcher(8))."""
    head = f'#!/bin/sh\n{entries.HEADER}[ "$1 $2" = "{name} up" ] || exit 0\n'
    path = f"/etc/NetworkManager/dispatcher.d/90-hosttune-{name}"
    return path, 0o755, lambda found: head + _replace(name, found)


def _replace(name: str, found: list[str]) -> str:
    return "".join(f"ip address replace {one} dev {name}{' nodad' * (':' in one)}\n" for one in found)


_FORMS: dict[str, Callable[[str, Runner], Form]] = {
    interface.NETWORKD: _networkd,
    interface.NETPLAN: _netplan,
    interface.IFUPDOWN: _ifupdown,
    interface.MANAGER: _manager,
}
