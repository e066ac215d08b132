"""From which address nginx connects: what a `*_bind` comes to (ngx_http_upstream_bind_set_slot())."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from hosttune.model import Backend, BindMode
from hosttune.programs.shelves.nginx.addresses import goal, numeric
from hosttune.programs.shelves.nginx.grammar import Directive

_STEP, _NEAR = Fraction(1, 10_000), Fraction(20, 21)
"""split_clients has percentages of two digits behind the point; what is further apart than 5 % is meant to be."""


@dataclass(frozen=True, slots=True)
class Source:
    """An address that is bound to, "" for routing's choice; `port` 0 lets connect() choose."""

    address: str = ""
    port: int = 0

    @property
    def mode(self) -> BindMode:
        """How its ports are chosen.

        With an address alone nginx sets IP_BIND_ADDRESS_NO_PORT, since 1.11.4 (ngx_event_connect_peer()).
        """
        if not self.address:
            return BindMode.CONNECT
        return BindMode.EXPLICIT if self.port else BindMode.NO_PORT

    def __str__(self) -> str:
        return self.address or "routing's choice"


Shares = tuple[tuple[Source, Fraction], ...]
"""Sources with their shares of the connections, in the order of the file."""
ROUTED: Shares = ((Source(), Fraction(1)),)


def source(text: str) -> Source | None:
    """Return what a bind to this text is, None where it is no address; nothing at all leaves it to routing."""
    if not text:
        return Source()
    if address := numeric(text):
        return Source(address)
    to = goal(text)
    address = numeric(to.host)
    return Source(address, to.port) if address and not to.problem else None


def problem(bind: Directive) -> str:
    """Return why it is not known which addresses a bind with a variable stands for."""
    text = f"{bind.where}: {bind.name} {' '.join(bind.args)}"
    if "transparent" in bind.args or "$remote_addr" in bind.args[0]:
        return f"{text}: each client's own address has source ports of its own, whatever addresses this host has"
    return f"{text}: which address it is is decided while nginx runs"


def shares(pairs: Iterable[tuple[Source, Fraction]]) -> Shares:
    """Return sources with their shares, each once, so that they come to one.

    Those that are as equal as the file can have them are equal, also among the few that lead to one place.
    """
    added: dict[Source, Fraction] = {}
    for of, share in pairs:
        added[of] = added.get(of, Fraction(0)) + share
    if added and are_even(added.values()):
        return tuple((of, Fraction(1, len(added))) for of in added)
    whole = sum(added.values())
    return tuple((of, share / whole) for of, share in added.items())


def are_even(parts: Iterable[Fraction]) -> bool:
    """Say whether parts are as equal as split_clients can have them."""
    every = tuple(parts)
    return max(every) - min(every) <= _STEP and min(every) >= max(every) * _NEAR


def reach_alike(of: Shares) -> bool:
    """Say whether all ways of reaching a server fill at once: a connection keeps its source where it moves on."""
    return len({one.mode for one, _ in of}) < 2 or are_even(share for _, share in of)


def backends(goal: Backend, of: Shares, apart: bool) -> list[tuple[Backend, tuple[Fraction, ...], Fraction]]:
    """Return the ways of reaching a backend: with the shares of their sources, and their own of all.

    Sources that share evenly are one way; others are too, unless each is to stand `apart`.
    """
    fitting = [(one, share) for one, share in of if not one.address or (":" in one.address) == (":" in goal.address)]
    ways: list[tuple[Backend, tuple[Fraction, ...], Fraction]] = []
    plain = [(one, share) for one, share in fitting if one.mode is BindMode.NO_PORT]
    even = not plain or are_even(share for _, share in plain)
    if plain and (even or not apart):
        whole = sum((share for _, share in plain), Fraction(0))
        own = () if even else tuple(share / whole for _, share in plain)
        ways.append((_backend(goal, tuple(one.address for one, _ in plain), BindMode.NO_PORT, 0), own, whole))
    for one, share in fitting:
        if one.mode is not BindMode.NO_PORT or (apart and not even):
            ways.append((_backend(goal, (one.address,) if one.address else (), one.mode, one.port), (), share))
    return ways


def _backend(goal: Backend, addresses: tuple[str, ...], mode: BindMode, port: int) -> Backend:
    return Backend(goal.address, goal.port, goal.name, addresses, mode, (port, port) if port else None)
