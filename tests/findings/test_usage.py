"""How full each limit is: one use for each limit, whoever asks, and none for what could not be counted."""

from __future__ import annotations

from hosttune.findings.usage import uses
from hosttune.model import Backend, BindMode, GroupLimit, Listener, Pools, PortPool, Program, Reason, Unknown

COUNTERS = {"conntrack.count": 50, "files.open": 10, "sockstat.TCP.mem": 30, "memory.MemTotal": 100}
CLOSED = Unknown(Reason.READ_ONLY)
LIMITS = {"net.netfilter.nf_conntrack_max": 100, "fs.file-max": CLOSED, "net.ipv4.tcp_mem": (1, 40, 60)}


def pool(source: str, port: int, mode: BindMode) -> PortPool:
    return PortPool(
        **{"source": source, "backend": Backend("10.0.0.2", port), "mode": mode, "low": 1, "high": 10, "in_range": 10},
        **{"reserved": 0, "blocked": 0, "usable": 10, "established": 4, "time_wait": 0, "other": 0},
        **{"free": 6, "free_most": 6, "knee": 5, "notes": ()},
    )


def test_each_limit_has_one_use() -> None:
    bind, chosen = BindMode.BIND, BindMode.EXPLICIT
    pools = Pools(
        (pool("10.0.0.1", 80, bind), pool("10.0.0.1", 81, bind), pool("10.0.0.3", 80, chosen)),
        {("10.0.0.3", Backend("10.0.0.2", 80)): "guessed from the ports"},
    )
    every = uses(
        COUNTERS,
        LIMITS,
        pools=pools,
        programs=[Program(7, "broker", 0, 90, 100, None), Program(8, "hidden", 0, 90, None, None)],
        listeners=[Listener("0.0.0.0", 1883, 3, 127)],
        groups=(GroupLimit("pids", "system.slice/a.service", "pids.max", 10, 5),),
    )
    assert {use.id: (use.used, use.limit, use.knee) for use in every} == {
        "ports:10.0.0.1": (4, 10, 5),
        "ports:10.0.0.3->10.0.0.2:80": (4, None, 5),
        "nofile:7": (90, 100, None),
        "accept-queue:0.0.0.0:1883": (3, 128, None),
        "conntrack": (50, 100, None),
        "file-max": (10, CLOSED, None),
        "tcp-mem": (30, 60, 40),
        "cgroup-pids:system.slice/a.service": (5, 10, None),
    }
    assert [use.nearness for use in every] == sorted((use.nearness for use in every), reverse=True)


def test_no_limit_of_conntrack_is_none() -> None:
    (use,) = uses({"conntrack.count": 5}, {"net.netfilter.nf_conntrack_max": 0}, pools=Pools())
    assert use.limit is None and use.share is None
