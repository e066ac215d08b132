"""Gather what the lints look at beside the readings: lines of files, listeners, whether the unit is there."""

from __future__ import annotations

from collections.abc import Mapping

from hosttune.facts import defaults, listening
from hosttune.facts.kinds import sysctl
from hosttune.findings.lint_facts import LintFacts
from hosttune.host import Host, text
from hosttune.model import Machine, Origin, Programs, Reading, Where
from hosttune.resolve.sysctl_value import display, normalise


def gather(
    host: Host, machine: Machine, readings: Mapping[str, Reading], programs: Programs, where: Where
) -> LintFacts:
    """Return it; of an image, which keys the kernel has is unknown."""
    assignments = _lines(host, readings, where)
    keys = None
    if machine.kernel:
        keys = frozenset(key for key, _, _ in assignments if host.glob(f"/proc/sys/{normalise(key)}"))
    unit_here = programs.unit if machine.systemd and host.glob(f"/*/systemd/system/{programs.unit}") else ""
    return LintFacts(
        listening=listening.ports(host),
        memory=machine.memory,
        page_size=machine.page_size,
        assignments=assignments,
        keys=keys,
        logins_raised=_logins_raised(host) if unit_here else (),
        unit=unit_here,
        raised_file_max=defaults.raises_file_max(host, machine),
    )


def _lines(host: Host, readings: Mapping[str, Reading], where: Where) -> tuple[tuple[str, str, Origin], ...]:
    """Return the lines of sysctl files that reach what is judged: no other is a mistake there."""
    files = sysctl.files(host, tuple(name.removeprefix("sysctl:") for name in readings if name.startswith("sysctl:")))
    lines = ((display(a.key), a.text, a.origin) for a in files.boot.assignments if a.text is not None)
    # nor is a key missing that only the host shows
    away = ("net.",) if where.inside and not where.contained else ("",)
    return tuple(line for line in lines if where.loaded or not line[0].startswith(away))


def _logins_raised(host: Host) -> tuple[Origin, ...]:
    """Return the lines of limits.conf(5) files that set nofile."""
    lines = []
    for path in ("/etc/security/limits.conf", *host.glob("/etc/security/limits.d/*.conf")):
        for number, line in enumerate(text(host, path).split("\n"), 1):
            fields = line.partition("#")[0].split()
            if len(fields) == 4 and fields[2].lower() == "nofile":
                lines.append(Origin(path, number, fields[3]))
    return tuple(lines)
