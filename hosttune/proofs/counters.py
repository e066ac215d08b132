"""The TCP counters of the namespace this process is in (proc_pid_net(5))."""

from __future__ import annotations

from hosttune import kernel
from hosttune.facts import counters as facts
from hosttune.host.live import LiveHost


def counters() -> dict[str, int]:
    """Return the TcpExt row of /proc/net/netstat by name."""
    counted = facts.read(LiveHost(), "/proc/net/netstat").items()
    return {name.removeprefix("TcpExt."): number for name, number in counted if name.startswith("TcpExt.")}


def dropped() -> int:
    """Return the packets dropped by a full conntrack table, of all CPUs."""
    return facts.read(LiveHost(), "/proc/net/stat/nf_conntrack")["conntrack.drop"]


def in_state(state: int, port: int) -> int:
    """Return the number of sockets on a local port that are in a state (include/net/tcp_states.h), IPv4."""
    with open("/proc/net/tcp") as file:
        fields = [line.split()[1:4:2] for line in file.readlines()[1:]]
    return sum(local.endswith(f":{port:04X}") and int(st, 16) == state for local, st in fields)


def waiting() -> list[float]:
    """Return the seconds that each socket in TIME_WAIT has left, IPv4: column tm->when, in hundredths of a second."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [int(row[5].partition(":")[2], 16) / 100 for row in rows if int(row[3], 16) == kernel.TIME_WAIT]
