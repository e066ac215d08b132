"""What the kernel counts of connections, queues, tables and memory: each counter by name, at one moment.

Names: `TcpExt.*`, `IpExt.*` (/proc/net/netstat), `Tcp.*` (/proc/net/snmp), `sockstat.TCP.*`, `sockstat.TCP6.*`,
`softnet.*`, `dev.*` (of all interfaces of the namespace), `conntrack.*`, `arp_cache.*`, `ndisc_cache.*`, `files.*`,
`memory.*` and `vmstat.*` in bytes and events, `tasks`, `cpu.*` in hundredths of a second of all CPUs, `ena.*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.errors import HostError
from hosttune.facts.machine import text
from hosttune.host import Host
from hosttune.model import Sample

# net/core/net-procfs.c softnet_seq_show(), hexadecimal, a row for each CPU
_SOFTNET = ("processed", "dropped", "squeezed")
_CPU = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")  # proc_stat(5)


def gather(host: Host, cloud: str = "") -> Sample:
    """Read every counter that this host shows; what it does not show is not among them."""
    found: dict[str, int] = {}
    for part in (_pairs(host), _sockstat(host), _tables(host), _softnet(host), _interfaces(host), _system(host)):
        found.update(part)
    if cloud == "aws":
        found.update(_allowances(host))
    uptime = text(host, "/proc/uptime").partition(" ")[0]
    return Sample(float(uptime) if re.fullmatch(r"\d+(\.\d+)?", uptime) else 0.0, found)


def _pairs(host: Host) -> Iterator[tuple[str, int]]:
    """Yield what stands as a row of names above a row of numbers (proc_net(5))."""
    for path in ("/proc/net/netstat", "/proc/net/snmp"):
        lines = text(host, path).splitlines()
        for names, numbers in zip(lines[::2], lines[1::2], strict=False):
            kind, _, titles = names.partition(": ")
            for title, number in zip(titles.split(), numbers.partition(": ")[2].split(), strict=False):
                if re.fullmatch(r"-?\d+", number) and kind in ("TcpExt", "IpExt", "Tcp", "Ip"):
                    yield f"{kind}.{title}", int(number)


def _sockstat(host: Host) -> Iterator[tuple[str, int]]:
    for path in ("/proc/net/sockstat", "/proc/net/sockstat6"):
        for kind, rest in re.findall(r"^(TCP6?|sockets): (.*)$", text(host, path), re.M):
            words = rest.split()
            for name, number in zip(words[::2], words[1::2], strict=False):
                if number.isdecimal():
                    yield f"sockstat.{kind}.{name}", int(number)


def _tables(host: Host) -> Iterator[tuple[str, int]]:
    """Yield the sums over CPUs of /proc/net/stat/*; the number of entries is the same in each row."""
    for table in ("nf_conntrack", "arp_cache", "ndisc_cache"):
        name = "conntrack" if table == "nf_conntrack" else table
        rows = [line.split() for line in text(host, f"/proc/net/stat/{table}").splitlines()]
        for title, *column in zip(*rows, strict=False) if len(rows) > 1 else ():
            if all(re.fullmatch("[0-9a-f]{1,16}", cell) for cell in column):
                numbers = [int(cell, 16) for cell in column]
                yield f"{name}.{title}", numbers[0] if title == "entries" else sum(numbers)
    count = text(host, "/proc/sys/net/netfilter/nf_conntrack_count")
    if count.isdecimal():
        yield "conntrack.count", int(count)


def _softnet(host: Host) -> Iterator[tuple[str, int]]:
    rows = [line.split() for line in text(host, "/proc/net/softnet_stat").splitlines()]
    cells = [cell for row in rows for cell in row]
    if (
        rows
        and all(len(row) >= len(_SOFTNET) for row in rows)
        and all(re.fullmatch("[0-9a-f]{1,16}", c) for c in cells)
    ):
        for column, name in enumerate(_SOFTNET):
            yield f"softnet.{name}", sum(int(row[column], 16) for row in rows)


def _interfaces(host: Host) -> Iterator[tuple[str, int]]:
    """Yield the packets that the interfaces dropped (/proc/net/dev, net/core/net-procfs.c dev_seq_printf_stats)."""
    rows = [line.partition(":")[2].split() for line in text(host, "/proc/net/dev").splitlines()[2:]]
    if rows and all(len(row) >= 16 and row[3].isdecimal() and row[11].isdecimal() for row in rows):
        yield "dev.rx_dropped", sum(int(row[3]) for row in rows)
        yield "dev.tx_dropped", sum(int(row[11]) for row in rows)


def _system(host: Host) -> Iterator[tuple[str, int]]:
    files = text(host, "/proc/sys/fs/file-nr").split()
    if files and files[0].isdecimal():
        yield "files.open", int(files[0])
    for key, value in re.findall(r"^(MemTotal|MemAvailable|Slab):\s+(\d+) kB$", text(host, "/proc/meminfo"), re.M):
        yield f"memory.{key}", int(value) * 1024
    for key, value in re.findall(r"^(oom_kill|pgmajfault) (\d+)$", text(host, "/proc/vmstat"), re.M):
        yield f"vmstat.{key}", int(value)
    tasks = re.match(r"\S+ \S+ \S+ \d+/(\d+) ", text(host, "/proc/loadavg") + " ")
    if tasks:
        yield "tasks", int(tasks[1])
    cpu = re.search(r"^cpu +([\d ]+)$", text(host, "/proc/stat"), re.M)
    if cpu:
        yield from ((f"cpu.{n}", int(v)) for n, v in zip(_CPU, cpu[1].split(), strict=False))


def _allowances(host: Host) -> Iterator[tuple[str, int]]:
    """Yield what Amazon's driver counts; the interfaces of an instance share one allowance, so the least is safe."""
    try:
        answers = list(host.probe("allowances").values())
    except HostError:
        return
    for key in sorted({key for answer in answers for key in answer}):
        told = [answer[key] for answer in answers if key in answer]
        yield f"ena.{key}", min(told) if key.endswith("_available") else sum(told)
