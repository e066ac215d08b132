"""What the packet filter of this network namespace does to TCP connections: nftables, and iptables of both kinds.

It takes CAP_NET_ADMIN of the namespace. What is not about connections is counted, and not looked into.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypedDict

from hosttune.errors import HostError
from hosttune.host import mounted, netlink
from hosttune.host.answers import Address, Count, Is
from hosttune.host.filters import legacy_names, netlink_tables
from hosttune.host.filters.conditions import Condition, Conditions, Match, Span, Word
from hosttune.model import Reason

if TYPE_CHECKING:
    from hosttune.host.filters.walking import Effect, Walk
    from hosttune.host.filters.ways import Counting, SourceNat

__all__ = ["Condition", "Conditions", "Match", "run"]

_MOST = 256
_OTHERS = ("openvswitch", "act_ct", "ip_vs")
_NONE = (errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.EINVAL, errno.EOPNOTSUPP)
"""What says that the kernel has no nfnetlink, or no nf_tables (net/netfilter/nfnetlink.c)."""
_HOOKS = netlink_tables.HOOKS
Hook = Annotated[str, Is(lambda value: value in _HOOKS, "no hook")]
Refusal = Annotated[str, Is(lambda value: value in ("drop", "reject"), "no refusal")]
IpFamily = Annotated[str, Is(lambda value: value in ("ip", "ip6"), "no family")]
Range = Annotated[list[Address], Is(lambda value: len(value) == 2, "no range of addresses")]
Ports = Annotated[list[Span], Is(lambda value: len(value) <= 1, "more than a range of ports")]
_RANDOM, _PERSISTENT, _FULLY, _NETMAP = 4, 8, 16, 64  # NF_NAT_RANGE_*


class TranslationRow(TypedDict):
    """A rule that gives another source address; `ports` is one range, or none (model/filtering.py)."""

    where: Word
    match: Match
    hook: Hook
    addresses: list[Range]
    ports: Ports
    fully_random: bool
    random: bool
    persistent: bool
    one_to_one: bool


class CountRow(TypedDict):
    """A rule that refuses connections beyond a number."""

    where: Word
    match: Match
    hook: Hook
    over: Count
    by: str
    refuses: Refusal


class UntrackedRow(TypedDict):
    """A rule that keeps packets from being tracked."""

    where: Word
    match: Match
    hook: Hook


class RulesetAnswer(TypedDict):
    """What the rules come to; `tracking` are rules that have connections tracked, those of `families`.

    `others` are modules that are loaded and may track connections without any rule.
    """

    translations: list[TranslationRow]
    counts: list[CountRow]
    untracked: list[UntrackedRow]
    tracking: list[Word]
    families: list[IpFamily]
    others: list[Word]
    rules: Count
    unread: list[Word]


def run() -> RulesetAnswer:
    """Return what the rules come to, within bounds; raises HostError."""
    try:
        found = [*(netlink.steady(_nft) if present("nf_tables") else ()), *_legacy()]
    except OSError as error:
        raise HostError(Reason.UNREADABLE, _why(error)) from error
    walks = [one.walk for one in found]
    effects = [effect for walk in walks for effect in walk.effects][:_MOST]
    by_family = {name: [where for one in found for where in one.tracking[name]] for name in ("ip", "ip6")}
    return {
        "translations": [_translation(e, e.translation) for e in effects if e.translation is not None],
        "counts": [_count(e, e.counting) for e in effects if e.counting is not None],
        "untracked": [{"where": e.where, "match": e.match, "hook": e.hook} for e in effects if e.untracked],
        "tracking": list(dict.fromkeys(where for rows in by_family.values() for where in rows)),
        "families": [name for name, rows in by_family.items() if rows],
        "others": [name for name in _OTHERS if os.path.isdir(f"/sys/module/{name}")],
        "rules": sum(one.rules for one in found),
        "unread": list(dict.fromkeys(words for walk in walks for words in walk.unread)),
    }


class _Found(NamedTuple):
    """What is found of one kind of rules: which have connections tracked, by family, what the walk finds, how many."""

    tracking: Mapping[str, list[str]]
    walk: Walk
    rules: int


def _nft() -> list[_Found]:
    """Return what nftables' rules come to; what takes them apart is loaded where there are any."""
    try:
        with netlink.opened(netlink_tables.NETFILTER) as link:
            dump = netlink_tables.read(link)
            if not (dump.chains or dump.sets or dump.objects):
                return []
            from hosttune.host.filters.nft_walk import Nft

            nft = Nft(link, dump)
            return [_Found(nft.tracking, nft.walk(), dump.rules)]
    except OSError as error:
        if error.errno in _NONE:
            return []
        raise


def _legacy() -> list[_Found]:
    if not any(legacy_names.names(family) for family in legacy_names.PATHS):
        return []
    from hosttune.host.filters import legacy

    tables = legacy.read()
    return [_Found(tables.tracking, tables.walk(), tables.rules)]


def present(module: str) -> bool:
    """Say whether the kernel has a module at work or built in, or may have: to ask it would load one that it lacks.

    nfnetlink_rcv_msg() calls request_module() for a subsystem that is not there.
    """
    try:
        with open("/proc/modules", encoding="ascii", errors="replace") as file:
            if any(line.startswith(f"{module} ") for line in file):
                return True
        path = mounted.at(f"/lib/modules/{os.uname().release}/modules.builtin")
        with open(path, encoding="ascii", errors="replace") as file:
            return any(line.rstrip().endswith(f"/{module}.ko") for line in file)
    except OSError:
        return True


def _why(error: OSError) -> str:
    if error.errno in (errno.EPERM, errno.EACCES):
        return "only root may read the packet filter's rules (CAP_NET_ADMIN)"
    return f"the packet filter's rules: {os.strerror(error.errno or 0)}"


def _translation(effect: Effect, nat: SourceNat) -> TranslationRow:
    return {
        "where": effect.where,
        "match": effect.match,
        "hook": effect.hook,
        "addresses": [pair for pair in nat.addresses if all(pair)],
        "ports": [nat.ports] if nat.ports else [],
        "fully_random": bool(nat.flags & _FULLY),
        "random": bool(nat.flags & _RANDOM),
        "persistent": bool(nat.flags & _PERSISTENT),
        "one_to_one": bool(nat.flags & _NETMAP),
    }


def _count(effect: Effect, counting: Counting) -> CountRow:
    return {
        "where": effect.where,
        "match": effect.match,
        "hook": effect.hook,
        "over": counting.limit,
        "by": counting.by,
        "refuses": effect.refuses,
    }
