"""Clues as a test writes them: what a host shows, and what a person says, with nothing else known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hosttune.diagnosis import Clues
from hosttune.model import (
    Backend,
    BindMode,
    Cause,
    Certainty,
    LogHit,
    Machine,
    Pools,
    PortPool,
    Program,
    Rates,
    Reason,
    Sample,
    Symptom,
    Traffic,
    Unknown,
)
from hosttune.profile import clouds as providers
from hosttune.programs import knowledge

KNOWN = knowledge.every()
MACHINE = Machine("", "", "", "", "", None, None, None, "", "", "", False, False, True, "")
RANGE = "net.ipv4.ip_local_port_range"
DEFAULT = {RANGE: (32768, 60999)}
WIDE = {RANGE: (1024, 65535)}


def pool(
    used: int = 0,
    size: int = 100,
    *,
    time_wait: int = 0,
    blocked: int = 0,
    reused: int = 0,
    mode: BindMode = BindMode.CONNECT,
    source: str = "10.0.0.1",
    port: int = 1883,
    free: int | None = None,
) -> PortPool:
    """Return a pool of `size` ports, `used` established ones among them; `reused` TIME_WAIT count as free."""
    usable = size - blocked
    left = usable - used - time_wait + reused if free is None else free
    knee = None if mode is BindMode.EXPLICIT else usable // 2
    backend = Backend("10.0.0.9", port)
    at = 20000, 20000 + size - 1
    return PortPool(
        source, backend, mode, *at, size, 0, blocked, usable, used, time_wait, 0, left, left, knee
    )  # fmt: skip


def pools(*found: PortPool, unsure: bool = False, told: str = "") -> Pools:
    """Return the pools that the socket table shows."""
    pairs = [(one.source, one.backend) for one in found]
    return Pools(found, dict.fromkeys(pairs, told), unsure=frozenset(pairs) if unsure else frozenset())


def program(descriptors: int, soft: int | None = 1024, hard: int | None = 4096, pid: int = 7) -> Program:
    return Program(pid, "broker", 0, descriptors, soft, hard)


def hit(*causes: str, errno: str = "", call: str = "", **numbers: int) -> LogHit:
    return LogHit("broker", causes, "a line", 2, errno, call, numbers)


def clues(
    *found: PortPool,
    errno: str = "",
    call: str = "",
    at: int | None = None,
    hits: tuple[LogHit, ...] = (),
    limits: Mapping[str, Any] = DEFAULT,
    moved: Mapping[str, int] | None = None,
    stands: Mapping[str, int] | None = None,
    **more: Any,
) -> Clues:
    """Return clues; `stands` are counters as they stand, `moved` what they rose by in one second."""
    now = {**(stands or {}), **(moved or {})}
    before = {name: now[name] - (moved or {}).get(name, 0) for name in now}
    values: dict[str, Any] = {
        "machine": MACHINE,
        "symptom": Symptom(errno, call, at, hits),
        "rates": Rates(Sample(100.0, before), Sample(101.0, now)),
        "limits": limits,
        "traffic": Traffic() if found else Unknown(Reason.ABSENT),
        "known": KNOWN,
        "clouds": providers.every(),
        "pools": pools(*found, told="it is seen") if found else Pools(),
    }
    return Clues(**{**values, **more})


def is_(causes: tuple[Cause, ...], certainty: Certainty, at: int | None = None) -> None:
    """Hold that a rule says one thing, how surely, and at which number; it always says why."""
    assert [(c.certainty, c.at) for c in causes] == [(certainty, at)], causes
    assert causes[0].evidence or certainty is Certainty.POSSIBLE
    if certainty in (Certainty.LIKELY, Certainty.POSSIBLE):
        assert causes[0].confirm or causes[0].against, causes
