"""Texts of /proc and /sys, as everything that looks at a host reads them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from hosttune.errors import HostError
from hosttune.facts import cgroup, counters, machine, process, tracked, traffic, writers
from hosttune.facts.kinds import nofile, sysctl
from hosttune.host import answers
from hosttune.model import Subject
from tests.fuzz import mutate
from tests.fuzz.kinds.snapshots import samples
from tests.fuzz.memory import Memory
from tests.fuzz.part import Given, Part

MORE = {
    "/proc/7/cgroup": "0::/system.slice/haproxy.service\n1:memory,pids:/docker/1a\n",
    "/proc/self/cgroup": "4:pids:/user.slice\n3:memory:/a/b\n0::/init.scope\n",
    "/proc/self/mountinfo": "24 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
    "25 1 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "26 1 0:24 /x /mnt\\040a ro - ext4 /dev/a ro\n",
    "/sys/fs/cgroup/system.slice/haproxy.service/memory.max": "1073741824\n",
    "/sys/fs/cgroup/system.slice/haproxy.service/memory.current": "104857600\n",
    "/sys/fs/cgroup/system.slice/haproxy.service/memory.events": "low 0\nhigh 0\nmax 3\noom 1\n",
    "/sys/fs/cgroup/system.slice/haproxy.service/memory.stat": "anon 5\ninactive_file 4096\nactive_file 10\n",
    "/sys/fs/cgroup/system.slice/haproxy.service/pids.max": "max\n",
    "/sys/fs/cgroup/system.slice/haproxy.service/pids.current": "17\n",
    "/proc/7/limits": "Limit  Soft Limit Hard Limit Units\n"
    "Max open files            1024                 524288               files     \n",
    "/proc/7/status": "Name:\thaproxy\n"
    "Uid:\t0\t0\t0\t0\nThreads:\t5\nFDSize:\t256\nVmRSS:\t  1000 kB\nRssShmem:\t 0 kB\n",
    "/proc/7/comm": "haproxy\n",
    "/proc/7/stat": "7 (ha proxy) S 1 7 7 0 -1 4194560 1 0 0 0 10 20 0 0 20 0 5 0 100 0 0\n",
    "/proc/net/softnet_stat": f"0000000a 00000001 00000002{' 00000000' * 10}\n" * 2,
    "/proc/net/stat/arp_cache": "entries  allocs destroys\n00000005  00000001 00000000\n00000005  00000001 00000000\n",
    "/proc/net/stat/nf_conntrack": "entries  clashres found new invalid ignore delete chainlength insert insert_failed "
    f"drop early_drop icmp_error\n00000005  00000001{' 00000000' * 7} 00000002 00000003 00000004 00000000\n",
    "/proc/net/dev": "Inter-|   Receive\n face |bytes\n  eth0: 1 2 0 3 0 0 0 0 4 5 0 6 0 0 0 0\n"
    "    lo: 1 2 0 0 0 0 0 0 4 5 0 0 0 0 0 0\n",
    "/proc/net/tcp": "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
    "   0: 00000000:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22339 1 0\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "/proc/sys/net/netfilter/nf_conntrack_count": "120\n",
    "/proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
    "/proc/cmdline": "root=/dev/vda sysctl.net.core.somaxconn=9 quiet\n",
}
PROBES: dict[str, Any] = {
    "allowances": {"eth0": {"conntrack_allowance_available": 5}},
    "instance": {"boot": "x", "namespace": "y"},
}


@cache
def base() -> dict[str, str]:
    """Return what a host says of itself."""
    reads = samples()[0]["reads"]
    return {path: answer["is"] for path, answer in reads.items() if "is" in answer} | MORE


@cache
def _texts() -> tuple[str, ...]:
    return tuple(sorted(path for path in base() if path.startswith(("/proc/", "/sys/"))))


def _make(random: Random) -> Given:
    chosen = random.sample(_texts(), random.choice((1, 2, 4)))
    chosen += random.sample(sorted(MORE), random.choice((0, 1, 3)))
    return {
        "files": {path: mutate.text(random, base()[path], ("kB", "max", ":", "unlimited", "0A")) for path in chosen}
    }


def _run(given: Given) -> bool:
    if any(answers.wrong_text(path, text) for path, text in given["files"].items()):
        return False  # what no kernel writes: a recording that has it is refused
    host = Memory({**base(), **given["files"]}, PROBES)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: machine.gather(host),
        lambda: counters.gather(host, "aws"),
        lambda: sysctl.limits(host),
        lambda: cgroup.gather(host, "7"),
        lambda: cgroup.gather(host, "self"),
        lambda: process.gather(host, [7]),
        lambda: nofile.reading(host, Subject("nofile", "pid/7")),
        lambda: writers.warnings(host),
        lambda: traffic.kernel_log(host),
        lambda: tracked.gather(host, counters.gather(host), sysctl.limits(host)),
        lambda: sysctl.runtime(host, "net.ipv4.tcp_mem"),
    )
    for call in calls:
        try:
            call()
        except HostError:
            continue
    return True


PARTS = (Part("proc", _make, _run, schema=True, share=10),)
