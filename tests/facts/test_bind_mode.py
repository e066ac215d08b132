"""The bind mode that ports tell, against a model of how the kernel gives them out; never the opposite of the truth."""

from __future__ import annotations

import random

from hypothesis import assume, example, given
from hypothesis import strategies as st

from hosttune.facts import bind_mode
from hosttune.facts.bind_mode import Pair
from hosttune.model import Backend, BindMode
from hosttune.ports import span

SOURCE, OTHER = "10.0.0.1", "10.0.0.2"
COUNTS = st.lists(st.integers(0, 220), min_size=1, max_size=4)
SEEDS = st.integers(0, 2**32)
RANGES = st.tuples(st.integers(20000, 20001), st.integers(150, 260)).map(lambda ends: (ends[0], ends[0] + ends[1]))


def to(number: int, source: str = SOURCE) -> Pair:
    return source, Backend("10.0.0.9", number)


class Kernel:
    """Ports as connect() and bind() to port 0 take them: each its own parity first, from a random start."""

    def __init__(self, low: int, high: int, seed: int) -> None:
        self.low, self.high = low, high
        self.random = random.Random(seed)
        self.bound: set[int] = set()
        self.connected: dict[Pair, set[int]] = {}
        self.next: dict[Pair, int] = {}

    def connect(self, pair: Pair) -> bool:
        # a start for each destination, and small steps from there (table_perturb)
        start = self.next.setdefault(pair, self.random.randrange(self.high - self.low)) + self.random.randrange(8) * 2
        self.next[pair] = start + 2
        return self._take(pair, 0, self.connected.setdefault(pair, set()) | self.bound, start)

    def bind(self, pair: Pair) -> bool:
        mine = {port for key, ports in self.connected.items() if key[0] == pair[0] for port in ports}
        start = self.random.randrange(self.high - self.low)
        return self._take(pair, 1, mine, start) and not self.bound.update(self.connected[pair])

    def _take(self, pair: Pair, parity: int, taken: set[int], start: int) -> bool:
        for first in (parity, 1 - parity):
            ports = range(self.low + first, self.high + 1, 2)
            for at in range(len(ports)):
                port = ports[(start // 2 + at) % len(ports)]
                if port not in taken:
                    self.connected.setdefault(pair, set()).add(port)
                    return True
        return False

    def told(self) -> dict[Pair, BindMode | None]:
        pairs = {pair: sum(1 << port for port in ports) for pair, ports in self.connected.items() if ports}
        space = bind_mode.room(self.low, self.high, 0)
        return {pair: told.mode for pair, told in bind_mode.modes(space, 0, pairs).items()}


@given(RANGES, COUNTS, SEEDS)
@example((20000, 20199), [100, 100], 0)
def test_what_connect_took_is_never_called_bound(ends: tuple[int, int], counts: list[int], seed: int) -> None:
    kernel = Kernel(*ends, seed)
    for number, count in enumerate(counts):
        for _ in range(count):
            kernel.connect(to(number))
    assert BindMode.BIND not in kernel.told().values()


@given(RANGES, COUNTS, SEEDS)
@example((20000, 20199), [100, 100], 0)
def test_what_bind_took_is_never_called_connected(ends: tuple[int, int], counts: list[int], seed: int) -> None:
    kernel = Kernel(*ends, seed)
    for number, count in enumerate(counts):
        for _ in range(count):
            kernel.bind(to(number))
    assert not {BindMode.CONNECT, BindMode.EXPLICIT} & set(kernel.told().values())


@given(RANGES, SEEDS, st.integers(40, 60))
def test_a_source_that_binds_is_known_by_half_a_pool(ends: tuple[int, int], seed: int, count: int) -> None:
    kernel = Kernel(*ends, seed)
    for _ in range(count):
        kernel.bind(to(1))
        kernel.connect(to(1, OTHER))
    assert kernel.told() == {to(1): BindMode.BIND, to(1, OTHER): BindMode.CONNECT}


@given(RANGES, SEEDS, st.lists(st.integers(20, 60), min_size=2, max_size=3))
def test_some_closed_connections_change_no_mode(ends: tuple[int, int], seed: int, counts: list[int]) -> None:
    kernel = Kernel(*ends, seed)
    for number, count in enumerate(counts):
        for _ in range(count):
            kernel.connect(to(number))
    for ports in kernel.connected.values():
        ports.difference_update(kernel.random.sample(sorted(ports), len(ports) // 3))
    assert BindMode.BIND not in kernel.told().values()


@given(RANGES, st.integers(30, 80), st.integers(0, 60))
def test_a_stretch_of_ports_was_chosen_where_others_are_free(ends: tuple[int, int], count: int, skip: int) -> None:
    low = ends[0] + skip
    assume(low + count <= ends[1])
    told = bind_mode.modes(bind_mode.room(*ends, 0), 0, {to(1): span(low, low + count - 1)})[to(1)]
    assert (told.mode, told.low, told.high) == (BindMode.EXPLICIT, low, low + count - 1)


@given(RANGES, st.integers(1000, 1100), st.integers(8, 50))
def test_ports_outside_of_the_range_were_chosen(ends: tuple[int, int], low: int, count: int) -> None:
    told = bind_mode.modes(bind_mode.room(*ends, 0), 0, {to(1): span(low, low + count - 1)})[to(1)]
    assert told.mode is BindMode.EXPLICIT


@given(RANGES, st.sets(st.integers(20000, 20150), max_size=7))
def test_few_connections_tell_nothing(ends: tuple[int, int], ports: set[int]) -> None:
    told = bind_mode.modes(bind_mode.room(*ends, 0), 0, {to(1): sum(1 << port for port in ports)})
    assert told[to(1)].mode is None


def test_a_block_beside_a_full_rest_may_be_what_was_left() -> None:
    pairs = {to(1): span(20000, 20119), to(2, OTHER): span(20120, 20199)}
    space = bind_mode.room(20000, 20199, 0)
    assert {told.mode for told in bind_mode.modes(space, 0, pairs).values()} == {None}
    assert bind_mode.apart(space, *pairs.values())
