"""Lists of ports: what the kernel prints comes back, garbage counts for nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hosttune.ports import mask_of, text_of


@given(st.sets(st.integers(0, 65535), max_size=40))
def test_a_set_of_ports_survives_its_text(ports: set[int]) -> None:
    mask = sum(1 << p for p in ports)
    assert mask_of(text_of(mask)) == mask


@given(st.text(max_size=200))
def test_any_text_gives_ports_only(text: str) -> None:
    assert 0 <= mask_of(text) < 1 << 65536


def test_garbage_counts_for_nothing() -> None:
    assert mask_of("1-5, x,8,9-7,99999999,²") == mask_of("1-5,8")
