"""What would hurt, or cannot be done here: known before the first write, each with its way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hosttune.changes.backends import sysctl as sysctl_backend
from hosttune.changes.request import PlanFacts
from hosttune.changes.sysctls import Row
from hosttune.changes.value import text
from hosttune.host import WritableHost
from hosttune.model import Change, FileState, Finding, Unknown, Value
from hosttune.ports import mask_of, span, text_of

_PAGE = 4096
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_RESOURCE": 24}  # linux/capability.h


def hidden(findings: Iterable[Finding]) -> list[str]:
    """Refuse keys that this namespace does not show, or shows read-only."""
    found = []
    for finding in findings:
        key = finding.subject.name
        found.append(f"{key}: {finding.because}; run hosttune there, or leave it alone here: --except {key}")
    return found


def values(rows: Iterable[Row], facts: PlanFacts) -> list[str]:
    """Refuse numbers that the kernel would refuse, and a tcp_mem that RAM cannot hold."""
    found = []
    for row in rows:
        for value in dict.fromkeys(v for v in (row.now, row.disk) if v is not None):
            legal = facts.legal.get(row.key)
            wrong = [n for n in _numbers(value) if legal and not legal[0] <= n <= legal[1]]
            if wrong and legal:
                found.append(
                    f"{row.key} = {text(value)}: the kernel takes {legal[0]:,} to {legal[1]:,} and would refuse it; "
                    f"ask for another value in a profile of your own, or --except {row.key}"
                )
            elif row.key == "net.ipv4.tcp_mem":
                found += _tcp_mem(value, facts)
            elif row.key == "net.ipv4.ip_local_port_range":
                found += _range(value, facts.port_start)
    return found


def _range(value: Value, start: int) -> list[str]:
    # net/ipv4/sysctl_net_ipv4.c ipv4_local_port_range(): the first must not be a privileged port
    if isinstance(value, tuple) and len(value) == 2 and max(start, 1) <= value[0] <= value[1] <= 65535:
        return []
    return [
        f"net.ipv4.ip_local_port_range = {text(value)}: the kernel takes LOW HIGH within {max(start, 1)} and 65535 and "
        "would refuse it; ask for another in a profile of your own, or --except net.ipv4.ip_local_port_range"
    ]


def _tcp_mem(value: Value, facts: PlanFacts) -> list[str]:
    pages = max(_numbers(value), default=0)
    memory = facts.machine.memory
    if not memory or pages * _PAGE <= memory // 2:
        return []
    return [
        f"net.ipv4.tcp_mem = {text(value)}: {pages:,} pages are {pages * _PAGE / 2**30:,.1f} GiB, more than half of "
        f"the {memory / 2**30:,.1f} GiB of RAM: the OOM killer would come before TCP pushes back; ask for at most "
        f"{memory // 2 // _PAGE:,} pages in a profile of your own, or --except net.ipv4.tcp_mem"
    ]


def ports(rows: Mapping[str, Row], facts: PlanFacts) -> list[str]:
    """Refuse a range that would hand out the ports of services."""
    row = rows.get("net.ipv4.ip_local_port_range")
    value = row.now if row and row.now is not None else row.disk if row else None
    if not isinstance(value, tuple) or len(value) != 2 or not facts.listening:
        return []
    reserved = rows.get("net.ipv4.ip_local_reserved_ports")
    there = reserved.runtime_after if reserved else ""
    stolen = facts.listening & span(*value) & ~(0 if isinstance(there, Unknown) else mask_of(str(there)))
    if not stolen:
        return []
    return [
        f"the range {text(value)} holds listening ports that are not reserved: {text_of(stolen, 12)}; an outgoing "
        "connection may take one while its service restarts: --reserve-listeners reserves them first"
    ]


def above_nr_open(need: int, now: Value | Unknown, when: str) -> str:
    """Refuse a nofile above the ceiling that this run may not raise."""
    has = f"{now:,}" if isinstance(now, int) else str(now)
    return (
        f"nofile {need:,} is above fs.nr_open ({has} now), {when}: logins and services would fail; let this run set "
        "sysctls too, in the same layers"
    )


def one_way(changes: Iterable[Change], facts: PlanFacts) -> dict[str, str]:
    """Return what a rollback cannot restore, with a sentence each: a value that the kernel holds but does not take."""
    found = {}
    for change in changes:
        legal = facts.legal.get(change.target) if change.backend == "sysctl" else None
        numbers = [int(w) for w in str(change.before or "").split() if w.lstrip("-").isdigit()]
        if legal and any(not legal[0] <= n <= legal[1] for n in numbers):
            found[change.target] = (
                f"{change.target}: the kernel does not take {change.before} back: a rollback leaves {change.after}, "
                "a reboot restores it"
            )
    return found


def permissions(host: WritableHost, changes: Sequence[Change], status: str, state: str) -> list[str]:
    """Refuse what this process may not write; `status` is the text of /proc/self/status, `state` our directory."""
    found = [f"{state}: cannot be written, and without a journal there is no way back; run as root"]
    if host.may_write(state):
        found = []
    capabilities = _effective(status)
    for change in changes:
        if change.backend == "sysctl" and not host.may_write(sysctl_backend.path_of(change.target)):
            found.append(f"{change.target}: read-only here; run as root, outside a container")
        elif change.backend == "file" and not host.may_write(change.target):
            found.append(f"{change.target}: cannot be written; run as root, on a file system that is not read-only")
        elif change.backend == "address" and not capabilities >> _CAPABILITIES["CAP_NET_ADMIN"] & 1:
            found.append(f"{change.target}: takes CAP_NET_ADMIN")
        elif (
            change.backend == "prlimit"
            and not capabilities >> _CAPABILITIES["CAP_SYS_RESOURCE"] & 1
            and int(str(change.after).split()[1]) > int(str(change.before).split()[1])
        ):
            found.append(
                f"process {change.target.partition(':')[0]}: raising its hard limit takes CAP_SYS_RESOURCE, which "
                "this process has not got; leave out --live and start it again with more"
            )
    return found


def _effective(status: str) -> int:
    line = next((x for x in status.splitlines() if x.startswith("CapEff:")), "CapEff: 0")
    return int(line.split()[1], 16)


def _numbers(value: Value | FileState) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
