"""The rules of what is global, each from the few readings that it needs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hosttune.diagnosis import Clues
from hosttune.diagnosis.rules import (
    aio,
    denied,
    disk,
    epoll,
    file_max,
    inotify,
    map_count,
    memory,
    neighbours,
    nofile_high,
    nr_open,
    orphans,
    pids,
    tcp_mem,
)
from hosttune.model import Cause, Certainty, GroupLimit, LogHit, Program, Reason, Traffic, Unknown, Watching
from tests.diagnosis.given import clues, hit, program

C, L, P, X, U = (*Certainty,)
Case = tuple[Clues, Certainty]

MIB = 1 << 20
BARRED = Unknown(Reason.INVISIBLE, "in a network namespace")
ROOT = dataclasses.replace(program(900), exempt=True)
USER = dataclasses.replace(program(900), exempt=False)


def log(text: str, age: float = 2.0) -> tuple[tuple[float, str], ...]:
    return ((age, text),)


def wrote(line: str, *causes: str, errno: str = "", call: str = "", **numbers: int) -> tuple[LogHit, ...]:
    return (LogHit("kernel", causes, line, 1, errno, call, numbers),)


FILES = {"fs.file-max": 1000}
FULL_LINE = log("VFS: file-max limit 1000 reached")
FILE_MAX: dict[str, Case] = {
    "full": (clues(stands={"files.open": 998}, limits=FILES), C),
    "full, and a service sees it": (clues(stands={"files.open": 998}, limits=FILES, programs=(USER,)), C),
    "full, ENFILE": (clues(stands={"files.open": 998}, limits=FILES, errno="ENFILE", programs=(ROOT,)), C),
    "full for others than root": (clues(stands={"files.open": 998}, limits=FILES, programs=(ROOT,)), P),
    "full, but root was named": (clues(stands={"files.open": 998}, limits=FILES, programs=(ROOT,), named=True), X),
    "full, but something else failed": (clues(stands={"files.open": 998}, limits=FILES, errno="EADDRINUSE"), P),
    "nearly full, ENFILE": (clues(stands={"files.open": 930}, limits=FILES, errno="ENFILE"), C),
    "nearly full": (clues(stands={"files.open": 930}, limits=FILES), X),
    "it gave way just now": (clues(stands={"files.open": 980}, limits=FILES, log=FULL_LINE), C),
    "said just now, far from it now": (clues(stands={"files.open": 300}, limits=FILES, log=FULL_LINE), P),
    "said just now, and ENFILE": (clues(stands={"files.open": 300}, limits=FILES, log=FULL_LINE, errno="ENFILE"), L),
    "said an hour ago": (clues(stands={"files.open": 300}, limits=FILES, log=log(FULL_LINE[0][1], 3600)), X),
    "ENFILE, far from it": (clues(stands={"files.open": 300}, limits=FILES, errno="ENFILE"), P),
    "only ENFILE": (clues(limits={}, errno="ENFILE"), L),
    "only a log": (clues(limits={}, hits=wrote("VFS: file-max limit 800 reached", "file-max", limit=800)), L),
    "another errno": (clues(limits={}, errno="EMFILE"), X),
    "nothing": (clues(limits={}), U),
}

NR = {"fs.nr_open": 1000}
ABLE = dataclasses.replace(program(30, 500, 500), resource=True)
BARE = dataclasses.replace(ABLE, resource=False)
AT = program(30, 1000, 1000)
BEYOND = program(30, 1000, 5000)
REFUSED = {"errno": "EPERM", "call": "setrlimit"}
NR_OPEN: dict[str, Case] = {
    "named at the bound, refused": (clues(limits=NR, programs=(AT,), named=True, **REFUSED), C),
    "somebody at the bound, refused": (clues(limits=NR, programs=(AT,), **REFUSED), L),
    "it may raise limits, and was refused": (clues(limits=NR, programs=(ABLE,), named=True, **REFUSED), C),
    "it may not raise limits": (clues(limits=NR, programs=(BARE,), named=True, **REFUSED), P),
    "one of two may": (clues(limits=NR, programs=(ABLE, BARE), named=True, **REFUSED), P),
    "only the words": (clues(limits={}, **REFUSED), P),
    "EPERM of some call": (clues(limits=NR, programs=(AT,), named=True, errno="EPERM"), P),
    "EPERM of another call": (clues(limits=NR, programs=(AT,), errno="EPERM", call="connect"), X),
    "another errno": (clues(limits=NR, programs=(BEYOND,), errno="EADDRNOTAVAIL"), X),
    "a log": (clues(limits={}, hits=(hit("nr-open", "nofile", errno="EPERM", call="setrlimit"),)), P),
    "no trouble at the bound": (clues(limits=NR, programs=(AT,)), X),
    "a hard limit beyond the bound": (clues(limits=NR, programs=(BEYOND,)), P),
    "descriptors end at the bound": (clues(limits=NR, programs=(program(959, 5000, 5000),)), C),
    "far below the bound": (clues(limits=NR, programs=(program(900, 5000, 5000),)), P),
    "the soft limit ends first": (clues(limits=NR, programs=(program(999, 1000, 1000),)), X),
    "nothing": (clues(limits={}), U),
}

WATCHES = {"fs.epoll.max_user_watches": 1000}
MANY, FEW = Traffic(uids={0: 10, 7: 1200}), Traffic(uids={7: 100})
EPOLL: dict[str, Case] = {
    "ENOSPC at epoll_ctl": (clues(limits=WATCHES, traffic=MANY, errno="ENOSPC", call="epoll_ctl"), C),
    "the words alone": (clues(limits={}, errno="ENOSPC", call="epoll_ctl"), C),
    "ENOSPC, and many sockets": (clues(limits=WATCHES, traffic=MANY, errno="ENOSPC"), L),
    "ENOSPC, and few sockets": (clues(limits=WATCHES, traffic=FEW, errno="ENOSPC"), P),
    "ENOSPC alone": (clues(limits={}, errno="ENOSPC"), P),
    "ENOSPC of another call": (clues(limits=WATCHES, traffic=MANY, errno="ENOSPC", call="open"), X),
    "more sockets than watches, no error": (clues(limits=WATCHES, traffic=MANY), P),
    "another errno": (clues(limits=WATCHES, traffic=MANY, errno="EMFILE"), X),
    "few files": (clues(limits=WATCHES, traffic=FEW, stands={"files.open": 200}), X),
    "many files": (clues(limits=WATCHES, traffic=FEW, stands={"files.open": 900}), U),
    "nothing": (clues(limits={}), U),
}

THRESH = {"net.ipv4.neigh.default.gc_thresh3": 1000, "net.ipv6.neigh.default.gc_thresh3": 1000}
FULLS = {"arp_cache.entries": 1000, "arp_cache.table_fulls": 40, "ndisc_cache.entries": 3}
ROOM = {**FULLS, "arp_cache.entries": 600}
OVERFLOW = log("neighbour: arp_cache: neighbor table overflow!")
NEIGHBOURS: dict[str, Case] = {
    "overflows now": (clues(limits=THRESH, stands=FULLS, moved={"arp_cache.table_fulls": 40}), C),
    "of IPv6": (clues(limits=THRESH, stands=ROOM, moved={"ndisc_cache.table_fulls": 1}), C),
    "overflows, something else failed": (
        clues(limits=THRESH, stands=FULLS, moved={"arp_cache.table_fulls": 40}, errno="EMFILE"),
        P,
    ),
    "full, and nothing refused": (clues(limits=THRESH, stands=FULLS), P),
    "full, EHOSTUNREACH": (clues(limits=THRESH, stands=FULLS, errno="EHOSTUNREACH"), L),
    "once": (clues(limits=THRESH, stands=ROOM), X),
    "once, ENOBUFS": (clues(limits=THRESH, stands=ROOM, errno="ENOBUFS"), P),
    "never, ENOBUFS": (clues(limits=THRESH, stands={**ROOM, "arp_cache.table_fulls": 0}, errno="ENOBUFS"), X),
    "the kernel's line, in a container": (clues(limits={}, log=OVERFLOW), L),
    "the kernel's line of a log": (clues(limits={}, hits=wrote(OVERFLOW[0][1], "neighbours")), L),
    "a line that may be this": (clues(limits={}, hits=(hit("neighbours", "memory", errno="ENOBUFS"),)), P),
    "another errno": (clues(limits=THRESH, stands=ROOM, errno="EMFILE"), X),
    "a container": (clues(limits={}), U),
}

ORPHAN_MAX = {"net.ipv4.tcp_max_orphans": 1000, "net.ipv4.tcp_mem": (3000, 4000, 6000)}
ORPHAN, PAGES = "sockstat.TCP.orphan", "sockstat.TCP.mem"
ABORTS = "TcpExt.TCPAbortOnMemory"
TOO_MANY = log("TCP: too many orphaned sockets")
OUT_OF = wrote("Out of socket memory", "orphans", "tcp-mem")
# the figures of a public report that has no more than these (linux-admins.net)
REPORT = {"net.ipv4.tcp_mem": (3_480_768, 4_641_024, 6_961_536)}
ORPHANS: dict[str, Case] = {
    "at the limit, reset": (clues(limits=ORPHAN_MAX, stands={ORPHAN: 990, PAGES: 100}, moved={ABORTS: 5}), C),
    "at the limit": (clues(limits=ORPHAN_MAX, stands={ORPHAN: 990, PAGES: 100}), L),
    "at the limit, said so": (clues(limits=ORPHAN_MAX, stands={ORPHAN: 990}, log=TOO_MANY), C),
    "half, and those that time out are reset": (
        clues(limits=ORPHAN_MAX, stands={ORPHAN: 500, PAGES: 100}, moved={ABORTS: 5}),
        L,
    ),
    "half, and it is memory": (clues(limits=ORPHAN_MAX, stands={ORPHAN: 500, PAGES: 5000}, moved={ABORTS: 5}), X),
    "many, and all is well": (clues(limits=ORPHAN_MAX, stands={ORPHAN: 800, PAGES: 100}), X),
    "once": (clues(limits=ORPHAN_MAX, stands={ORPHAN: 20, ABORTS: 900}), X),
    "at the limit, something else failed": (
        clues(limits=ORPHAN_MAX, stands={ORPHAN: 990}, moved={ABORTS: 3}, errno="EMFILE"),
        P,
    ),
    "a report of memory, with pages to spare": (
        clues(limits=REPORT, stands={ORPHAN: 126_800, PAGES: 102_910}, hits=OUT_OF),
        L,
    ),
    "the same with no pages left": (clues(limits=REPORT, stands={ORPHAN: 126_800, PAGES: 6_961_000}, hits=OUT_OF), X),
    "the line alone": (clues(limits={}, hits=OUT_OF), P),
    "the line that names it": (clues(limits={}, hits=wrote("TCP: too many orphaned sockets", "orphans")), L),
    "a container": (clues(limits={"net.ipv4.tcp_max_orphans": BARRED}, stands={ORPHAN: 5}), U),
    "nothing": (clues(limits={}), U),
}

TUNE = wrote("TCP: out of memory -- consider tuning tcp_mem", "tcp-mem")
DROP = {"TcpExt.TCPRcvQDrop": 9, "TcpExt.PruneCalled": 9}
TCP_MEM: dict[str, Case] = {
    "at the limit": (clues(limits=ORPHAN_MAX, stands={PAGES: 6000}), C),
    "under pressure, drops": (clues(limits=ORPHAN_MAX, stands={PAGES: 4500}, moved=DROP), C),
    "under pressure": (clues(limits=ORPHAN_MAX, stands={PAGES: 4500}), L),
    "pressure came and went": (
        clues(limits=ORPHAN_MAX, stands={PAGES: 3900}, moved={"TcpExt.TCPMemoryPressures": 1}),
        L,
    ),
    "between": (clues(limits=ORPHAN_MAX, stands={PAGES: 3900}), X),
    "sockets that drop, each by its own buffer": (clues(limits=ORPHAN_MAX, stands={PAGES: 3900}, moved=DROP), X),
    "once": (clues(limits=ORPHAN_MAX, stands={PAGES: 100, "TcpExt.TCPMemoryPressures": 7}), X),
    "at the limit, something else failed": (clues(limits=ORPHAN_MAX, stands={PAGES: 6000}, errno="EADDRINUSE"), P),
    "a report of memory, with pages to spare": (clues(limits=REPORT, stands={PAGES: 102_910}, hits=OUT_OF), X),
    "a line that names it, with pages to spare": (clues(limits=REPORT, stands={PAGES: 102_910}, hits=TUNE), P),
    "a line that names it": (clues(limits={}, hits=TUNE), L),
    "a line that may be it": (clues(limits={}, hits=OUT_OF), P),
    "a container": (clues(limits={"net.ipv4.tcp_mem": BARRED}, stands={PAGES: 5}), U),
    "nothing": (clues(limits={}), U),
}

HOST = {"kernel.threads-max": 9000, "kernel.pid_max": 4000}
ONE: tuple[Program, ...] = (program(50),)


def tasks(used: int, refused: int | None = 0) -> tuple[GroupLimit, ...]:
    return (GroupLimit("pids", "broker.service", "/g/pids.max", 100, used, refused),)


PIDS: dict[str, Case] = {
    "a group at its limit": (clues(limits=HOST, programs=ONE, groups=tasks(100)), C),
    "a group that refuses": (clues(limits=HOST, programs=ONE, groups=tasks(97, 8), groups_earlier=tasks(97, 5)), C),
    "a group that refused once": (
        clues(limits=HOST, programs=ONE, groups=tasks(40, 8), groups_earlier=tasks(40, 8)),
        X,
    ),
    "a group at its limit, something else failed": (clues(programs=ONE, groups=tasks(100), errno="EMFILE"), P),
    "the host": (clues(limits=HOST, programs=ONE, stands={"tasks": 3990}), C),
    "near, EAGAIN at clone": (clues(limits=HOST, programs=ONE, groups=tasks(95), errno="EAGAIN", call="clone"), L),
    "far, EAGAIN at clone": (clues(limits=HOST, programs=ONE, groups=tasks(30), errno="EAGAIN", call="clone"), P),
    "near": (clues(limits=HOST, programs=ONE, groups=tasks(95), stands={"tasks": 300}), X),
    "EAGAIN of a call that may wait": (clues(programs=ONE, groups=tasks(30), errno="EAGAIN", call="recv"), X),
    "the kernel's line": (clues(log=log("cgroup: fork rejected by pids controller in /broker")), L),
    "no group limits": (clues(limits=HOST, programs=ONE, stands={"tasks": 300}), X),
    "groups that cannot be seen": (clues(limits=HOST, programs=ONE, groups=BARRED), U),
    "no process": (clues(limits=HOST, stands={"tasks": 300}), U),
}

LEFT = {"memory.MemTotal": 1000 * MIB, "memory.MemAvailable": 500 * MIB}
GONE = {"memory.MemTotal": 1000 * MIB, "memory.MemAvailable": 9 * MIB}
KILL = log("Memory cgroup out of memory: Killed process 812 (broker) total-vm:1kB")


def charged(used: int, refused: int | None = 0, sockets: int | None = None) -> tuple[GroupLimit, ...]:
    held = None if sockets is None else sockets * MIB
    return (GroupLimit("memory", "broker.service", "/g/memory.max", 100 * MIB, used * MIB, refused, held),)


MEMORY: dict[str, Case] = {
    "a group that meets its limit": (clues(stands=LEFT, groups=charged(99, 9), groups_earlier=charged(99, 2)), C),
    "a group that meets it with cache": (clues(stands=LEFT, groups=charged(20, 9), groups_earlier=charged(20, 2)), X),
    "a group that is nearly full": (clues(stands=LEFT, groups=charged(96)), P),
    "a group that is nearly full, ENOMEM": (clues(stands=LEFT, groups=charged(96), errno="ENOMEM"), L),
    "sockets beyond the limit": (clues(stands=LEFT, groups=charged(130, sockets=120)), L),
    "sockets that drop": (clues(stands=LEFT, moved=DROP, groups=charged(96, sockets=90)), C),
    "a full group, something else failed": (
        clues(stands=LEFT, groups=charged(99, 9), groups_earlier=charged(99, 2), errno="EADDRINUSE"),
        P,
    ),
    "killed now": (clues(stands=LEFT, moved={"vmstat.oom_kill": 1}), C),
    "killed a moment ago": (clues(stands=LEFT, log=KILL), L),
    "killed an hour ago": (clues(stands={**LEFT, "vmstat.oom_kill": 3}, log=log(KILL[0][1], 3600)), X),
    "the host has none left": (clues(stands=GONE), P),
    "the host has none left, ENOBUFS": (clues(stands=GONE, errno="ENOBUFS"), L),
    "ENOMEM with plenty": (clues(stands=LEFT, errno="ENOMEM"), P),
    "a log of a kill": (clues(limits={}, hits=wrote(KILL[0][1], "memory", pid=812)), L),
    "another errno": (clues(stands=LEFT, errno="EADDRINUSE"), X),
    "groups that cannot be seen": (clues(stands=LEFT, groups=BARRED), U),
    "enough": (clues(stands=LEFT, groups=charged(10)), X),
    "nothing": (clues(limits={}), U),
}

INSTANCES = {"fs.inotify.max_user_instances": 128, "user.max_inotify_instances": 128}
WATCH_MAX = {"fs.inotify.max_user_watches": 1000}
NO_WATCH = (LogHit("broker", ("inotify", "nofile"), "a line", 1, "EMFILE"),)
NO_SPACE = (LogHit("broker", ("inotify",), "a line", 1, "ENOSPC", "inotify_add_watch"),)
SPARE = (program(30, 1024, 1024),)


def users(instances: int, watches: int = 0, uid: int = 0) -> tuple[Watching, ...]:
    return (Watching(uid, instances, watches, "kubelet (9)", instances),)


INOTIFY: dict[str, Case] = {
    "words alone": (clues(limits={}, hits=NO_WATCH), L),
    "words, and the user at the limit": (clues(limits=INSTANCES, hits=NO_WATCH, watching=users(128)), C),
    "words, and the user near it": (clues(limits=INSTANCES, hits=NO_WATCH, watching=users(111)), L),
    "words, and the user far from it": (clues(limits=INSTANCES, hits=NO_WATCH, watching=users(3)), P),
    "words, and nobody may have one": (clues(limits={"user.max_inotify_instances": 0}, hits=NO_WATCH, watching=()), C),
    "words, and descriptors are taken": (
        clues(limits=INSTANCES, hits=NO_WATCH, programs=(program(900),), named=True),
        P,
    ),
    "the call, and who could be counted is not known": (
        clues(limits=INSTANCES, errno="EMFILE", call="inotify_init", watching=BARRED),
        L,
    ),
    "EMFILE, and the process has descriptors": (clues(errno="EMFILE", programs=SPARE, named=True), P),
    "EMFILE, the process has descriptors, the user at the limit": (
        clues(limits=INSTANCES, errno="EMFILE", programs=SPARE, named=True, watching=users(128)),
        L,
    ),
    "EMFILE alone": (clues(limits=INSTANCES, errno="EMFILE"), X),
    "EMFILE of accept(), and the user at the limit": (
        clues(limits=INSTANCES, errno="EMFILE", call="accept", watching=users(128)),
        X,
    ),
    "watches": (clues(limits=WATCH_MAX, hits=NO_SPACE), L),
    "watches at the limit": (clues(limits=WATCH_MAX, hits=NO_SPACE, watching=users(2, 1000)), C),
    "another errno": (clues(limits=INSTANCES, errno="ENFILE"), X),
    "nothing": (clues(limits={}), X),
}
ENOSPC_HIT = (LogHit("broker", ("disk",), "a line", 1, "ENOSPC", "write"),)
DISK: dict[str, Case] = {
    "a write": (clues(hits=ENOSPC_HIT), P),
    "ENOSPC": (clues(errno="ENOSPC"), P),
    "ENOSPC of epoll_ctl()": (clues(errno="ENOSPC", call="epoll_ctl"), X),
    "nothing": (clues(), X),
}
MAPS = {"vm.max_map_count": 1000}
NO_THREAD = (LogHit("java", ("pids", "memory", "map-count"), "a line", 1, "EAGAIN", "clone"),)
MAP_COUNT: dict[str, Case] = {
    "at the limit": (clues(limits=MAPS, hits=NO_THREAD, programs=ONE, mappings={7: 998}), C),
    "at the limit, and nobody said anything": (clues(limits=MAPS, programs=ONE, mappings={7: 998}), L),
    "far from it": (clues(limits=MAPS, hits=NO_THREAD, programs=ONE, mappings={7: 40}, named=True), X),
    "somebody is far from it": (clues(limits=MAPS, hits=NO_THREAD, programs=ONE, mappings={7: 40}), P),
    "not counted": (clues(limits=MAPS, hits=NO_THREAD), P),
    "mmap()": (clues(limits=MAPS, errno="ENOMEM", call="mmap"), P),
    "another errno": (clues(limits=MAPS, errno="EMFILE"), X),
    "nothing": (clues(limits={}), X),
}
EVENTS = {"fs.aio-max-nr": 1000, "fs.aio-nr": 990}
AIO: dict[str, Case] = {
    "EAGAIN of that very call": (clues(limits=EVENTS, errno="EAGAIN", call="io_setup"), C),
    "nothing was read": (clues(limits={}, errno="EAGAIN", call="io_setup"), C),
    "few are reserved now": (clues(limits={**EVENTS, "fs.aio-nr": 5}, errno="EAGAIN", call="io_setup"), L),
    "EAGAIN": (clues(limits=EVENTS, errno="EAGAIN"), X),
    "another errno": (clues(limits=EVENTS, errno="EMFILE"), X),
    "nothing": (clues(limits={}), X),
}
HUGE = dataclasses.replace(program(4, 2**30, 2**30), system_ticks=95, ticks=99)
IDLE = dataclasses.replace(HUGE, system_ticks=0, ticks=0)
HIGH: dict[str, Case] = {
    "named": (clues(programs=(HUGE,), named=True), P),
    "it hangs": (clues(programs=(HUGE,), named=True, errno="none"), P),
    "it loops in the kernel": (clues(programs=(HUGE,), earlier=(IDLE,)), L),
    "nobody named it": (clues(programs=(HUGE,)), U),
    "the kernel's own default": (clues(programs=(program(4, 1_048_576, 1_048_576),), named=True), X),
    "something failed": (clues(programs=(HUGE,), named=True, errno="EMFILE"), X),
    "nothing": (clues(), U),
}
WANTS = LogHit("nginx", ("nr-open", "nofile"), "a line", 1, "EPERM", "setrlimit", {"wanted": 900})
DENIED: dict[str, Case] = {
    "not above the hard limit": (clues(limits=NR, hits=(WANTS,), programs=(AT,), named=True), P),
    "above it": (clues(limits=NR, hits=(WANTS,), programs=(BARE,), named=True), X),
    "above it, and it may": (clues(limits=NR, hits=(WANTS,), programs=(ABLE,), named=True), P),
    "above fs.nr_open": (clues(limits={"fs.nr_open": 800}, hits=(WANTS,)), X),
    "how many is not known": (clues(limits=NR, **REFUSED), U),
    "nothing": (clues(), X),
}

RULES: dict[Any, dict[str, Case]] = {
    inotify: INOTIFY,
    disk: DISK,
    map_count: MAP_COUNT,
    aio: AIO,
    nofile_high: HIGH,
    denied: DENIED,
    file_max: FILE_MAX,
    nr_open: NR_OPEN,
    epoll: EPOLL,
    neighbours: NEIGHBOURS,
    orphans: ORPHANS,
    tcp_mem: TCP_MEM,
    pids: PIDS,
    memory: MEMORY,
}
ROWS = [
    pytest.param(rule, case, certainty, id=f"{rule.__name__.rpartition('.')[2]}: {name}")
    for rule, cases in RULES.items()
    for name, (case, certainty) in cases.items()
]


@pytest.mark.parametrize(("rule", "case", "certainty"), ROWS)
def test_a_rule_is_as_sure_as_its_readings(rule: Any, case: Clues, certainty: Certainty) -> None:
    causes: tuple[Cause, ...] = rule.judge(case)
    assert [cause.certainty for cause in causes] == [certainty], causes
    cause = causes[0]
    assert cause.evidence or cause.against
    if certainty in (L, P):
        assert cause.confirm
    if certainty in (C, L, P):
        assert cause.fixes and cause.log


def test_what_a_full_table_of_files_tells() -> None:
    [cause] = file_max.judge(
        clues(stands={"files.open": 998}, limits=FILES, log=FULL_LINE, programs=(USER, program(5000, pid=9)))
    )
    told = " ".join(map(str, cause.evidence))
    assert (cause.at, cause.unit) == (1000, "files")
    assert "998 open files of 1,000" in told and "VFS: file-max limit 1000 reached" in told
    assert any("broker (9) has the most, 5,000" in fix.text for fix in cause.fixes)


def test_what_orphans_have_against_memory() -> None:
    case, _ = ORPHANS["a report of memory, with pages to spare"]
    [cause] = orphans.judge(case)
    told = " ".join(map(str, cause.evidence))
    assert "126,800 orphans" in told and "102,910 pages of 6,961,536" in told and "Out of socket memory" in told


def test_each_full_group_and_the_host_are_causes_of_their_own() -> None:
    other = dataclasses.replace(tasks(100)[0], group="proxy.service", file="/h/pids.max", used=5)
    found = pids.judge(clues(limits=HOST, programs=ONE, groups=(*tasks(100), other), stands={"tasks": 4000}))
    assert [(cause.at, cause.certainty) for cause in found] == [(100, C), (4000, C)]
    assert "broker.service" in found[0].what and "kernel.pid_max is 4,000" in str(found[1].evidence[0])


def test_sockets_of_a_group_are_not_blamed_where_tcp_as_a_whole_has_no_memory() -> None:
    marks = {"net.ipv4.tcp_mem": (3000, 4000, 6000)}
    case = clues(limits=marks, stands={**LEFT, PAGES: 6000}, moved=DROP, groups=charged(96, sockets=90))
    assert [cause.certainty for cause in memory.judge(case)] == [P]
    assert [cause.certainty for cause in tcp_mem.judge(case)] == [C]
