"""Names of servers in addresses, by this host's resolver: each name is asked for once, all for a bounded time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from hosttune.addresses import numeric
from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.programs.shelves.haproxy.options import Options

_SECONDS = 20.0  # after which no more names are asked for


@dataclass(slots=True)
class Names:
    """What the names of one configuration resolve to; `resolves`: this host is asked at all."""

    host: Host
    resolves: bool
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _why: dict[str, str] = field(default_factory=dict)
    _left: float = _SECONDS

    def ask(self, name: str) -> tuple[tuple[str, ...], str]:
        """Return the addresses of a name in the resolver's order, and why there are none."""
        if not self.resolves:
            return (), f"{name} is a name, and names are not resolved here"
        if name not in self._known:
            self._ask(name)
        return self._known[name], self._why.get(name, "")

    def _ask(self, name: str) -> None:
        started, self._known[name] = time.monotonic(), ()
        if self._left <= 0:
            self._why[name] = f"{name} was not resolved: the names before took {_SECONDS:.0f} s"
            return
        try:
            answers = self.host.probe("names", hostname=name)
            self._known[name] = tuple(map(numeric, answers))
        except HostError as error:
            self._why[name] = f"{name} does not resolve here ({error.detail})"
        self._left -= time.monotonic() - started


@dataclass(frozen=True, slots=True)
class Resolved:
    """The addresses of a server line, "" where nobody knows; `growing`: there may be more of them later."""

    addresses: tuple[str, ...] = ()
    why: str = ""
    growing: str = ""


def resolve(names: Names, name: str, family: int, options: Options, slots: int) -> Resolved:
    """Return what a name comes to: by `init-addr` at the start, and by `resolvers` while it runs.

    Without resolvers every server of a template has the first address; with them each has one of its own. `_` begins
    the name of a SRV record, which has the ports too (src/server.c, srv_iterate_initaddr(); src/resolvers.c).
    """
    up_to = f"up to {slots:,} servers" if slots > 1 else "a server"
    if name.startswith("_"):
        return Resolved(why=f"{name} is a SRV record: DNS gives {up_to} while HAProxy runs")
    methods = [method for method in (options.init_addr or "last,libc").split(",") if method != "last"]
    fixed = next((method for method in methods if _is_numeric(method)), "")
    if not options.resolvers and fixed and methods[0] == fixed:
        return Resolved((fixed,) * slots)
    answers, why = names.ask(name) if options.resolvers or "libc" in methods else ((), f"{name} has no address")
    answers = _preferred(answers, family, (options.prefer or "ipv6") if options.resolvers else "")
    if not answers:
        why = why or f"{name} has no IPv{family} address"
        return Resolved((fixed,) * slots) if fixed else Resolved(why=why)
    if not options.resolvers:
        return Resolved(answers[:1] * slots)
    found = answers[:slots]
    left = slots - len(found)
    growing = f"{name} has {len(found):,} of {slots:,} addresses: DNS may give {left:,} more" if left else ""
    return Resolved(found, "", growing)


def _preferred(answers: tuple[str, ...], family: int, prefer: str) -> tuple[str, ...]:
    """Return those of a family, of the preferred one where it has any: DNS is asked for the other only without."""
    of = {4: [a for a in answers if ":" not in a], 6: [a for a in answers if ":" in a]}
    if family:
        return tuple(of[family])
    if prefer:
        first, second = (4, 6) if prefer == "ipv4" else (6, 4)
        return tuple(of[first] or of[second])
    return answers


def _is_numeric(text: str) -> bool:
    return bool(numeric(text))
