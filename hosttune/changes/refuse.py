"""What would hurt, or cannot be done here: known before the first write, each with its way out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from hosttune import kernel
from hosttune.changes import backends
from hosttune.changes.backends import directory, file
from hosttune.changes.draft import Draft, Row
from hosttune.changes.planned import Planned
from hosttune.changes.request import PlanFacts
from hosttune.changes.value import text
from hosttune.host import WritableHost
from hosttune.model import Change, FileState, Finding, Unknown, Value
from hosttune.ports import mask_of, span, text_of
from hosttune.profile import keys as profile_keys
from hosttune.resolve.sysctl_value import kernel_value

_TEXT = ("net.ipv4.ip_local_reserved_ports",)  # a list of one port looks like a number


def hidden(findings: Iterable[Finding]) -> list[str]:
    """Refuse keys that this namespace does not show, or shows read-only."""
    refusals = []
    for finding in findings:
        key = finding.subject.name
        refusals.append(f"{key}: {finding.because}; or leave it alone here: --except {key}")
    return refusals


def keys(draft: Draft) -> list[str]:
    """Refuse the sysctls that a profile may not set by itself, and take their rows out."""
    refusals = []
    origins = {f.subject: f.requirement.origin for f in draft.findings if f.requirement}
    for row in draft.of("sysctl"):
        key = row.subject.name
        if (row.now is None and row.disk is None) or key in draft.request.allow or profile_keys.is_known(key):
            continue
        del draft.rows[row.subject]
        refusals.append(
            f"{key}: {origins.get(row.subject) or 'a profile'} sets it, and it concerns none of {profile_keys.PURPOSE}"
            ": whoever wrote that could take over this host by it; "
            f"--allow-key {shlex.quote(key)} takes it all the same, or --except {key}"
        )
    return refusals


def values(rows: Iterable[Row], facts: PlanFacts) -> list[str]:
    """Refuse numbers that the kernel would refuse, and a tcp_mem that RAM cannot hold."""
    refusals = []
    for row in rows:
        for value in dict.fromkeys(v for v in (row.now, row.disk) if v is not None):
            refusals += _shape(row, value)
            key = row.subject.name
            legal = facts.legal.get(key)
            wrong = [n for n in _numbers(value) if legal and not legal[0] <= n <= legal[1]]
            if wrong and legal:
                refusals.append(
                    f"{key} = {text(value)}: the kernel takes {legal[0]:,} to {legal[1]:,} and would refuse it; "
                    f"ask for another value in your own profile, or --except {key}"
                )
            elif key == "net.ipv4.tcp_mem":
                refusals += _tcp_mem(value, facts)
    return refusals


def _shape(row: Row, value: Value) -> list[str]:
    """Refuse what the kernel cannot take for this key: text for a number, or another count of numbers."""
    now, key = row.reading.runtime, row.subject.name
    if isinstance(now, Unknown | str) or key in _TEXT:
        return []
    count = len(now) if isinstance(now, tuple) else 1
    taken = kernel_value(text(value), count)
    if not isinstance(taken, Unknown | str) and len(text(value).split()) == count:
        return []
    return [
        f"{key} = {text(value)}: the kernel takes {count} number{'s' * (count > 1)} there, it holds {text(now)} "
        f"now; ask for another value in your own profile, or --except {key}"
    ]


def port_range(row: Row, start: Row) -> list[str]:
    """Refuse a range that begins below ip_unprivileged_port_start, as that is now, and as a boot sets it."""
    refusals = _range(row.now, start.runtime_after, "now") + _range(row.disk, start.boot_after, "at boot")
    return refusals[:1]


def _range(value: Value | None, start: Value | Unknown, when: str) -> list[str]:
    # net/ipv4/sysctl_net_ipv4.c ipv4_local_port_range(): the first must not be a privileged port
    lowest = max(start if isinstance(start, int) else kernel.PROT_SOCK, 1)
    if value is None or (isinstance(value, tuple) and len(value) == 2 and lowest <= value[0] <= value[1] <= 65535):
        return []
    return [
        f"net.ipv4.ip_local_port_range = {text(value)}: the kernel takes LOW HIGH within {lowest} and 65535 {when} "
        "(net.ipv4.ip_unprivileged_port_start) and would refuse it; ask for another in your own profile, or "
        "--except net.ipv4.ip_local_port_range"
    ]


def _tcp_mem(value: Value, facts: PlanFacts) -> list[str]:
    pages = max(_numbers(value), default=0)
    memory, page = facts.machine.memory, facts.machine.page_size or kernel.LEAST_PAGE
    if not memory or pages * page <= memory // 2:
        return []
    return [
        f"net.ipv4.tcp_mem = {text(value)}: {pages:,} pages are {pages * page / 2**30:,.1f} GiB, more than half of "
        f"the {memory / 2**30:,.1f} GiB of RAM: the OOM killer would come before TCP pushes back; ask for at most "
        f"{memory // 2 // page:,} pages in your own profile, or --except net.ipv4.tcp_mem"
    ]


def ports(row: Row, reserved: Row, facts: PlanFacts) -> list[str]:
    """Refuse a range that would hand out the ports of services, now or after a boot."""
    if not facts.listening:
        return []
    stolen = {
        "": _stolen(row.now, reserved.runtime_after, facts.listening),
        " after a boot": _stolen(row.disk, reserved.boot_after, facts.listening),
    }
    return [
        f"the range {text(value)} holds listening ports that are not reserved{when}: {text_of(mask, 12)}; an outgoing "
        "connection may take one while its service restarts: --reserve-listeners reserves them first"
        for (when, mask), value in zip(stolen.items(), (row.now, row.disk), strict=True)
        if mask and value is not None
    ][:1]


def _stolen(value: Value | None, reserved: Value | Unknown, listening: int) -> int:
    if not isinstance(value, tuple) or len(value) != 2:
        return 0
    # a list of a single port may read as a number
    return listening & span(*value) & ~(0 if isinstance(reserved, Unknown) else mask_of(str(reserved)))


def above_nr_open(need: int, now: Value | Unknown, when: str, excepted: bool) -> str:
    """Refuse a nofile above the ceiling that this run may not raise."""
    has = f"{now:,}" if isinstance(now, int) else str(now)
    way = "let this run set sysctls too, in the same layers"
    if excepted:
        way = "leave out --except fs.nr_open, or ask for fewer connections, or --except the nofile"
    return f"nofile {need:,} is above fs.nr_open ({has} now), {when}: logins and services would fail; {way}"


def one_way(changes: Iterable[Change], facts: PlanFacts) -> dict[str, str]:
    """Return what a rollback cannot restore, with a sentence each: a value that the kernel holds but does not take."""
    sentences = {}
    for change in changes:
        legal = facts.legal.get(change.target) if change.backend == "sysctl" else None
        numbers = [int(w) for w in str(change.before or "").split() if re.fullmatch("-?[0-9]{1,20}", w)]
        if legal and any(not legal[0] <= n <= legal[1] for n in numbers):
            sentences[change.target] = (
                f"{change.target}: the kernel does not take {change.before} back: a rollback leaves {change.after}, "
                "a reboot restores it"
            )
    return sentences


def paths(world: Planned, changes: Iterable[Change]) -> list[str]:
    """Refuse files that cannot come to lie where they have to, before the first write finds out."""
    refusals = []
    for change in changes:
        try:
            if change.backend == "file":
                file.check(change.target, change.after)
                if (thing := directory.in_the_way(world, change.target)) and change.after is not None:
                    refusals.append(f"{change.target}: {thing} is there and no directory; move it away")
            elif change.backend == "directory":
                directory.check(change.target, change.after)
        except ValueError as error:
            refusals.append(f"{error}; make it, or name another --root")
    return refusals


def permissions(host: WritableHost, changes: Sequence[Change], status: str, state: str) -> list[str]:
    """Refuse what this process may not write; `status` is the text of /proc/self/status, `state` our directory."""
    refusals = []
    if why := host.unwritable(state):
        refusals = [
            f"{state}: cannot be written ({why}), and without a journal there is no way back{file.as_root(why)}"
        ]
    capabilities = _effective(status)
    return refusals + [why for change in changes if (why := backends.barred(host, change, capabilities))]


def _effective(status: str) -> int:
    line = next((x for x in status.splitlines() if x.startswith("CapEff:")), "CapEff: 0")
    return int(line.split()[1], 16)


def _numbers(value: Value | FileState) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
