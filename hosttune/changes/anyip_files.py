"""Local prefixes that come back after a boot: a file of our own for whoever runs the loopback.

The route is `local PREFIX dev lo`: systemd.network(5) and netplan(5) have a type of route for it, ifupdown runs a
script (interfaces(5)). NetworkManager knows no such route.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hosttune.changes import entries
from hosttune.changes.address_files import foreign_line
from hosttune.changes.backends import directory
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.changes.written import Written
from hosttune.errors import HostError
from hosttune.facts import interface
from hosttune.facts.interface import Runner
from hosttune.host import Host
from hosttune.model import Change, FileState

_PREFIX = re.compile(r"(?<![0-9A-Fa-f:.])([0-9A-Fa-f:.]+/[0-9]{1,3})(?![0-9A-Za-z/])")
_OWN = "/etc/systemd/network/90-hosttune-lo.network"
_ALONE = "the boot gives lo no such route; --runtime-only, or add it where this host sets its routes"

Form = tuple[str, int, Callable[[list[str]], str]]


def anyip_files(
    world: Planned, request: Request, refusals: list[str], notes: list[str], written: Written = None
) -> list[Change]:
    """Return the change of the file; what cannot be kept is refused. `written` is as `address_files` has it."""
    form, why = _form(world)
    if form is None:
        refusals += [f"--anyip {', '.join(request.anyip)}: {why}: {_ALONE}"] if request.anyip else []
        return []
    path, mode, render = form
    try:
        before = world.state(path)
    except HostError as error:
        refusals.append(f"{path}: {error}; move it away, or --runtime-only")
        return []
    if before is not None and entries.MARK not in before.text:
        if request.anyip:
            refusals.append(f"{path} is there and hosttune did not write it: move it away, or --runtime-only")
        return []
    if unknown := foreign_line(world, path, before, written):
        refusals += [unknown] if request.anyip else []
        return []
    present = _PREFIX.findall(before.text) if before else []
    all_ = [one for one in dict.fromkeys([*present, *request.anyip]) if one not in request.remove_anyip]
    if all_ == present:
        return []
    if not all_:
        return [Change("file", path, before, None, (), why)]
    after = entries.file_state(render(all_), before) if before else FileState(render(all_), mode)
    made = [Change("directory", d, None, directory.PRESENT) for d in directory.missing(world, path)]
    if request.anyip and not request.runtime:
        notes.append(f"the prefixes come with the next boot ({path})")
    return [*made, Change("file", path, before, after, (), why)]


def path_of(host: Host) -> str:
    """Return the file of ours that keeps the prefixes, "" where there can be none."""
    form, _ = _form(host)
    return form[0] if form else ""


def _form(host: Host) -> tuple[Form | None, str]:
    """Return the file, and why it is that one; or why there is none."""
    by = interface.runner(host, "lo")
    if by.kind in _FORMS:
        return _FORMS[by.kind](by), by.because
    if by.kind:
        return None, f"{by.because}, which has no local routes"
    # an own file of the loopback takes nothing from another one: none has matched it
    if host.glob("/run/systemd/netif/links/*") and by.because == interface.NOBODY:
        return (_OWN, 0o644, _own), "systemd-networkd runs, and no file of it matches lo"
    return None, by.because


def _networkd(by: Runner) -> Form:
    """A drop-in adds sections of routes to those of its file (systemd.network(5))."""
    return f"/etc/systemd/network/{by.path.rpartition('/')[2]}.d/91-hosttune-anyip.conf", 0o644, _routes


def _own(found: list[str]) -> str:
    """What others have put onto the loopback stays when networkd starts again: KeepConfiguration=static."""
    head = "[Match]\nName=lo\n\n[Network]\nKeepConfiguration=static\n"
    return entries.HEADER + head + "".join(_section(one) for one in found)


def _routes(found: list[str]) -> str:
    return entries.HEADER + "".join(_section(one) for one in found)


def _section(prefix: str) -> str:
    return f"\n[Route]\nDestination={prefix}\nType=local\n"


def _netplan(by: Runner) -> Form:
    """Netplan joins the lists of all its files (netplan(5)); it warns of files that others can read."""
    head = f"{entries.HEADER}network:\n  version: 2\n  {by.section}:\n    {by.id}:\n      routes:\n"

    def render(found: list[str]) -> str:
        return head + "".join(f'        - to: "{one}"\n          type: local\n' for one in found)

    return "/etc/netplan/91-hosttune-anyip.yaml", 0o600, render


def _ifupdown(by: Runner) -> Form:
    head = f'#!/bin/sh\n{entries.HEADER}[ "$IFACE" = lo ] || exit 0\n'

    def render(found: list[str]) -> str:
        return head + "".join(f"ip route replace local {one} dev lo\n" for one in found)

    return "/etc/network/if-up.d/hosttune-anyip", 0o755, render


_FORMS: dict[str, Callable[[Runner], Form]] = {
    interface.NETWORKD: _networkd,
    interface.NETPLAN: _netplan,
    interface.IFUPDOWN: _ifupdown,
}
