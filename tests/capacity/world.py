"""Hosts that hypothesis makes up, and what becomes of one where a need is met."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from hosttune.capacity import sharing, tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import (
    Backend,
    BindMode,
    GroupLimit,
    Machine,
    PortPool,
    Process,
    Reading,
    Reason,
    Remedy,
    Subject,
    Unknown,
    Value,
    Workload,
)
from hosttune.programs import knowledge

UNSET = Unknown(Reason.UNSET)
_RANGE = "sysctl:net.ipv4.ip_local_port_range"


def reading(name: str, value: Value) -> Reading:
    return Reading(Subject.parse(name), value, UNSET)


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    sockets = draw(st.integers(1, 2))
    return Workload(
        connections=draw(st.integers(1, 300_000)),
        rate=draw(st.integers(1, 5000)),
        sockets_per_connection=sockets,
        descriptors_per_connection=sockets,
        tuples_per_connection=draw(st.integers(0, sockets)),
        own_descriptors=draw(st.integers(0, 2000)),
        pipes_per_connection=draw(st.sampled_from((0.0, 0.1, 0.25, 1.0))),
        threads_per_connection=draw(st.integers(0, 2)),
        stall=draw(st.sampled_from((0.0, 0.1, 0.5, 1.0, 2.7))),
        hold=draw(st.just(0) | st.integers(1, 5000)),
        bytes_in_flight=draw(st.sampled_from((0, 1, 100, 5000))),
        application_memory=draw(st.sampled_from((0, 1, 33_000))),
        backlog=draw(st.just(0) | st.integers(1, 5000)),
        disconnect=draw(st.sampled_from((0.0, 0.1, 1.0))),
        bind_mode=draw(st.sampled_from(list(BindMode))),
    )


def _pool(source: str, backend: Backend, mode: BindMode, usable: int, open_: int, taken: int) -> PortPool:
    knee = None if mode is BindMode.EXPLICIT else usable // 2
    free = usable - taken
    return PortPool(source, backend, mode, 2000, 9999, usable, 0, 0, usable, open_, 0, 0, free, free, knee)


@st.composite
def pools(draw: st.DrawFn, mode: BindMode) -> tuple[tuple[PortPool, ...], tuple[PortPool, ...]]:
    """Draw the pools now and with the widest range; half of the hosts name no backend."""
    now: list[PortPool] = []
    wide: list[PortPool] = []
    backends = [
        Backend(f"{network}{n}", 80)
        for network in draw(st.sampled_from(((), ("10.0.0.",), ("fd00::",), ("10.0.0.", "fd00::"), ("127.0.0.",))))
        for n in range(1, 1 + draw(st.integers(1, 3)))
    ]
    for source in {b.address.rstrip("123") for b in backends}:
        for number in range(draw(st.integers(1, 3))):
            usable, more = draw(st.integers(1000, 30_000)), draw(st.sampled_from((0, 1, 36_000)))
            mine = [b for b in backends if b.address.startswith(source)]
            held = [draw(st.integers(0, usable // len(mine))) for _ in mine]
            for backend, open_ in zip(mine, held, strict=True):
                # with bind() the ports that another backend's connections use are taken too
                taken = sum(held) if mode is BindMode.BIND else open_
                now.append(_pool(f"{source}1{number}", backend, mode, usable, open_, taken))
                wide.append(
                    dataclasses.replace(
                        _pool(f"{source}1{number}", backend, mode, usable + more, open_, taken), low=1024, high=65535
                    )
                )
    return tuple(now), tuple(wide)


_LIMITS = {
    "fs.nr_open": 2**31,
    "fs.file-max": 10**7,
    "fs.epoll.max_user_watches": 10**7,
    "kernel.threads-max": 10**7,
    "kernel.pid_max": 10**7,
    "vm.max_map_count": 10**7,
    "net.core.somaxconn": 20_000,
    "net.ipv4.tcp_max_syn_backlog": 20_000,
    "net.ipv4.tcp_max_orphans": 10**6,
    "net.ipv4.neigh.default.gc_thresh3": 5,
    "net.netfilter.nf_conntrack_max": 10**7,
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait": 300,
    "net.ipv4.tcp_tw_reuse_delay": 5000,
    "net.ipv4.tcp_tw_reuse": 2,
    "net.ipv4.tcp_timestamps": 2,
    "net.ipv4.tcp_syncookies": 1,
}


@st.composite
def hosts(draw: st.DrawFn) -> CapacityFacts:
    load = draw(workloads())
    now, wide = draw(pools(load.bind_mode)) if load.tuples_per_connection else ((), ())
    load = dataclasses.replace(load, backends=tuple({p.backend: None for p in now}))
    values: dict[str, Value] = {key: draw(st.integers(0, most)) for key, most in _LIMITS.items()}
    low = draw(st.integers(1024, 60_000))
    values["net.ipv4.ip_local_port_range"] = (low, draw(st.integers(low + 1000, 65_535)))
    values["net.ipv4.ip_local_reserved_ports"] = draw(st.sampled_from(("", "1883,8080-8090")))
    values["net.ipv4.tcp_mem"] = tuple(sorted(draw(st.tuples(*[st.integers(0, 10**7)] * 3))))
    machine = Machine(
        *("h", "debian", "12", "", "6.18", 2, None, draw(st.integers(0, 2**36)), "", "", ""),
        *(draw(st.booleans()), True, True, "initial"),
    )
    groups = st.lists(
        st.builds(
            lambda c, limit, used: GroupLimit(c, "a.slice/x.service", f"/sys/fs/cgroup/x/{c}.max", limit, used),
            *(st.sampled_from(("memory", "pids")), st.integers(0, 2**34), st.integers(0, 2**33)),
        ),
        max_size=2,
        unique_by=lambda one: one.controller,
    )
    held = draw(st.none() | st.integers(0, 200_000))
    named, workers = draw(st.sampled_from((("", 1), ("x", 3), ("nginx", 2), ("nginx", 5))))
    return CapacityFacts(
        readings={f"sysctl:{key}": reading(f"sysctl:{key}", value) for key, value in values.items()},
        pools=now,
        wide=wide,
        workload=load,
        machine=machine,
        nofile=reading(f"nofile:unit/{named or 'x'}.service", (draw(st.integers(0, 10**7)),) * 2),
        files_open=draw(st.integers(0, 300_000)),
        tracked=draw(st.integers(0, 300_000)),
        process=None
        if held is None
        else Process(
            7, held, draw(st.integers(0, 2**33)), draw(st.booleans()), named, workers=workers, total=held * workers
        ),
        sockets_open=draw(st.integers(0, 300_000)),
        threads=draw(st.integers(0, 5000)),
        neighbours=draw(st.integers(0, 10)),
        on_link=len(load.backends),
        groups=tuple(draw(groups)),
        allowance=draw(st.none() | st.integers(0, 10**7)),
        programs=knowledge.of("nginx"),
    )


def meet(facts: CapacityFacts, needs: Iterable[Remedy]) -> CapacityFacts:
    """Return the host as it is when these needs are met; addresses come last, for they get the ports of the range."""
    late = {"sources", "sources:ipv6", "pairs"}
    for need in sorted(needs, key=lambda n: n.subject in late):
        facts = _meet(facts, need.subject, need.value)
    return facts


def lowered(need: Remedy) -> Remedy | None:
    """Return a need one step lower; None where the step is to leave things as they are."""
    value = need.value
    if need.unit in ("switch", "ports") or (need.subject, value) in (("sources", 1), ("sources:ipv6", 1)):
        return None
    if isinstance(value, tuple):
        return dataclasses.replace(need, value=(*value[:-1], value[-1] - 1))
    assert isinstance(value, int)
    return dataclasses.replace(need, value=value - 1)


def _meet(facts: CapacityFacts, subject: str, value: Value) -> CapacityFacts:
    def put(**changes: Any) -> CapacityFacts:
        return dataclasses.replace(facts, **changes)

    kind, _, name = subject.partition(":")
    if subject in (_RANGE, "bind-range"):
        return put(readings={**facts.readings, _RANGE: reading(_RANGE, value)}, pools=facts.wide)
    if kind == "sysctl":
        return put(readings={**facts.readings, subject: reading(subject, value)})
    if isinstance(value, tuple | str):
        raise AssertionError(f"{subject} is one number")
    if kind == "nofile":
        return put(nofile=reading(subject, (value, value)))
    if subject == "memory":
        return put(machine=dataclasses.replace(facts.machine, memory_available=value))
    if kind == "cgroup":
        _, _, group = name.partition("/")
        controller = name.partition(".")[0]
        return put(
            groups=tuple(
                dataclasses.replace(g, limit=value) if (g.controller, g.group) == (controller, group) else g
                for g in facts.groups
                if isinstance(facts.groups, tuple)
            )
        )
    if subject == "listen:backlog":
        return put(workload=dataclasses.replace(facts.workload, backlog=value))
    if kind == "cloud":
        return put(allowance=value)
    if subject == "pairs":
        (one,) = tuples.pools(facts)
        made = tuple(dataclasses.replace(one, source=f"10.9.{n >> 8}.{n & 255}") for n in range(value))
        made = tuple(dataclasses.replace(p, backend=Backend("10.8.0.1", 80)) for p in made)
        return put(pools=made, wide=made)
    assert kind == "sources", subject
    family = 6 if name else 4
    return put(pools=_more(facts, facts.pools, family, value), wide=_more(facts, facts.wide, family, value))


def _more(facts: CapacityFacts, found: tuple[PortPool, ...], family: int, count: int) -> tuple[PortPool, ...]:
    """Add source addresses that have what the narrowest of each backend has."""
    made = list(found)
    for group in sharing.groups(facts, found):
        if group.family != family:
            continue
        usable = min(p.usable for p in group.pools)
        backends = {p.backend for p in found if (6 if ":" in p.backend.address else 4) == family}
        for backend in [b for b in backends if group.name in ("", str(b))]:
            for n in range(count):
                source = f"10.9.{n >> 8}.{n & 255}" if family == 4 else f"fd09::{n:x}"
                made.append(_pool(source, backend, found[0].mode, usable, 0, 0))
    return tuple(made)
