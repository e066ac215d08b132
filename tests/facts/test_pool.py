"""The set arithmetic of a pool against a naive model, port by port."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hosttune.facts.pool import Held, Settings, Used, compute
from hosttune.model import Backend, BindMode

SOURCE = "10.0.0.1"
BACKEND = Backend("10.0.0.9", 1883)
PORT = st.integers(1000, 1063)
PORTS = st.frozensets(PORT, max_size=30)
HELD = st.builds(
    Held, st.sampled_from([SOURCE, "10.0.0.2", "0.0.0.0", "::", "fd00::1"]), PORT, st.booleans(), st.booleans()
)


def mask(ports: frozenset[int]) -> int:
    return sum(1 << port for port in ports)


def in_the_way(mode: BindMode, held: Held, port: int) -> bool:
    """Say what the kernel does with a port that a bind() owns: measured, one rule a mode."""
    if held.port != port:
        return False
    if mode in (BindMode.CONNECT, BindMode.NO_PORT):
        return True
    meets = held.address in (SOURCE, "0.0.0.0") or (held.address == "::" and not held.v6only)
    return meets and (held.listen or mode is BindMode.BIND)


@given(
    mode=st.sampled_from(list(BindMode)),
    ends=st.tuples(PORT, PORT).map(sorted),
    reserved=PORTS,
    held=st.lists(HELD, max_size=6).map(tuple),
    established=PORTS,
    waiting=PORTS,
    others=PORTS,
    reuse=st.sampled_from([0, 1, 2]),
    timestamps=st.booleans(),
)
def test_free_is_what_is_left_port_by_port(
    mode: BindMode,
    ends: list[int],
    reserved: frozenset[int],
    held: tuple[Held, ...],
    established: frozenset[int],
    waiting: frozenset[int],
    others: frozenset[int],
    reuse: int,
    timestamps: bool,
) -> None:
    settings = Settings(ends[0], ends[1], mask(reserved), reuse, timestamps)
    on_source = established | waiting | others
    used = Used(established=mask(established), time_wait=mask(waiting), on_source=mask(on_source))
    pool = compute(SOURCE, BACKEND, mode, settings, held, used)
    taken_over = timestamps and (mode is BindMode.EXPLICIT or (reuse == 1 and mode is not BindMode.BIND))
    free = 0
    for port in range(ends[0], ends[1] + 1):
        if port in reserved and mode is not BindMode.EXPLICIT:
            continue
        if any(in_the_way(mode, one, port) for one in held):
            continue
        if port in established or (port in waiting and not taken_over):
            continue
        free += not (mode is BindMode.BIND and port in on_source)
    assert pool.free == free
    assert 0 <= pool.free_least <= pool.free <= pool.usable <= pool.in_range == ends[1] - ends[0] + 1
