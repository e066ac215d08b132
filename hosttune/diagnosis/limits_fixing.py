"""Fixes of limits that a process or a control group has from whoever starts it: a unit, a container's runtime, a shell.

systemd.exec(5), prlimit(1), docs.docker.com/reference/cli/docker/container/run (--ulimit), the OCI runtime
specification (process.rlimits), crio.conf(5) (default_ulimits).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hosttune import kernel, printable
from hosttune.diagnosis.clues import Clues
from hosttune.model import Fix, FixPlace, GroupLimit, Program

_SYSTEMD = 524_288
"""The hard limit that systemd gives a service where nobody says otherwise: src/basic/def.h, HIGH_RLIMIT_NOFILE."""


def nofile(clues: Clues, program: Program | None, wanted: int = 0) -> tuple[Fix, ...]:
    """Return what gives a process more descriptors, `wanted` at least, in the place that it was started from."""
    soft, why = target(clues, program, wanted)
    hard = max(soft, (program.hard or 0) if program else 0)
    owner = owner_of(clues, program)
    inside = clues.where.contained and clues.where.inside
    if owner is None and clues.where.contained:
        return (*_docker(soft, hard, why), *_containerd(soft, hard, why)[:1], *_now(program, soft, hard, inside))
    if owner is None:
        return (Fix(_ANYWHERE.format(soft=soft, hard=hard, why=why)), *_now(program, soft, hard, inside))
    if owner.endswith(".service"):
        command = f"sudo hosttune apply --key nofile={soft} --service {printable.word(owner)} --live"
        return (Fix(f"give {owner} {soft:,} descriptors, now and at its next start: {why}", command, FixPlace.HOST),)
    if owner in _RUNTIMES:
        return (*_RUNTIMES[owner](soft, hard, why), *_now(program, soft, hard, inside))
    return (
        Fix(
            f"no unit started it: give it {soft:,} descriptors before it starts again: {why}",
            f"ulimit -n {soft}",
            FixPlace.SHELL,
        ),
        *_now(program, soft, hard, inside),
    )


_ANYWHERE = (
    "give it {soft:,} descriptors, {why}, where it is started from: LimitNOFILE={soft} of its unit, --ulimit "
    "nofile={soft}:{hard} of its container, `ulimit -n {soft}` in its shell"
)


def target(clues: Clues, program: Program | None, wanted: int = 0) -> tuple[int, str]:
    """Return the soft limit to set, and why that one."""
    soft, hard = (program.soft or 0, program.hard or 0) if program else (0, 0)
    if wanted > soft:
        return wanted, "the number that it asked for"
    # a program that closes all that it may have takes minutes for a billion of them
    if soft < hard <= kernel.NR_OPEN:
        return hard, "its hard limit"
    least = max(soft, program.descriptors if program else 0)
    most = clues.integer("fs.nr_open") or kernel.NR_OPEN
    usual = (_SYSTEMD, "systemd's default hard limit"), (kernel.NR_OPEN, "the kernel's default of fs.nr_open")
    for value, why in usual:
        if least < value <= most:
            return value, why
    return 2 * least, f"twice what it has{', and fs.nr_open with it' if 2 * least > most else ''}"


def owner_of(clues: Clues, program: Program | None) -> str | None:
    """Return who keeps a process: the unit or the container's runtime; "" for neither, None where that is not seen."""
    where = clues.where
    if where.contained and (where.inside or program is None or where.process == program.pid):
        return where.owner or None  # the units of its own systemd, if any, are not told from those of the host
    if program is not None and program.owner:
        return program.owner
    return program.owner if program is not None else None


def _now(program: Program | None, soft: int, hard: int, inside: bool) -> tuple[Fix, ...]:
    """Return what raises the limit of a running process; in a container root may have no right to it (prlimit(2))."""
    if program is None:
        return ()
    command = f"prlimit --pid {program.pid} --nofile={soft}:{hard}"
    if inside:
        allowed = program.resource or hard <= (program.hard or 0)
        return (Fix("until it ends", command, FixPlace.INSIDE),) if allowed else ()
    return (Fix("until it ends", f"sudo {command}", FixPlace.HOST),)


def _docker(soft: int, hard: int, why: str) -> tuple[Fix, ...]:
    lines = f"ulimits:\n  nofile: {{soft: {soft}, hard: {hard}}}"
    daemon = f'"default-ulimits": {{"nofile": {{"Name": "nofile", "Soft": {soft}, "Hard": {hard}}}}}'
    return (
        Fix(f"run its container anew with {soft:,} descriptors: {why}", _ulimit(soft, hard), FixPlace.RUN),
        Fix("or where compose runs it", lines, FixPlace.COMPOSE),
        Fix("or for every new container: daemon.json", daemon, FixPlace.SPEC),
    )


