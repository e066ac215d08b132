"""Ports of source NAT that are in use towards the backends: asked only where a rule translates at all."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Backend, Reason, Unknown
from hosttune.model.filtering import Ruleset, Translated


def gather(
    host: Host, ruleset: Ruleset | Unknown | None, backends: Iterable[Backend], own: Iterable[str]
) -> tuple[Translated, ...] | Unknown:
    """Return what is in use towards each backend; `own` are the addresses of those that count as own."""
    goals = sorted({(backend.address, backend.port) for backend in backends})
    if not isinstance(ruleset, Ruleset) or not ruleset.translations or not goals:
        return ()
    try:
        answer = host.probe("translated", targets=[list(goal) for goal in goals], own=sorted(set(own)))
    except HostError as error:
        return Unknown(error.reason, error.detail)
    if not answer["whole"]:
        return Unknown(Reason.UNDECIDED, "the conntrack table has more entries than are looked at")
    return tuple(
        Translated(
            address=row["address"],
            target=row["target"],
            port=row["port"],
            own=int(row["own"], 16),
            forwarded=int(row["forwarded"], 16),
            closed=int(row["closed"], 16),
        )
        for row in answer["rows"]
    )
