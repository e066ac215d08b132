"""How the ports of outgoing connections were bound, inferred from the ports alone; the kernel itself does not say.

connect() takes ports of the parity of the range's lower end while there are any, bind() to port 0 the others
(net/ipv4/inet_hashtables.c __inet_hash_connect, net/ipv4/inet_connection_sock.c inet_csk_find_open_port). Without
IP_BIND_ADDRESS_NO_PORT no port that bind() chose is used towards two destinations. Sets of ports are integers in which
bit p stands for port p.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hosttune.model import Backend, BindMode
from hosttune.ports import span

Pair = tuple[str, Backend]

_FEWEST = 8  # ports: with fewer the mode is unknown
_SURE = 12.0
"""Ports that two destinations would share by chance: with so many, none is no chance (e to the power of -12)."""

_DENSE = 0.9  # of a stretch of ports in use: connect() leaves every second one out


@dataclass(frozen=True, slots=True)
class Binding:
    """A bind mode, and why; None where it is unknown: then connect() is the likeliest.

    `low` and `high` are the stretch of ports that a program chose itself, of those that are in use: its range may be
    wider.
    """

    mode: BindMode | None
    why: str
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """The ports that the kernel chooses from: those that connect() takes first, and those that bind() does."""

    first: int
    second: int
    low: int
    high: int

    @property
    def whole(self) -> int:
        return self.first | self.second

    @property
    def few(self) -> int:
        """So many free ports of one parity may be chance: those that were given back a moment ago."""
        return max(_FEWEST, self.first.bit_count() // 20)


def room(low: int, high: int, reserved: int) -> Room:
    """Return the ports of a range without the reserved ones."""
    every = span(low, high)
    even = sum(1 << port for port in range(low, high + 1, 2))
    return Room(even & ~reserved, every & ~even & ~reserved, low, high)


def modes(space: Room, held: int, pairs: Mapping[Pair, int]) -> dict[Pair, Binding]:
    """Return how each source's ports towards each destination were bound; `held` are the ports of bound sockets."""
    every, shared = _twice(pairs.values())
    by_pair = {pair: _chosen(space, ports, held | shared | (every & ~ports)) for pair, ports in pairs.items()}
    for source in {source for source, _ in pairs}:
        # a stretch that a program chose itself says nothing of its neighbours
        group = {key: ports for key, ports in pairs.items() if key[0] == source and not by_pair[key].mode}
        every, shared = _twice(group.values())
        total = sum(ports.bit_count() for ports in group.values())
        for key, ports in group.items():
            expected = _expected(space, ports, total - ports.bit_count())
            by_pair[key] = _of_kernel(space, held | every, ports, (ports & shared).bit_count(), expected)
        by_pair |= _few(group, by_pair)
    return by_pair


def apart(space: Room, ports: int, other: int) -> bool:
    """Say whether two sets never meet where by chance they would: then bind() chose those of one of them."""
    return _expected(space, ports, other.bit_count()) >= _SURE and not ports & other


def union(sets: Iterable[int]) -> int:
    """Return the ports of all sets."""
    return _twice(sets)[0]


def _twice(sets: Iterable[int]) -> tuple[int, int]:
    """Return the ports of all sets, and those that two of them have."""
    every = shared = 0
    for ports in sets:
        shared |= every & ports
        every |= ports
    return every, shared


def _chosen(space: Room, ports: int, others: int) -> Binding:
    """Return that a program chooses its ports itself where they are not those that the kernel would have taken."""
    count = ports.bit_count()
    if count < _FEWEST:
        return Binding(None, "")
    low, high = (ports & -ports).bit_length() - 1, ports.bit_length() - 1
    outside = (ports & ~span(space.low, space.high)).bit_count()
    if outside > count // 2:
        why = f"{outside:,} of {count:,} ports lie outside of {space.low}-{space.high}: the program chooses them itself"
        return Binding(BindMode.EXPLICIT, why, low, high)
    left = (space.whole & ~ports & ~others).bit_count()
    dense = count >= _DENSE * (high - low + 1)
    if dense and left >= max(_FEWEST, space.whole.bit_count() // 10):
        why = f"its {count:,} ports lie side by side in {low}-{high}: the program chooses them itself"
        return Binding(BindMode.EXPLICIT, why, low, high)
    return Binding(None, "")


def _of_kernel(space: Room, taken: int, ports: int, shared: int, expected: float) -> Binding:
    """Tell connect() from bind() to port 0, by what the destinations of one source share, and by parity.

    `taken` are all ports that the source cannot have any more, `shared` how many of these it uses towards two
    destinations, `expected` how many that would be by chance.
    """
    if shared:
        why = f"{shared:,} ports are used towards another destination too: a port that bind() chose cannot be"
        return Binding(BindMode.CONNECT, why)
    count = ports.bit_count()
    if count < _FEWEST:
        return Binding(None, f"{count} connections are too few to tell")
    no_bind = ports & space.first and (space.second & ~taken).bit_count() >= space.few
    no_connect = ports & space.second and (space.first & ~taken).bit_count() >= space.few
    if no_bind and not no_connect:
        return Binding(BindMode.CONNECT, "it has ports of the parity that connect() takes first, and others are free")
    if no_connect and not no_bind:
        return Binding(BindMode.BIND, "it has ports of the parity that bind() takes first, and others are free")
    if expected >= _SURE:
        why = f"none of its {count:,} ports is used towards another destination: bind() chose them"
        return Binding(BindMode.BIND, why)
    return Binding(None, "nothing tells connect() from bind() here")


def _few(group: Mapping[Pair, int], by_pair: Mapping[Pair, Binding]) -> dict[Pair, Binding]:
    """Return the mode of the rest of the source for destinations with too few connections."""
    known = {by_pair[key].mode for key in group} - {None}
    if len(known) != 1:
        return {}
    mode = known.pop()
    why = "as the other connections of this source"
    return {
        key: Binding(mode, why)
        for key, ports in group.items()
        if by_pair[key].mode is None and ports.bit_count() < _FEWEST
    }


def _expected(space: Room, ports: int, others: int) -> float:
    """Return how many of the ports so many others would have too, had each taken its own at random from the range."""
    size = space.whole.bit_count()
    return ports.bit_count() * others / size if size else 0.0
