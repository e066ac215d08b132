"""Source addresses that were named where no backend was, so that no way to one is asked for, and that are not here."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.addresses import numeric
from hosttune.errors import HostError
from hosttune.facts.any_address import ANY
from hosttune.host import Host


def remarks(host: Host, sources: Iterable[str], device: str = "") -> tuple[str, ...]:
    """Return a sentence for each source that a program cannot bind to on this host; none where that is unknown."""
    named = sorted({source for source in sources if source not in ANY and numeric(source)})
    try:
        refused = host.probe("bindable", addresses=named, device=device) if named else {}
    except HostError:
        return ()
    return tuple(
        f"{source} is not an address of this host (yet); `hosttune sources add` gives it to an interface"
        for source in named
        if refused.get(source) == "EADDRNOTAVAIL"
    )
