"""Name the lines of other files that say otherwise and lose to what a plan writes: somebody put them there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Origin
from hosttune.resolve.pam_limits import resolve_login
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.systemd_limits import nr_open_at_boot, resolve_unit

_MOST = 20
"""Lines that are named, of each kind of file."""


def of_sysctls(after: Host, values: Mapping[str, str], hardening: Mapping[str, str]) -> list[str]:
    """Return a sentence for each line that sets one of these keys to another value, on the host as it will be.

    `hardening` has the keys that guides of hardening set, as "VALUE: why".
    """
    there = resolve_systemd(after, values).values
    losers = []
    for key, value in values.items():
        rule, _, why = hardening.get(key, "").partition(": ")
        for origin in there[key].beaten if key in there else ():
            if origin.text.split() != value.split():
                because = f"; a rule of hardening guides: {why}" if why and origin.text == rule else ""
                losers.append(f"{key}: {_loses(origin)}{because}")
    return _few(losers)


def of_login(after: Host, user: str) -> list[str]:
    """Return a sentence for each line of limits.conf or limits.d that loses for a login."""
    try:
        limits = resolve_login(after, user)
    except HostError:
        return []
    return _limits(f"login {user}", limits.beaten, limits.lines)


def of_unit(after: Host, unit: str) -> list[str]:
    """Return a sentence for each line of a unit's files that loses, and of systemd's own default."""
    limits = resolve_unit(after, unit, nr_open_at_boot(after))
    return _limits(f"unit {unit}", limits.beaten, (limits.origin,) if limits.origin else ())


def _limits(whose: str, beaten: Iterable[Origin], lines: Iterable[Origin]) -> list[str]:
    written = {line.text for line in lines}
    return _few([f"nofile of {whose}: {_loses(origin)}" for origin in beaten if origin.text not in written])


def _loses(origin: Origin) -> str:
    return f"{origin} says {origin.text}, and loses to what is written"


def _few(losers: list[str]) -> list[str]:
    more = len(losers) - _MOST
    return [*losers[:_MOST], f"{more:,} more lines lose to what is written"] if more > 0 else losers
