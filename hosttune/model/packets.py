"""Whether a connection meets a rule of the packet filter, as far as both are known."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from hosttune.model.filtering import Hook, Matching, Packet, Ruleset

_FAMILIES = {4: 2, 6: 10}  # AF_INET, AF_INET6


def met(matching: Matching, packet: Packet) -> bool | None:
    """Say whether a TCP connection's first packet meets the conditions of a rule; None where that cannot be told."""
    answers = [
        not matching.protocols or "tcp" in matching.protocols,
        _spanned(packet.port, matching.ports),
        _spanned(packet.source_port, matching.source_ports),
        _named(packet.enters, matching.enters),
        _named(packet.leaves, matching.leaves),
        _marked(packet.mark, matching.marks),
        _spanned(packet.uid, matching.uids),
        None if matching.unknown else True,
    ]
    if False in answers:
        return False  # of thousands of rules most end here: addresses take longer
    answers += [
        _family(matching.family, packet),
        _within(packet.source, matching.sources),
        _within(packet.destination, matching.destinations),
    ]
    if False in answers:
        return False
    exempt = [met(other, packet) for other in matching.excepts]
    if True in exempt:
        return False
    return None if None in answers or None in exempt else True


def left_out(ruleset: Ruleset, packet: Packet) -> bool | None:
    """Say whether rules keep a packet from being tracked, where it enters the stack; None where that cannot be told.

    What is not tracked is not translated either (net/netfilter/nf_nat_core.c nf_nat_inet_fn()).
    """
    hook = Hook.OUTPUT if packet.enters == "" else Hook.PREROUTING
    answers = [met(rule.matching, packet) for rule in ruleset.untracked if rule.hook is hook]
    return True if True in answers else None if None in answers else False


def _family(family: int | None, packet: Packet) -> bool | None:
    address = packet.destination or packet.source
    if family is None:
        return True
    return None if address is None else _FAMILIES[ipaddress.ip_address(address).version] == family


def _within(address: str | None, prefixes: Iterable[str]) -> bool | None:
    if not prefixes:
        return True
    if address is None:
        return None
    number = ipaddress.ip_address(address)
    return any(number in ipaddress.ip_network(prefix, strict=False) for prefix in prefixes)


def _spanned(number: int | None, spans: Iterable[tuple[int, int]]) -> bool | None:
    if not spans:
        return True
    return None if number is None else any(low <= number <= high for low, high in spans)


def _named(name: str | None, names: Iterable[str]) -> bool | None:
    if not names:
        return True
    if name is None:
        return None
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in names)


def _marked(mark: int | None, marks: Iterable[tuple[int, int]]) -> bool | None:
    if not marks:
        return True
    return None if mark is None else any(mark & mask == value for value, mask in marks)
