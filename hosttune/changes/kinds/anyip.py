"""Prefixes whose every address becomes this host's own (AnyIP), or is so no more: the route, then the file of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hosttune.changes import network_files
from hosttune.changes.backends import PRESENT
from hosttune.changes.draft import Draft
from hosttune.model import Change

RANK = 3
ONLY = ("addresses",)

_WHY = "every address of it can be bound; peers need a route back"
_ALONE = "the boot gives lo no such route; --runtime-only, or add it where this host sets its routes"


def changes(draft: Draft) -> None:
    """Write the prefixes that were asked for."""
    request, facts = draft.request, draft.facts.addresses
    if not request.wants("addresses") or not (request.anyip or request.remove_anyip):
        return
    _come(draft)
    for target in request.remove_anyip:
        if target in facts.returns:
            draft.refusals.append(f"{target} would come back: {facts.returns[target]}")
        elif target in facts.used and not facts.force:
            draft.refusals.append(f"{target}: {facts.used[target]}; with --force")
        if request.runtime and draft.world.current("anyip", target) is not None:
            draft.add([Change("anyip", target, PRESENT, None, (), "given up")])
    if request.persist:
        _file(draft)


def _come(draft: Draft) -> None:
    request, facts = draft.request, draft.facts.addresses
    for target in request.anyip:
        draft.refusals += overlaps(target, facts.taken)
        if request.runtime and draft.world.current("anyip", target) is None:
            draft.add([Change("anyip", target, None, PRESENT, (), _WHY)])
        if ":" in target and facts.nonlocal_bind is False:
            draft.notes.append(
                f"{target}: bind() takes an IPv6 address of a local route only from a program that sets IPV6_FREEBIND, "
                "or with net.ipv6.ip_nonlocal_bind=1 (it is 0)"
            )


def _file(draft: Draft) -> None:
    """Add the change of the file; what cannot be kept is refused."""
    come = draft.request.anyip
    file, because = network_files.of_prefixes(draft.world)
    if file is None:
        draft.refusals += [f"--anyip {', '.join(come)}: {because}: {_ALONE}"] if come else []
        return
    made = network_files.keep(draft, file, come, draft.request.remove_anyip)
    draft.add(made)
    if made and come and not draft.request.runtime:
        draft.notes.append(f"the prefixes come with the next boot ({file.path})")


def overlaps(target: str, taken: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Refuse a prefix that holds what others use: all of it would be this host, and they could not be reached."""
    wanted = ipaddress.ip_network(target)
    for text, what in taken:
        network = ipaddress.ip_network(text)
        if network.version == wanted.version and network.overlaps(wanted):
            yield f"--anyip {target} overlaps {text}, {what}, which could not be reached any more; choose another"
            return
