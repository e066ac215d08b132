"""What the kernel counts of connections, queues, tables and memory: each counter by name, at one moment.

Names: `TcpExt.*`, `IpExt.*` (/proc/net/netstat), `Tcp.*` (/proc/net/snmp), `sockstat.TCP.*`, `sockstat.TCP6.*`,
`softnet.*`, `dev.*` (of all interfaces of the namespace), `conntrack.*`, `arp_cache.*`, `ndisc_cache.*`, `files.*`,
`memory.*` and `vmstat.*` in bytes and events, `tasks`, `cpu.*` in hundredths of a second of all CPUs, `ena.*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from hosttune.errors import HostError
from hosttune.host import Host, proc, text
from hosttune.model import Sample

Counted = Iterator[tuple[str, int]]

# net/core/net-procfs.c softnet_seq_show(), hexadecimal, a row for each CPU
_SOFTNET = ("processed", "dropped", "squeezed")
_CPU = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")  # proc_stat(5)


def gather(host: Host, cloud: str = "") -> Sample:
    """Read every counter that this host shows; what it does not show is not among them."""
    counters: dict[str, int] = {}
    for path in _FILES:
        counters.update(read(host, path))
    if cloud == "aws":
        counters.update(_allowances(host))
    uptime = text(host, "/proc/uptime").partition(" ")[0]
    return Sample(float(uptime) if re.fullmatch(r"\d+(\.\d+)?", uptime) else 0.0, counters)


def read(host: Host, path: str) -> dict[str, int]:
    """Return the counters of one of the kernel's files; raises KeyError for another file."""
    return dict(_FILES[path](text(host, path)))


def _pairs(content: str) -> Counted:
    """Yield what stands as a row of names above a row of numbers (proc_net(5))."""
    lines = content.splitlines()
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        kind, _, titles = names.partition(": ")
        for title, number in zip(titles.split(), numbers.partition(": ")[2].split(), strict=False):
            if re.fullmatch(r"-?\d+", number) and kind in ("TcpExt", "IpExt", "Tcp", "Ip"):
                yield f"{kind}.{title}", int(number)


def _sockstat(content: str) -> Counted:
    """Yield what sockets there are of a family (net/ipv4/proc.c, sockstat_seq_show())."""
    for kind, rest in re.findall(r"^(TCP6?|sockets): (.*)$", content, re.M):
        words = rest.split()
        for name, number in zip(words[::2], words[1::2], strict=False):
            if number.isdecimal():
                yield f"sockstat.{kind}.{name}", int(number)


def _table(name: str, content: str) -> Counted:
    """Yield the sums over CPUs of a file of /proc/net/stat; the number of entries is the same in each row."""
    rows = [line.split() for line in content.splitlines()]
    for title, *column in zip(*rows, strict=False) if len(rows) > 1 else ():
        if all(re.fullmatch("[0-9a-f]{1,16}", cell) for cell in column):
            numbers = [int(cell, 16) for cell in column]
            yield f"{name}.{title}", numbers[0] if title == "entries" else sum(numbers)


def _softnet(content: str) -> Counted:
    rows = [line.split() for line in content.splitlines()]
    whole = bool(rows) and all(len(row) >= len(_SOFTNET) for row in rows)
    if whole and all(re.fullmatch("[0-9a-f]{1,16}", cell) for row in rows for cell in row):
        for column, name in enumerate(_SOFTNET):
            yield f"softnet.{name}", sum(int(row[column], 16) for row in rows)


def _interfaces(content: str) -> Counted:
    """Yield the packets that the interfaces dropped (net/core/net-procfs.c dev_seq_printf_stats())."""
    rows = [line.partition(":")[2].split() for line in content.splitlines()[2:]]
    if rows and all(len(row) >= 16 and row[3].isdecimal() and row[11].isdecimal() for row in rows):
        yield "dev.rx_dropped", sum(int(row[3]) for row in rows)
        yield "dev.tx_dropped", sum(int(row[11]) for row in rows)


def _first(name: str, content: str) -> Counted:
    """Yield the first number of a file of numbers (proc_sys_fs(5))."""
    words = content.split()
    if words and words[0].isdecimal():
        yield name, int(words[0])


def _memory(content: str) -> Counted:
    rows = proc.status(content)
    for name in ("MemTotal", "MemAvailable", "Slab"):
        if (size := proc.kib(rows.get(name))) is not None:
            yield f"memory.{name}", size


def _vmstat(content: str) -> Counted:
    yield from ((f"vmstat.{k}", int(v)) for k, v in re.findall(r"^(oom_kill|pgmajfault) (\d+)$", content, re.M))


def _loadavg(content: str) -> Counted:
    tasks = re.match(r"\S+ \S+ \S+ \d+/(\d+)(?: |$)", content)  # proc_loadavg(5)
    if tasks:
        yield "tasks", int(tasks[1])


def _cpu(content: str) -> Counted:
    cpu = re.search(r"^cpu +([\d ]+)$", content, re.M)
    if cpu:
        yield from ((f"cpu.{n}", int(v)) for n, v in zip(_CPU, cpu[1].split(), strict=False))


_FILES: dict[str, Callable[[str], Counted]] = {
    "/proc/net/netstat": _pairs,
    "/proc/net/snmp": _pairs,
    "/proc/net/sockstat": _sockstat,
    "/proc/net/sockstat6": _sockstat,
    "/proc/net/stat/nf_conntrack": partial(_table, "conntrack"),
    "/proc/net/stat/arp_cache": partial(_table, "arp_cache"),
    "/proc/net/stat/ndisc_cache": partial(_table, "ndisc_cache"),
    "/proc/sys/net/netfilter/nf_conntrack_count": partial(_first, "conntrack.count"),
    "/proc/net/softnet_stat": _softnet,
    "/proc/net/dev": _interfaces,
    "/proc/sys/fs/file-nr": partial(_first, "files.open"),
    "/proc/meminfo": _memory,
    "/proc/vmstat": _vmstat,
    "/proc/loadavg": _loadavg,
    "/proc/stat": _cpu,
}


def _allowances(host: Host) -> Counted:
    """Yield what Amazon's driver counts; the interfaces of an instance share one allowance, so the least is safe."""
    try:
        answers = list(host.probe("allowances").values())
    except HostError:
        return
    for key in sorted({key for answer in answers for key in answer}):
        counts = [answer[key] for answer in answers if key in answer]
        yield f"ena.{key}", min(counts) if key.endswith("_available") else sum(counts)
