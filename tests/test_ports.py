"""Lists of ports: what the kernel prints comes back, garbage counts for nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hosttune.ports import mask_of, reach, text_of, within


@given(st.sets(st.integers(0, 65535), max_size=40))
def test_a_set_of_ports_survives_its_text(ports: set[int]) -> None:
    mask = sum(1 << p for p in ports)
    assert mask_of(text_of(mask)) == mask


@given(st.text(max_size=200))
def test_any_text_gives_ports_only(text: str) -> None:
    assert 0 <= mask_of(text) < 1 << 65536


def test_garbage_counts_for_nothing() -> None:
    assert mask_of("1-5, x,8,9-7,99999999,²") == mask_of("1-5,8")


def looked_at(low: int, high: int, start: int) -> set[int]:
    """Return the ports that one connect() looks at from an offset on, as __inet_hash_connect() does."""
    remaining = high + 1 - low
    remaining -= remaining % 2 if remaining > 1 else 0
    ports: set[int] = set()
    for offset in {start % remaining & ~1, (start % remaining & ~1) + 1 if remaining > 1 else start % remaining & ~1}:
        port = low + offset
        for _ in range(0, remaining, 2):
            port -= remaining if port > high else 0
            ports.add(port)
            port += 2
    return ports


@given(st.integers(1000, 1001), st.integers(1, 40), st.sets(st.integers(1000, 1040)), st.integers(0, 99))
def test_a_search_reaches_what_is_told(low: int, size: int, closed: set[int], start: int) -> None:
    high = low + size - 1
    usable = [port for port in range(low, high + 1) if port not in closed]
    told = reach(low, high, sum(1 << port for port in usable))
    found = looked_at(low, high, start).intersection(usable)
    assert told.least <= len(found) <= told.most <= told.least + 1
    first = sum((port - low) % 2 == 0 for port in usable if not told.lost >> port & 1)
    assert told.knee == (first if first < told.most else None)


@given(st.tuples(st.integers(1, 60), st.integers(0, 60)), st.tuples(st.integers(1, 130), st.integers(0, 60)))
def test_an_own_range_is_cut_at_each_end_that_lies_within(net: tuple[int, int], own: tuple[int, int]) -> None:
    ends, asked = (net[0], net[0] + net[1]), (own[0], own[0] + own[1])
    low, high = within(ends, asked)
    assert ends[0] <= low <= high <= ends[1]
    common = set(range(ends[0], ends[1] + 1)) & set(range(asked[0], asked[1] + 1))
    assert set(range(low, high + 1)) == (common or set(range(ends[0], ends[1] + 1)))
