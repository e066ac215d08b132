"""Source ports: how many connections there are ports for, in each bind mode, until the first is refused.

The rules are those of facts/pool.py: net/ipv4/inet_hashtables.c (__inet_hash_connect) and
net/ipv4/inet_connection_sock.c (inet_csk_find_open_port, inet_csk_bind_conflict).
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hosttune.facts.held import Held
from hosttune.facts.pool import Settings, compute
from hosttune.facts.pool import Used as Taken
from hosttune.model import Backend, BindMode
from hosttune.ports import mask_of, span
from hosttune.proofs import kernel_settings, socket_pairs
from hosttune.proofs.crowd import Attempt, Tally
from hosttune.proofs.proof_setup import CONNECTION, Forecast, Hold, Pair, Setup, as_held, examples
from hosttune.proofs.scene import Scene

RANK = 1
TAIL = 200  # ports that are searched for in the whole range once the rest is taken
_SMALL = 200  # ports of the range in which the rules are shown one by one
_WINDOW = 8  # ports of a narrow range, even, so that each is found
_RANGE = "net/ipv4/ip_local_port_range"
_MOST = 150_000  # connections of one experiment
_SEARCHED = (BindMode.CONNECT, BindMode.NO_PORT)


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to try: a mode, its pairs of source and backend, the range and who is in the way."""

    mode: BindMode
    pairs: tuple[Pair, ...]
    low: int
    high: int
    reserved: str = ""
    held: tuple[Hold, ...] = ()

    def __post_init__(self) -> None:
        assert self.pairs and self.low <= self.high

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(source for source, _ in self.pairs))

    @property
    def backends(self) -> tuple[Backend, ...]:
        return tuple(dict.fromkeys(backend for _, backend in self.pairs))


def foretell(case: Case) -> tuple[int, int]:
    """Return the fewest and the most connections that are possible: alike, but for a range of odd size."""
    held = _in_the_way(case)
    settings = Settings(case.low, case.high, mask_of(case.reserved), 0, True)
    # bind() takes a port whatever the backend
    once = {source: (source, backend) for source, backend in case.pairs}.values()
    pairs: Iterable[Pair] = once if case.mode is BindMode.BIND else case.pairs
    # a search looks at an even number of ports, so that of an odd one the last is found only by luck: a pool is a range
    pools = [compute(source, backend, case.mode, settings, held, Taken()) for source, backend in pairs]
    return sum(pool.free for pool in pools), sum(pool.free_most for pool in pools)


def _in_the_way(case: Case) -> tuple[Held, ...]:
    """Return the ports that are held: by backends near by, and by others."""
    near = tuple(
        Hold(b.address, b.port, True, v6only=True) for b in case.backends if _near(case, b) and not _served(case, b)
    )
    # a shared one that does not listen is no obstacle to an explicit bind, which sets SO_REUSEADDR too
    harmless = case.mode is BindMode.EXPLICIT
    return as_held([h for h in (*near, *case.held) if not (harmless and h.share and not h.listen)])


def forecast(case: Case, id: str, what: str, setup: Setup | None = None, remark: str = "") -> Forecast:
    """Return the forecast of a case; `setup` lends its other settings."""
    least, most = foretell(case)
    explicit, quick = case.mode is BindMode.EXPLICIT, _quick(case)
    sysctls = dict(setup.sysctls) if setup else {}
    if not explicit:
        sysctls |= {_RANGE: f"{case.low} {case.high}"}
    sysctls |= {"net/ipv4/ip_local_reserved_ports": case.reserved}
    rows = len(case.sources) if case.mode is BindMode.BIND else len(case.pairs)
    slow = rows * min(TAIL, most) * (case.high - case.low) * (1.5e-7 if case.mode in _SEARCHED else 6e-7)
    return Forecast(
        id=id,
        what=what,
        setting=_setting(case, quick, remark),
        predicted=most,
        accepts=(least, most),
        tolerance="exact" if least == most else "the last port of an odd range is found by luck",
        unit="connections",
        fails=_fails(case.mode),
        args={
            "mode": case.mode.value,
            "pairs": [[source, b.address, b.port] for source, b in case.pairs],
            "span": [case.low, case.high],
            "quick": quick,
            "listen": [[b.address, b.port] for b in case.backends if not _near(case, b) or not _served(case, b)],
            "held": [list(h.plain) for h in case.held],
            "sysctls": sysctls,
        },
        seconds=0.15 + most * 4e-5 + (0 if explicit else slow),
        memory=most * CONNECTION,
    )


