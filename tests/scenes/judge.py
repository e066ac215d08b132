"""Hold what is predicted of a scene against the connections that it really makes, to the first failure."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hosttune
from hosttune import Options, releases
from hosttune.errors import HosttuneError
from hosttune.model import BindMode, Bound, PortPool
from tests.scenes.scene import MAPPED, Holder, How, Scene, State
from tests.scenes.stage import FULL, RST, STOPPED, Stage, opened, script, set_up

_WANTED = 10_000
_ALL = ("ports", "all")
_ESTABLISHED = "01"  # as /proc/net/tcp writes it, include/net/tcp_states.h
_HOW = {
    BindMode.CONNECT: How.CONNECT,
    BindMode.NO_PORT: How.NO_PORT,
    BindMode.BIND: How.BIND,
    BindMode.EXPLICIT: How.EXPLICIT,
}
_FEW = 5
"""Ports of an odd range from which the last one is found by luck: below it is never looked at."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scene came to; `wrong` says what was predicted and what is so, "" where they agree.

    `rows` are the numbers: of what, least, most, real, and how far apart least and most may be.
    """

    scene: Scene
    rows: tuple[tuple[str, int, int, int, int], ...]
    wrong: tuple[str, ...] = ()

    @property
    def ranges(self) -> int:
        """How many of the numbers were ranges."""
        return sum(least != most for _, least, most, _, _ in self.rows)

    def text(self) -> str:
        """Return what it takes to see it again."""
        scene = self.scene
        lines = [scene.name or f"seed {scene.seed}", *(f"  {line}" for line in script(scene).splitlines())]
        lines += [f"  held: {holder}" for holder in scene.holders]
        lines += [f"  {scene.asked}"]
        lines += [
            f"  {what}: predicted {least if least == most else f'{least}..{most}'}, real {real}, may differ by {doubt}"
            for what, least, most, real, doubt in self.rows
        ]
        return "\n".join([*lines, *(f"  WRONG {line}" for line in self.wrong)])


def judge(scene: Scene) -> Outcome:
    """Set a scene, ask, and count."""
    with set_up(scene) as stage:
        try:
            report = hosttune.capacity(
                Options(
                    role="client",
                    connections=_WANTED,
                    backend=tuple(f"[{a}]:{port}" if ":" in a else f"{a}:{port}" for a, port in scene.backends),
                    source=scene.sources,
                    bind_mode=scene.bind_mode,
                    user=(scene.user,) if scene.told else (),
                    mark=scene.mark if scene.told else None,
                )
            )
        except HosttuneError as error:
            return Outcome(scene, (), (f"no answer: {error}",))
        if not report.pools:
            return Outcome(scene, (), ("no pool was predicted",))
        rows = []
        pools, apart = _taken(stage, report.pools)
        if scene.filters:
            return _filtered(stage, pools, report.bounds)
        for pool in pools:
            real, order = fill(stage, pool)
            doubt = in_doubt(stage, pool)
            where = f"{pool.source} -> {pool.backend}"
            rows.append((f"free {where}", pool.free, pool.free_most, real, doubt))
            if not _left_over(stage, pool):
                rows.append((f"usable {where}", *_room(pool), _open(pool), doubt))
            knee = _knee(stage, pool, order)
            if knee is not None and pool.knee is not None:
                rows.append((f"knee {where}", pool.knee, pool.knee, knee, 0))
        if not any(_left_over(stage, pool) for pool in report.pools):
            rows.append(_total(report.bounds, rows, apart))
        wrong = [*filter(None, map(_wrong, rows))]
        counted = sum(row[3] for row in rows if row[0].startswith("free"))
        if scene.real is not None and counted != scene.real:
            wrong.append(f"it took {counted}, and has always taken {scene.real}")
        return Outcome(scene, tuple(rows), tuple(wrong))


def _taken(stage: Stage, pools: tuple[PortPool, ...]) -> tuple[list[PortPool], int]:
    """Return the pools that the program has, and how many ports those that it might have had differ by.

    By a rule that goes by what was not said it has one of several: the kernel says which.
    """
    if not any(pool.when for pool in pools):
        return [*pools], 0
    taken, apart = [], 0
    for goal in dict.fromkeys(pool.backend for pool in pools):
        among = [pool for pool in pools if pool.backend == goal]
        least, most = zip(*map(_room, among), strict=True)
        apart += max(most) - min(least)
        source = _picked(stage, among[0])
        taken += [pool for pool in among if pool.source == source] if source else among[:1]
    return taken, apart


def _picked(stage: Stage, pool: PortPool) -> str:
    """Return the source that the kernel gives a connection, "" where there is no port for any."""
    try:
        with _one_more(stage, How.CONNECT, "", pool) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            return str(made.getsockname()[0])
    except OSError as error:
        if error.errno not in FULL:
            raise
        return ""


def _filtered(stage: Stage, pools: list[PortPool], bounds: tuple[Bound, ...]) -> Outcome:
    """Return what comes of a scene with rules of the packet filter: the first of the bounds that all have."""
    real = sum(_open(pool, ended=False) + fill(stage, pool)[0] for pool in pools)
    whole = [bound for bound in bounds if bound.kind == "ct-count" or (bound.kind, bound.scope.value) == _ALL]
    unknown = [bound for bound in whole if not isinstance(bound.hard, int)]
    if unknown:
        return Outcome(stage.scene, (), tuple(f"{bound.name} is not known: {bound.hard}" for bound in unknown))
    least = min(bound.hard for bound in whole if isinstance(bound.hard, int))
    most = min(bound.hard if bound.most is None else bound.most for bound in whole if isinstance(bound.hard, int))
    doubt = sum(in_doubt(stage, pool) for pool in pools)
    if any(_left_over(stage, pool) for pool in pools):
        doubt += least - min(least, real)
        least = min(least, real)  # nothing but time tells what becomes of these
    row = ("all bounds", least, most, real, doubt)
    wrong = [*filter(None, [_wrong(row)])]
    if stage.scene.real is not None and real != stage.scene.real:
        wrong.append(f"it took {real}, and has always taken {stage.scene.real}")
    return Outcome(stage.scene, (row,), tuple(wrong))


def _room(pool: PortPool) -> tuple[int, int]:
    """Return the least and the most connections that a pool predicts, those that are open now among them."""
    if pool.mode is BindMode.BIND:
        return pool.used + pool.free, pool.used + pool.free_most
    return max(pool.usable, pool.established + pool.free), max(pool.usable_most, pool.established + pool.free_most)


def _left_over(stage: Stage, pool: PortPool) -> bool:
    """Say whether a pool has connections that are not open, of which nothing but time tells what becomes."""
    to = (pool.backend.address, pool.backend.port)
    return any(
        _end_of(holder) == to and ports and holder.state is not State.ESTABLISHED for holder, ports in stage.held
    )


def _total(
    bounds: tuple[Bound, ...], rows: list[tuple[str, int, int, int, int]], apart: int
) -> tuple[str, int, int, int, int]:
    """Return the row of the bound of all backends, against what all pools hold; `apart`: as those it may have are."""
    pools = [row for row in rows if row[0].startswith("usable")]
    bound = next(bound for bound in bounds if (bound.kind, bound.scope.value) == _ALL)
    hard = bound.hard if isinstance(bound.hard, int) else -1
    real, doubt = sum(row[3] for row in pools), max(sum(row[4] for row in pools), apart)
    return "bound ports:all", hard, hard if bound.most is None else bound.most, real, doubt


def _wrong(row: tuple[str, int, int, int, int]) -> str:
    what, least, most, real, doubt = row
    if not least <= real <= most:
        return f"{what}: {real} is not in {least}..{most}"
    return f"{what}: {least}..{most} is wider than {doubt}" if most - least > doubt else ""


def fill(stage: Stage, pool: PortPool) -> tuple[int, list[int]]:
    """Return how many more connections a pool really takes, and their ports in the order in which they came."""
    scene, order = stage.scene, []
    how = _HOW[pool.mode]
    own = scene.chosen if pool.mode in (BindMode.EXPLICIT, BindMode.BIND) else None
    ports = range(own[0], own[1] + 1) if own else range(1, 65536)
    address = pool.source
    for port in ports:
        try:
            made = _one_more(stage, how, address if how is not How.CONNECT else "", pool, port if own else 0)
        except OSError as error:
            if scene.filters and error.errno in STOPPED:
                break
            if error.errno not in FULL:
                raise
            if own:
                continue
            break
        stage.clients.append(made)
        order.append(made.getsockname()[1])
        if len(order) % 500 == 0:
            stage.drain()
    return len(order), order


def _one_more(stage: Stage, how: How, address: str, pool: PortPool, port: int = 0) -> socket.socket:
    """Return one more connection of the program towards the backend of a pool; raises OSError."""
    scene = stage.scene
    return opened(
        how,
        address,
        (pool.backend.address, pool.backend.port),
        port,
        protocol=scene.protocol,
        within=None if port else scene.chosen,
        uid=scene.uid,
        mark=scene.mark,
        reuse_address=how is How.EXPLICIT,
        fastopen=scene.fastopen,
        filtered=bool(scene.filters),
    )


def _open(pool: PortPool, ended: bool = True) -> int:
    """Return how many connections of a pool the kernel holds now, those that have `ended` among them or not."""
    to = (pool.backend.address, pool.backend.port)
    anywhere = not int(ipaddress.ip_address(pool.source))
    return sum((anywhere or local == pool.source) and remote == to for (local, _), remote in _tuples(ended))


def _tuples(ended: bool) -> set[tuple[tuple[str, int], tuple[str, int]]]:
    """Return both ends of each TCP socket of this namespace; an address of IPv4 that is mapped is one of IPv4."""
    rows = [row for name in ("tcp", "tcp6") for row in _table(name)]
    return {(_end(local), _end(remote)) for local, remote, state in rows if ended or state == _ESTABLISHED}


def _table(name: str) -> Iterator[tuple[str, str, str]]:
    for line in Path(f"/proc/thread-self/net/{name}").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        yield local, remote, state


def _end(written: str) -> tuple[str, int]:
    """Return an address and a port as /proc/net/tcp writes them: words of 32 bits of this machine."""
    words, port = written.split(":")
    values = (int(words[at : at + 8], 16) for at in range(0, len(words), 8))
    address = ipaddress.ip_address(b"".join(value.to_bytes(4, sys.byteorder) for value in values))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), int(port, 16)


def _end_of(holder: Holder) -> tuple[str, int] | None:
    """Return where connections go: a mapped address is that of IPv4."""
    return (holder.to[0].removeprefix(MAPPED), holder.to[1]) if holder.to else None


def _knee(stage: Stage, pool: PortPool, order: list[int]) -> int | None:
    """Return after how many connections the search came to the other parity; None where it says nothing."""
    scene = stage.scene
    size = scene.high - scene.low + 1
    own = any((_end_of(holder) == (pool.backend.address, pool.backend.port)) and ports for holder, ports in stage.held)
    if pool.mode not in (BindMode.CONNECT, BindMode.NO_PORT) or own or size % 2 or not order:
        return None
    return next((n for n, port in enumerate(order) if (port - scene.low) % 2), len(order))


def in_doubt(stage: Stage, pool: PortPool) -> int:
    """Return how many ports the kernel does not show whether they can be had: a range may be as wide, and no wider."""
    scene = stage.scene
    to = (pool.backend.address, pool.backend.port)
    low, high = scene.chosen or (scene.low, scene.high)
    if pool.mode is not BindMode.EXPLICIT:
        size = pool.in_range
        by_one = scene.chosen and releases.holds(releases.named("own-range-by-one"), os.uname().release)
        return int(size % 2 and size >= _FEW and not by_one)
    # whether a socket in the way has SO_REUSEADDR, nothing shows
    return len(
        {
            port
            for holder, ports in stage.held
            for port in ports
            if low <= port <= high and holder.how is not How.LISTEN and holder.to != to
        }
    )