def _podman(soft: int, hard: int, why: str) -> tuple[Fix, ...]:
    every = f'default_ulimits = ["nofile={soft}:{hard}"]'
    return (
        *_docker(soft, hard, why)[:2],
        Fix("or for every new container: [containers] of containers.conf", every, FixPlace.SPEC),
    )


def _ulimit(soft: int, hard: int) -> str:
    return f"--ulimit nofile={soft}:{hard}"


def _containerd(soft: int, hard: int, why: str) -> tuple[Fix, ...]:
    rlimits = f'"rlimits": [{{"type": "RLIMIT_NOFILE", "soft": {soft}, "hard": {hard}}}]'
    return (
        Fix(
            f"or on its node, {soft:,} descriptors: {why}; process.rlimits of containerd's base_runtime_spec",
            rlimits,
            FixPlace.SPEC,
        ),
        Fix(
            "where that names none, containers have what containerd.service has: then restart it and the pod",
            f"[Service]\nLimitNOFILE={soft}:{hard}",
            FixPlace.UNIT,
        ),
    )


def _crio(soft: int, hard: int, why: str) -> tuple[Fix, ...]:
    text = f"on its node, {soft:,} descriptors: {why}; [crio.runtime] of crio.conf"
    return (Fix(text, f'default_ulimits = ["nofile={soft}:{hard}"]', FixPlace.SPEC),)


def _lxc(soft: int, hard: int, why: str) -> tuple[Fix, ...]:
    text = f"start its container anew with {soft:,} descriptors: {why}"
    return (Fix(text, f"lxc.prlimit.nofile = {soft}:{hard}", FixPlace.SPEC),)


def _nspawn(soft: int, hard: int, why: str) -> tuple[Fix, ...]:
    text = f"start its container anew with {soft:,} descriptors: {why}; in its .nspawn file"
    return (Fix(text, f"[Exec]\nLimitNOFILE={soft}:{hard}", FixPlace.SPEC),)


_RUNTIMES: dict[str, Callable[[int, int, str], tuple[Fix, ...]]] = {
    "docker": _docker,
    "podman": _podman,
    "kubernetes": _containerd,
    "containerd": _containerd,
    "cri-o": _crio,
    "lxc": _lxc,
    "systemd-nspawn": _nspawn,
}


_SETTINGS = {"pids": ("TasksMax", "--pids-limit", "pids_limit"), "memory": ("MemoryMax", "--memory", "mem_limit")}
"""What raises a limit of a control group: systemd.resource-control(5), docker run, compose."""


def of_group(group: GroupLimit) -> tuple[Fix, ...]:
    """Return what gives a control group twice of what it has, where its path names who keeps it."""
    more = 2 * group.limit
    unit, run, compose = _SETTINGS[group.controller]
    last = group.group.rstrip("/").rpartition("/")[2]
    why = "give it twice as much, so that as many again fit"
    if last.endswith((".service", ".slice")):
        command = f"sudo systemctl set-property {printable.word(last)} {unit}={more}"
        return (Fix(f"{why}, at once and at each start", command, FixPlace.HOST),)
    if re.search(r"/(?:docker|libpod)-[0-9a-f]{12,64}\.scope$|/docker/[0-9a-f]{12,64}$", group.group):
        started = Fix(f"{why}: run its container anew", f"{run} {more}", FixPlace.RUN)
        return (started, Fix("or where compose runs it", f"{compose}: {more}", FixPlace.COMPOSE))
    command = f"sudo sh -c {printable.word(f'echo {more} > {printable.word(group.file)}')}"
    return (Fix(f"{why}, until the group ends: whoever made it sets it again", command, FixPlace.HOST),)


_ENOUGH = 65_536
"""Descriptors that are no trouble to anybody: what is lowered has this many, or twice what it holds."""


def lower(clues: Clues, program: Program) -> tuple[Fix, ...]:
    """Return what gives a process whose limit is far too high a sensible one, in the place that it was started from."""
    soft = max(_ENOUGH, 2 * program.descriptors)
    why = "so that closing all of them takes no time"
    owner = owner_of(clues, program) or ""
    if owner.endswith(".service"):
        text = f"lower the limit of {owner}, then restart it, {why}"
        return (Fix(text, f"[Service]\nLimitNOFILE={soft}", FixPlace.UNIT),)
    if owner in _RUNTIMES:
        return _RUNTIMES[owner](soft, soft, why)
    if clues.where.contained:
        return _docker(soft, soft, why)
    return (Fix(f"lower the limit before it starts again, {why}", f"ulimit -n {soft}", FixPlace.SHELL),)
