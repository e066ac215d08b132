"""What the packet filter of this network namespace does, as the model has it."""

from __future__ import annotations

import socket
from typing import Any
from weakref import WeakKeyDictionary

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Unknown
from hosttune.model.filtering import CountRule, Hook, Matching, Ruleset, Translation, Untracked

_FAMILIES = {"ip": socket.AF_INET, "ip6": socket.AF_INET6}


_KNOWN: WeakKeyDictionary[object, Ruleset | Unknown] = WeakKeyDictionary()


def gather(host: Host) -> Ruleset | Unknown:
    """Return what the rules come to; Unknown where they cannot be read, or a recording has none.

    They are read once for as long as the host's files do not change: of thousands it takes a part of a second.
    """
    still = getattr(host, "still", None)
    known = _KNOWN.get(still) if still is not None else None
    if known is None:
        known = _read(host)
        if still is not None:
            _KNOWN[still] = known
    return known


def _read(host: Host) -> Ruleset | Unknown:
    try:
        answer = host.probe("ruleset")
    except HostError as error:
        return Unknown(error.reason, error.detail)
    return Ruleset(
        translations=tuple(
            Translation(
                where=row["where"],
                matching=_matching(row["match"]),
                hook=Hook(row["hook"]),
                addresses=tuple((first, last) for first, last in row["addresses"]),
                ports=_pair(row["ports"][0]) if row["ports"] else None,
                fully_random=row["fully_random"],
                persistent=row["persistent"],
                random=row["random"],
                one_to_one=row["one_to_one"],
            )
            for row in answer["translations"]
        ),
        counts=tuple(
            CountRule(row["where"], _matching(row["match"]), Hook(row["hook"]), row["over"], row["by"], row["refuses"])
            for row in answer["counts"]
        ),
        untracked=tuple(
            Untracked(row["where"], _matching(row["match"]), Hook(row["hook"])) for row in answer["untracked"]
        ),
        tracks=bool(answer["families"]),
        rules=answer["rules"],
        unread=tuple(answer["unread"]),
        tracking=tuple(answer["tracking"]),
        others=tuple(answer["others"]),
        families=tuple(_FAMILIES[name] for name in answer["families"]),
    )


def _matching(row: Any) -> Matching:
    return Matching(
        family=_FAMILIES.get(row["family"]),
        protocols=tuple(row["protocols"]),
        sources=tuple(row["sources"]),
        destinations=tuple(row["destinations"]),
        ports=_pairs(row["ports"]),
        source_ports=_pairs(row["source_ports"]),
        enters=tuple(row["enters"]),
        leaves=tuple(row["leaves"]),
        marks=_pairs(row["marks"]),
        uids=_pairs(row["uids"]),
        unknown=tuple(row["unknown"]),
        excepts=tuple(_matching(other) for other in row.get("excepts", ())),
    )


def _pairs(rows: list[list[int]]) -> tuple[tuple[int, int], ...]:
    return tuple(_pair(row) for row in rows)


def _pair(row: list[int]) -> tuple[int, int]:
    return row[0], row[1]
