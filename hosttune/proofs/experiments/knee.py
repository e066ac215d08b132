"""The knee: from half of the ports on, each connect() first searches the half that is used up.

__inet_hash_connect (net/ipv4/inet_hashtables.c) looks at the ports of the parity of the range's first one, then at the
others.
"""

from __future__ import annotations

import time
from typing import Any

from hosttune.model import BindMode
from hosttune.ports import mask_of, span
from hosttune.proofs import socket_pairs
from hosttune.proofs.proof_setup import CONNECTION, Forecast, Setup, examples
from hosttune.proofs.scene import Scene

RANK = 2
AROUND = 200  # connections before and after the knee whose time is taken
_EVERY = int("01" * 32768, 2)  # the even ports, as a set of bits


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the number of connections after which the first has a port of the other parity."""
    if setup.mode not in (BindMode.CONNECT, BindMode.NO_PORT):
        return ()
    return (forecast(setup.settings.low, setup.settings.high, setup.reserved, setup),)


def forecast(low: int, high: int, reserved: str, setup: Setup) -> Forecast:
    """Return the forecast for a range; how many times slower it gets is measured, and noted."""
    first = span(low, high) & ~mask_of(reserved) & (_EVERY << (low & 1))
    count = first.bit_count()
    # of a range of odd size the last port is found only by luck, and it is one of the first parity
    luck = (high - low + 1) % 2 if high > low else 0
    sysctls = setup.sysctls | {
        "net/ipv4/ip_local_port_range": f"{low} {high}",
        "net/ipv4/ip_local_reserved_ports": reserved,
    }
    source, backend = examples(1, 1)[0]
    return Forecast(
        id="knee",
        what="slow above half of the ports",
        setting=f"range {low} {high}, 1 source, 1 backend",
        predicted=count,
        accepts=(count - luck, count),
        tolerance="the last port of an odd range is found by luck" if luck else "exact",
        unit="connections before it",
        fails="",
        args={
            "pair": [source, backend.address, backend.port],
            "expected": count,
            "parity": low & 1,
            "sysctls": sysctls,
        },
        seconds=0.3 + count * 4e-5 + AROUND * count * 1e-7,
        memory=count * CONNECTION,
    )


def measure(
    scene: Scene, pair: tuple[str, str, int], expected: int, parity: int, sysctls: dict[str, str]
) -> dict[str, Any]:
    """Connect until the parity of the ports changes, and somewhat beyond; take the time of those around."""
    scene.write(sysctls)
    scene.reach([pair[0]], [(pair[1], pair[2])])

    def timed(number: int, log: list[Any]) -> Any:
        start = time.perf_counter_ns()
        connection = socket_pairs.client(BindMode.CONNECT, *pair)
        took = time.perf_counter_ns() - start
        if number >= expected - AROUND or connection.getsockname()[1] & 1 != parity:
            log.append((number, connection.getsockname()[1] & 1, took))
        return connection

    tally = scene.crowd.run(timed, stop=expected + AROUND)
    other = [number for number, odd, _ in tally.log if odd != parity]
    measured = other[0] if other else tally.made
    before = sorted(took for number, _, took in tally.log if number < measured)
    after = sorted(took for number, _, took in tally.log if number >= measured)
    return {"measured": measured, "failed": "", **_cost(before, after)}


def _cost(before: list[int], after: list[int]) -> dict[str, Any]:
    """Return what a connection takes before and after: the median, for a pause of the machine is no search."""
    if not before or not after:
        return {"notes": ["too few connections around it to tell the cost"]}
    slow, fast = after[len(after) // 2] / 1000, before[len(before) // 2] / 1000
    return {
        "notes": [f"a connection took {fast:,.0f} µs before it, {slow:,.0f} µs after it: {slow / fast:,.0f} times"],
        "ratio": slow / fast,
    }