def _quick(case: Case) -> int:
    """Return how many ports are filled a narrow range at a time, which takes no search."""
    if case.size <= 2 * TAIL or case.mode is BindMode.EXPLICIT:
        return 0
    return (case.size - TAIL) // _WINDOW * _WINDOW


def _setting(case: Case, quick: int, remark: str) -> str:
    s, d = len(case.sources), len(case.backends)
    reserved = (mask_of(case.reserved) & span(case.low, case.high)).bit_count()
    parts = (
        f"{'ports' if case.mode is BindMode.EXPLICIT else 'range'} {case.low} {case.high}",
        f"{s} source{'s' * (s > 1)}",
        f"{d} backend{'s' * (d > 1)}",
        f"{reserved:,} reserved" if reserved else "",
        f"{len(case.held)} held" if case.held else "",
        remark,
        f"all but the last {case.size - quick} ports a narrow range at a time" if quick else "",
    )
    return ", ".join(part for part in parts if part)


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the host's own pools at their full size, then each rule in a small range."""
    rules = [
        forecast(case, f"ports:{id}", what, setup, "a small range")
        for id, what, case in _rules(setup.settings.low, setup.ipv6)
    ]
    return (_asked(setup), *rules)


def _asked(setup: Setup) -> Forecast:
    """Return what the workload comes to; a narrower range where the full one would take too long."""
    mode, pairs = setup.mode, setup.pairs
    remark = ""
    if mode is BindMode.CONNECT and len({source for source, _ in pairs}) > len(
        {s for s, _ in dict(_routed(pairs)).items()}
    ):
        mode = BindMode.NO_PORT
    low, high = (
        setup.bind_range
        if mode is BindMode.EXPLICIT and setup.bind_range
        else (setup.settings.low, setup.settings.high)
    )
    reserved = "" if mode is BindMode.EXPLICIT else setup.reserved
    most = min(_MOST, int(setup.budget * 4000), setup.memory // 2 // CONNECTION)
    each = max(most // len(pairs), 2)
    if high - low + 1 > each:
        remark = f"instead of {low} {high}, for time and memory"
        high = low + each - each % 2 - 1
    held = tuple(h for h in setup.held if low <= h.port <= high)
    case = Case(mode, pairs, low, high, reserved, held)
    return forecast(case, f"ports:{mode.value}", f"ports, {mode.value}", setup, remark)


def _routed(pairs: tuple[Pair, ...]) -> list[tuple[str, Backend]]:
    """Return one pair a backend: connect() without bind() has one source towards a destination."""
    return [(source, backend) for backend, source in {backend: source for source, backend in pairs}.items()]


def _rules(low: int, ipv6: bool) -> list[tuple[str, str, Case]]:
    """Return each rule of KERNEL facts 1.1 and 1.2 as a small case."""
    low = min(low, 65535 - _SMALL)
    high = low + _SMALL - 1
    pairs = examples(2, 2)
    source = pairs[0][0]
    rules = [
        (f"{mode.value}-pairs", f"ports, {mode.value}", Case(mode, pairs, low, high))
        for mode in BindMode
        if mode is not BindMode.CONNECT
    ]
    connect = BindMode.CONNECT
    held = (Hold("0.0.0.0", low + 10, True), Hold("203.0.113.9", low + 21, True), Hold("203.0.113.9", low + 30, False))
    rules += [
        ("backends", "ports, connect, more backends", Case(connect, examples(1, 3), low, high)),
        ("odd", "ports, connect, a range of odd size", Case(connect, examples(1, 1), low, high - 1)),
        (
            "reserved",
            "ports, connect, reserved ones",
            Case(connect, examples(1, 1), low, high, f"{low + 50}-{low + 59}"),
        ),
        ("held", "ports, connect, held by others", Case(connect, examples(1, 1), low, high, "", held)),
        (
            "held-bind",
            "ports, bind, held by others",
            Case(BindMode.BIND, examples(1, 2), low, high, "", (*held, Hold(source, low + 41, False))),
        ),
    ]
    if ipv6:
        rules.append(("ipv6", "ports, connect, IPv6", Case(connect, examples(1, 2, 6), low, high)))
    return rules


def _near(case: Case, backend: Backend) -> bool:
    return ipaddress.ip_address(backend.address).is_loopback or backend.address in case.sources


def _served(case: Case, backend: Backend) -> bool:
    """Say whether one of the held ports is the backend's own listener."""
    wild = ("::",) if ":" in backend.address else ("0.0.0.0", "::")
    return any(
        h.listen and h.port == backend.port and (h.address == backend.address or (h.address in wild and not h.v6only))
        for h in case.held
    )


def _fails(mode: BindMode) -> str:
    if mode in _SEARCHED:
        return kernel_settings.failure("connect", errno.EADDRNOTAVAIL)
    if mode is BindMode.BIND:
        return kernel_settings.failure("bind", errno.EADDRINUSE)
    bind = kernel_settings.failure("bind", errno.EADDRINUSE)
    return f"{bind} or {kernel_settings.failure('connect', errno.EADDRNOTAVAIL)}"


def measure(
    scene: Scene,
    mode: str,
    pairs: list[tuple[str, str, int]],
    span: tuple[int, int],
    quick: int,
    listen: list[tuple[str, int]],
    held: list[list[Any]],
    sysctls: dict[str, str],
) -> dict[str, Any]:
    """Make connections until the first is refused, pool by pool."""
    bind = BindMode(mode)
    scene.write(sysctls)
    sources = list(dict.fromkeys(source for source, _, _ in pairs))
    scene.reach(sources, [(address, port) for address, port in listen])
    if bind is BindMode.CONNECT:
        scene.route([(address, source) for source, address, _ in pairs])
    scene.hold(held)
    tallies: list[Tally] = []
    if bind is BindMode.EXPLICIT:
        tallies = [_explicit(scene, (source, address, port), span) for source, address, port in pairs]
    for source, towards in _pools(bind, pairs):
        tallies += _fill(scene, _attempt(bind, source, towards), span, quick)
    failed = list(dict.fromkeys(tally.failed for tally in tallies if tally.failed))
    return {"measured": sum(tally.made for tally in tallies), "failed": ", ".join(failed)}


def _pools(mode: BindMode, pairs: list[tuple[str, str, int]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return what shares its ports: for bind() all backends of a source, for connect() each pair by itself."""
    if mode is BindMode.EXPLICIT:
        return []
    if mode is not BindMode.BIND:
        return [(source, [(address, port)]) for source, address, port in pairs]
    by_source: dict[str, list[tuple[str, int]]] = {}
    for source, address, port in pairs:
        by_source.setdefault(source, []).append((address, port))
    return list(by_source.items())


def _attempt(mode: BindMode, source: str, towards: list[tuple[str, int]]) -> Attempt:
    return lambda number, _log: socket_pairs.client(mode, source, *towards[number % len(towards)])


def _fill(scene: Scene, attempt: Attempt, span: tuple[int, int], quick: int) -> list[Tally]:
    """Fill one pool: its first `quick` ports a narrow range at a time, which takes no search, then the whole range."""
    if not quick:
        return [scene.crowd.run(attempt)]

    def narrow(number: int, log: list[Any]) -> socket.socket:
        if number % _WINDOW == 0:
            scene.write({_RANGE: f"{span[0] + number} {span[0] + number + _WINDOW - 1}"})
        return attempt(number, log)

    # a refusal is a port that cannot be had
    first = scene.crowd.run(narrow, stop=quick, patient=True)
    scene.write({_RANGE: f"{span[0]} {span[1]}"})
    return [Tally(made=first.made), scene.crowd.run(attempt)]


def _explicit(scene: Scene, pair: tuple[str, str, int], span: tuple[int, int]) -> Tally:
    """Try every port of the range once, then one again, which has to be refused."""
    low, high = span
    tally = scene.crowd.run(
        lambda number, _log: socket_pairs.client(BindMode.EXPLICIT, *pair, local=low + number),
        stop=high - low + 1,
        patient=True,
    )
    again = scene.crowd.run(
        lambda number, _log: socket_pairs.client(BindMode.EXPLICIT, *pair, local=low + number), stop=high - low + 1
    )
    return Tally(tally.made + again.made, failures=tally.failures | again.failures)
