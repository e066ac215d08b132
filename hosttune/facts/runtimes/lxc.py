"""LXC: the configuration of each container of root, and the control group that it runs in (lxc.container.conf(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.facts import oci
from hosttune.facts.containers import Kept
from hosttune.facts.runtime_files import Files
from hosttune.model import Container, Given, GivenSysctl, Origin, Reason, Unknown
from hosttune.resolve.sysctl_value import display, normalise, valid_key

NAME = "lxc"
_GROUP = re.compile(r"/lxc(?:\.payload)?[./]([A-Za-z0-9_.-]+?)(?:/|$)")
_LINE = re.compile(r"\s*lxc\.(sysctl|prlimit)\.([A-Za-z0-9_./-]+)\s*=\s*(\S(?:.*\S)?)\s*")


def listed(files: Files, id: str) -> Iterator[Kept]:
    """Yield the containers that have a configuration, and those that run without one that is read."""
    first: dict[str, int] = {}
    configured = files.glob(f"/var/lib/lxc/{id or '*'}/config")
    if not configured:
        return  # where there is no LXC the control groups of all processes are not read for it
    for pid, paths in files.groups().items():
        for match in filter(None, map(_GROUP.search, paths)):
            first.setdefault(match[1], pid)
    for name in dict.fromkeys([*(path.split("/")[-2] for path in configured), *first]):
        yield Kept(
            runtime=NAME,
            id=name,
            pid=first.get(name),
            container=Container(name=name),
            made_from=f"/var/lib/lxc/{name}/config",
            group=f"{'lxc.payload.' if 'lxc.payload' in _paths(files, first.get(name)) else 'lxc/'}{name}",
        )


def _paths(files: Files, pid: int | None) -> str:
    return "\n".join(files.groups().get(pid, ())) if pid is not None else ""


def given(files: Files, kept: Kept) -> Given | Unknown:
    """Return what its configuration gives, before an init of its own reads its files."""
    content = files.text(kept.made_from)
    if not content:
        return Unknown(Reason.UNREADABLE, f"{kept.made_from}, which says what it gets")
    sysctls: list[GivenSysctl] = []
    limits: oci.Descriptors | None = None
    for number, line in enumerate(content.split("\n"), 1):
        match = _LINE.fullmatch(line)
        if match and match[1] == "sysctl" and valid_key(match[2]):
            key = display(normalise(match[2]))
            sysctls.append(GivenSysctl(key, match[3], Origin(kept.made_from, number, match[3])))
        elif match and match[2] == "nofile":
            limits = (_pair(match[3]), Origin(kept.made_from, number, match[3]), "")
    # a later line of a key counts
    return oci.made(reversed(sysctls), limits or oci.inherited(files, kept, ()), own_files=True)


def _pair(value: str) -> tuple[int, int] | Unknown:
    match = re.fullmatch(r"([0-9]{1,10})(?::([0-9]{1,10}))?", value)
    if match is None:
        return Unknown(Reason.MALFORMED, "no limit of descriptors in numbers")
    return oci.both(int(match[1]), int(match[2] or match[1]))
