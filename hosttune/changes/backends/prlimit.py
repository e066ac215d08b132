"""The descriptor limits of a running process; the target is PID:STARTTIME, the state "SOFT HARD"."""

from __future__ import annotations

import re

from hosttune.errors import HostError
from hosttune.host import Host, WritableHost, proc
from hosttune.model import Change, Reason, State
from hosttune.resolve.pam_limits import limits_of

RUNTIME = True

_TARGET = re.compile(r"([1-9][0-9]{0,9}):([0-9]{1,20})")
_STATE = re.compile(r"([0-9]{1,20}) ([0-9]{1,20})")


def target_of(host: Host, pid: int) -> str:
    """Name a process for good: its number may be given to another, its start time not; raises HostError."""
    return f"{pid}:{_start(host, pid)}"


def read(host: Host, target: str) -> State:
    """Return the limits; None where the process has ended, or its number belongs to another one now."""
    pid, start = _parse(target)
    try:
        if _start(host, pid) != start:
            return None
        soft, hard = limits_of(host.read(f"/proc/{pid}/limits"))
    except HostError as error:
        if error.reason is Reason.ABSENT:
            return None
        raise
    return f"{soft} {hard}"


def write(host: WritableHost, target: str, state: State) -> None:
    """Set the limits; a process that has ended took them with it, and there is nothing to do."""
    pid, _ = _parse(target)
    match = _STATE.fullmatch(str(state))
    if match is None or read(host, target) is None:
        return
    host.act("prlimit", pid=pid, soft=int(match[1]), hard=int(match[2]))


def check(target: str, state: State) -> None:
    """Raise ValueError for what is no process, or are no limits."""
    _parse(target)
    if not (state is None or (isinstance(state, str) and _STATE.fullmatch(state))):
        raise ValueError(f"{target}: {state!r} are no limits")


def barred(host: WritableHost, change: Change, capabilities: int) -> str:
    """Say whether raising the hard limit would take CAP_SYS_RESOURCE (24, linux/capability.h)."""
    if capabilities >> 24 & 1 or int(str(change.after).split()[1]) <= int(str(change.before).split()[1]):
        return ""
    return (
        f"process {change.target.partition(':')[0]}: raising its hard limit takes CAP_SYS_RESOURCE, which this process "
        "has not got; leave out --live and start it again with more"
    )


def rank(target: str) -> int:
    return 10


def _parse(target: str) -> tuple[int, str]:
    match = _TARGET.fullmatch(target)
    if not match:
        raise ValueError(f"{target!r} is no PID:STARTTIME")
    return int(match[1]), match[2]


def _start(host: Host, pid: int) -> str:
    process = proc.stat(host.read(f"/proc/{pid}/stat"))
    if process is None or not process.started:
        raise HostError(Reason.MALFORMED, f"/proc/{pid}/stat")
    return process.started
