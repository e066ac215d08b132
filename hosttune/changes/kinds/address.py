"""Source addresses that come and go: those of the kernel, then the files that bring them back after a boot."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from hosttune.changes import network_files
from hosttune.changes.backends import PRESENT, address
from hosttune.changes.draft import Draft
from hosttune.changes.request import AddressFacts, Request
from hosttune.facts.interface import runner
from hosttune.model import Change

RANK = 2
ONLY = ("addresses",)

_WHY = "a source address more"


def changes(draft: Draft) -> None:
    """Write the addresses that were asked for."""
    request, facts = draft.request, draft.facts.addresses
    if not request.wants("addresses") or not (request.addresses or request.remove):
        return
    made = _of_the_kernel(draft) if request.runtime else []
    draft.add(made)
    draft.refusals += duplicates(request, facts)
    draft.notes += facts.unasked
    if request.persist:
        _files(draft)
    removed = [change.target for change in made if change.after is None]
    draft.refusals += removals(removed or request.remove, facts)


def _of_the_kernel(draft: Draft) -> list[Change]:
    request = draft.request
    known: dict[str, Any] = draft.world.probe("interfaces")
    planned = draft.world.states("address")
    # asked once: a thousand addresses would ask a thousand times
    there_now = {f"{cidr}@{name}" for name, addresses in known.items() for cidr in addresses}
    there_now |= {target for target, state in planned.items() if state is not None}
    there_now -= {target for target, state in planned.items() if state is None}
    made: list[Change] = []
    for target in request.addresses:
        cidr, interface = address.parse(target)
        if interface not in known:
            there = ", ".join(sorted(known))
            draft.refusals.append(f"--add-address: no interface {interface} here; there are {there}")
        elif there := address.under_another_prefix(cidr, known[interface]):
            why = f"{interface} has it as {there}; name it so, or leave it out"
            draft.refusals.append(f"--add-address {target}: {why}")
        elif target not in there_now:
            made.append(Change("address", target, None, PRESENT, (), _WHY))
    draft.refusals += wrong_prefixes(request, draft.facts.addresses)
    gone = [target for target in request.remove if target in there_now]
    return made + [Change("address", target, PRESENT, None, (), "given up") for target in gone]


def _files(draft: Draft) -> None:
    """Add the changes of the files, one an interface; an interface that nobody is known to run is refused."""
    come, go = _by_interface(draft.request.addresses), _by_interface(draft.request.remove)
    for name in dict.fromkeys([*come, *go]):
        by = runner(draft.world, name)
        file = network_files.of_addresses(by, name)
        if file is None:
            why = f"addresses of {name}: {by.because}, so they would be gone after a boot; --runtime-only"
            draft.refusals += [why] if name in come else []
            continue
        made = network_files.keep(draft, file, come.get(name, []), go.get(name, []))
        draft.add(made)
        if made and name in come and not draft.request.runtime:
            draft.notes.append(f"the addresses of {name} come with the next boot, or when {by.kind} starts it again")


def _by_interface(targets: Iterable[str]) -> dict[str, list[str]]:
    cidrs: dict[str, list[str]] = {}
    for target in targets:
        cidr, name = address.parse(target)
        cidrs.setdefault(name, []).append(cidr)
    return cidrs


def duplicates(request: Request, facts: AddressFacts) -> Iterator[str]:
    """Refuse the addresses that somebody else has: two owners of one address break each other's connections."""
    for target in request.addresses:
        ip = target.partition("/")[0]
        if ip in facts.answers:
            yield f"{ip} is in use: {facts.answers[ip]} answers for it on {target.rpartition('@')[2]}; choose another"


def wrong_prefixes(request: Request, facts: AddressFacts) -> Iterator[str]:
    """Refuse a prefix that is not that of the interface's subnet; a single address (/32, /128) is none."""
    wrong: dict[str, list[str]] = {}
    for target in request.addresses:
        given = ipaddress.ip_interface(target.partition("@")[0])
        if given.network.prefixlen == given.max_prefixlen:
            continue
        name = target.rpartition("@")[2]
        subnets = {ipaddress.ip_interface(there).network for there in facts.subnets.get(name, ())}
        around = [subnet for subnet in subnets if subnet.version == given.version and given.ip in subnet]
        around = [subnet for subnet in around if subnet.num_addresses > 1]
        if around and given.network not in around:
            why = f"{name} is in {around[0]}, a subnet of another size: write /{around[0].prefixlen}@{name}"
            wrong.setdefault(why, []).append(target)
    for why, targets in wrong.items():
        more = f" and {len(targets) - 1:,} more" if len(targets) > 1 else ""
        yield f"{targets[0]}{more}: {why}"


def removals(targets: Iterable[str], facts: AddressFacts) -> Iterator[str]:
    """Refuse to give up what this host cannot do without, what comes back by itself, and what is in use."""
    for target in targets:
        ip = target.partition("/")[0]
        if ip in facts.needed:
            yield f"{ip} stays: {facts.needed[ip]}"
        elif target in facts.returns:
            yield f"{ip} would come back: {facts.returns[target]}"
        elif ip in facts.used and not facts.force:
            yield f"{ip}: {facts.used[ip]}; with --force"
