"""Source addresses that come and go: which changes a request comes to, and why it may not be carried out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from hosttune.changes import anyip_files
from hosttune.changes.address_files import address_files
from hosttune.changes.backends import address, anyip
from hosttune.changes.planned import Planned
from hosttune.changes.request import AddressFacts, Request
from hosttune.changes.written import Written
from hosttune.model import Change

_WHY = "a source address more"
_WHY_ANYIP = "every address of it can be bound; peers need a route back"


def addresses(
    world: Planned,
    request: Request,
    facts: AddressFacts,
    refusals: list[str],
    notes: list[str],
    written: Written = None,
) -> list[Change]:
    """Return the changes of addresses and local prefixes: those of the kernel, then the files.

    `written` are the lines of our files that the journal knows.
    """
    if not request.wants("addresses"):
        return []
    made: list[Change] = []
    if request.addresses or request.remove:
        made += _addresses(world, request, facts, refusals, notes, written)
    if request.anyip or request.remove_anyip:
        made += _prefixes(world, request, facts, refusals, notes, written)
    return made


def _addresses(
    world: Planned, request: Request, facts: AddressFacts, refusals: list[str], notes: list[str], written: Written
) -> list[Change]:
    made: list[Change] = []
    if request.runtime:
        known: dict[str, Any] = world.probe("interfaces")
        planned = world.states("address")
        # asked once: a thousand addresses would ask a thousand times
        there_now = {f"{one}@{name}" for name, found in known.items() for one in found}
        there_now |= {target for target, state in planned.items() if state is not None}
        there_now -= {target for target, state in planned.items() if state is None}
        for target in request.addresses:
            one, interface = address.parse(target)
            if interface not in known:
                refusals.append(f"--add-address: no interface {interface} here; there are {', '.join(sorted(known))}")
            elif there := address.under_another_prefix(one, known[interface]):
                refusals.append(f"--add-address {target}: {interface} has it as {there}; name it so, or leave it out")
            elif target not in there_now:
                made.append(Change("address", target, None, address.PRESENT, (), _WHY))
        refusals += wrong_prefixes(request, facts)
        for target in request.remove:
            if target in there_now:
                made.append(Change("address", target, address.PRESENT, None, (), "given up"))
    refusals += duplicates(request, facts)
    notes += facts.unasked
    if request.persist:
        made += address_files(world, request, refusals, notes, written)
    removed = [c.target for c in made if c.backend == "address" and c.after is None]
    refusals += removals(removed or request.remove, facts)
    return made


def duplicates(request: Request, facts: AddressFacts) -> Iterator[str]:
    """Refuse the addresses that somebody else has: two owners of one address break each other's connections."""
    for target in request.addresses:
        one = _bare(target)
        if one in facts.answers:
            yield f"{one} is in use: {facts.answers[one]} answers for it on {_interface(target)}; choose another"


def wrong_prefixes(request: Request, facts: AddressFacts) -> Iterator[str]:
    """Refuse a prefix that is not that of the interface's subnet; a single address (/32, /128) is none."""
    wrong: dict[str, list[str]] = {}
    for target in request.addresses:
        one = ipaddress.ip_interface(target.partition("@")[0])
        if one.network.prefixlen == one.max_prefixlen:
            continue
        name = _interface(target)
        subnets = {ipaddress.ip_interface(there).network for there in facts.subnets.get(name, ())}
        around = [subnet for subnet in subnets if subnet.version == one.version and one.ip in subnet]
        around = [subnet for subnet in around if subnet.num_addresses > 1]
        if around and one.network not in around:
            why = f"{name} is in {around[0]}, a subnet of another size: write /{around[0].prefixlen}@{name}"
            wrong.setdefault(why, []).append(target)
    for why, targets in wrong.items():
        more = f" and {len(targets) - 1:,} more" if len(targets) > 1 else ""
        yield f"{targets[0]}{more}: {why}"


def removals(targets: Iterable[str], facts: AddressFacts) -> Iterator[str]:
    """Refuse to give up what this host cannot do without, what comes back by itself, and what is in use."""
    for target in targets:
        one = _bare(target)
        if one in facts.needed:
            yield f"{one} stays: {facts.needed[one]}"
        elif target in facts.returns:
            yield f"{one} would come back: {facts.returns[target]}"
        elif one in facts.used and not facts.force:
            yield f"{one}: {facts.used[one]}; with --force"


def _prefixes(
    world: Planned, request: Request, facts: AddressFacts, refusals: list[str], notes: list[str], written: Written
) -> list[Change]:
    made: list[Change] = []
    for target in request.anyip:
        refusals += overlaps(target, facts.taken)
        if request.runtime and world.current("anyip", target) is None:
            made.append(Change("anyip", target, None, anyip.PRESENT, (), _WHY_ANYIP))
        if ":" in target and facts.nonlocal_bind is False:
            notes.append(
                f"{target}: bind() takes an IPv6 address of a local route only from a program that sets IPV6_FREEBIND, "
                "or with net.ipv6.ip_nonlocal_bind=1 (it is 0)"
            )
    for target in request.remove_anyip:
        if target in facts.returns:
            refusals.append(f"{target} would come back: {facts.returns[target]}")
        elif target in facts.used and not facts.force:
            refusals.append(f"{target}: {facts.used[target]}; with --force")
        if request.runtime and world.current("anyip", target) is not None:
            made.append(Change("anyip", target, anyip.PRESENT, None, (), "given up"))
    if request.persist:
        made += anyip_files.anyip_files(world, request, refusals, notes, written)
    return made


def overlaps(target: str, taken: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Refuse a prefix that holds what others use: all of it would be this host, and they could not be reached."""
    wanted = ipaddress.ip_network(target)
    for text, what in taken:
        found = ipaddress.ip_network(text)
        if found.version == wanted.version and found.overlaps(wanted):
            yield f"--anyip {target} overlaps {text}, {what}, which could not be reached any more; choose another"
            return


def _bare(target: str) -> str:
    return target.partition("/")[0]


def _interface(target: str) -> str:
    return target.rpartition("@")[2]
