"""The command that fixes what a check found: of what does not hold only what an apply changes, with all it asks for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from hosttune import printable
from hosttune.facts import kinds, listening
from hosttune.host import text
from hosttune.host.live import LiveHost
from hosttune.model import Finding, Report, Subject, Verdict
from hosttune.options import Options, Place, spelled
from hosttune.ports import mask_of, span
from hosttune.profile import keys
from hosttune.render import where_words
from hosttune.workflows import finding, loading, opening

_RANGE = Subject("sysctl", "net.ipv4.ip_local_port_range")
_RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"
_CAP_SYS_RESOURCE = 24
"""include/uapi/linux/capability.h: who has it may raise the hard limits of others."""


def of(report: Report, options: Options, place: Place) -> tuple[str, ...]:
    """Return what fixes what does not hold, nothing where it holds: a command, or lines for what is no host."""
    wrong = [f for f in report.findings if f.requirement and f.verdict in (Verdict.FAIL, Verdict.DRIFT)]
    if not wrong:
        return ()
    if not report.where.host_wide or report.where.contained:
        from hosttune.workflows import write_scope  # it plans changes: only what is judged elsewhere imports that

        asked = [f for f in report.findings if f.requirement]
        lacks = write_scope.shortfall(report, asked, loading.role_words(options))
        words = printable.words([*_allowed(wrong), *_reserving(wrong, place)])
        return tuple(where_words.lines(dataclasses.replace(lacks, only_apply=words)))
    processes = [f for f in wrong if kinds.of_process(f.subject)]
    live = bool(processes) and place.root == "/" and _may_raise()
    kept = [f for f in wrong if live or f not in processes]
    left = tuple(_started_again(f) for f in wrong if f not in kept)
    if not kept:
        return left
    below = [] if place.root == "/" else ["--root", place.root]
    more = [*_allowed(kept), *_reserving(kept, place), *["--live"] * live]
    return (printable.words(["sudo", "hosttune", "apply", *spelled(_of_unit(options, report)), *more, *below]), *left)


def _allowed(wrong: Sequence[Finding]) -> list[str]:
    """Return what has apply take the sysctls that it takes from a profile only where it is told to by name."""
    subjects = [f.subject for f in wrong]
    return [w for s in subjects if s.kind == "sysctl" and not keys.is_known(s.name) for w in ("--allow-key", s.name)]


def _reserving(wrong: Sequence[Finding], place: Place) -> list[str]:
    """Return the option without which a range that holds ports of listeners is refused."""
    asked = next((f.requirement for f in wrong if f.subject == _RANGE), None)
    ranges = [value for value in (asked.wants if asked else ()) if isinstance(value, tuple) and len(value) == 2]
    if not ranges:
        return []
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    with opening.standpoint(Place(root=place.root, netns=place.netns)) as point:
        found, reserved = point.look(lambda host, _: (listening.ports(host), text(host, _RESERVED)))
    return ["--reserve-listeners"] if found & span(low, high) & ~mask_of(reserved) else []


def _may_raise() -> bool:
    """Say whether root can raise hard limits of processes here; a container takes that from it (capabilities(7))."""
    bounding = re.search(r"^CapBnd:\s*([0-9a-f]+)$", text(LiveHost(), "/proc/self/status"), re.MULTILINE)
    return bool(bounding and int(bounding[1], 16) >> _CAP_SYS_RESOURCE & 1)


def _started_again(lacking: Finding) -> str:
    needs = lacking.requirement.wants[0] if lacking.requirement else 0
    number = needs[0] if isinstance(needs, tuple) else needs
    process = lacking.subject.name.removeprefix("pid/")
    return (
        f"process {process} keeps its limits here: whoever starts it has to give it {number:,} descriptors (ulimit -n)"
    )


def _of_unit(options: Options, report: Report) -> Options:
    """Return the options with the unit of the program that was found.

    An apply looks for no program: named, the unit's configuration gives it the same workload.
    """
    unit = report.carriers[0].unit if report.carriers and finding.names_none(options) else ""
    return dataclasses.replace(options, service=unit) if unit else options
