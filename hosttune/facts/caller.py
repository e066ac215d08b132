"""What routing and the packet filter know of a program: user, mark, device, as far as a rule of this host asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from hosttune.errors import HostError
from hosttune.facts import route_rules, ruleset
from hosttune.host import Host, proc, text
from hosttune.model import Backend, Caller, Unknown
from hosttune.model.filtering import Matching

_MOST = 64  # processes that are looked at: the workers of a program are alike


@dataclass(frozen=True, slots=True)
class Program:
    """What is known of who connects: processes that run, and the login or the number of a user, "" for none."""

    pids: tuple[int, ...] = ()
    user: str = ""


def gather(host: Host, given: Caller, who: Callable[[], Program], backends: Iterable[Backend]) -> Caller:
    """Return what was given, and of the rest what the running program or its user shows.

    Nothing is looked for that no rule of this host asks for; only then `who` connects is asked.
    """
    rules = route_rules.read(host)
    ours = route_rules.ours(rules)
    filters = _filters(host) if given.uid is None or given.mark is None else ()
    users = given.uid is None and (route_rules.asks(ours, "uids") or any(each.uids for each in filters))
    sockets = given.mark is None and (route_rules.asks(ours, "mark") or any(each.marks for each in filters))
    by_device = route_rules.asks(ours, "oif") or route_rules.asks(rules, "l3mdev")
    sockets = sockets or (given.device is None and by_device)
    if not (users or sockets):
        return given
    program, caller = who(), given
    if users:
        caller = replace(caller, uid=_of_processes(host, program.pids) if program.pids else uid(host, program.user))
    return _of_sockets(host, caller, program.pids, backends) if sockets and program.pids else caller


def _filters(host: Host) -> tuple[Matching, ...]:
    """Return what the rules of the packet filter go by, those that translate, count or leave untracked."""
    rules = ruleset.gather(host)
    if isinstance(rules, Unknown):
        return ()
    made = [rule.matching for rule in rules.translations]
    made += [rule.matching for rule in rules.counts] + [rule.matching for rule in rules.untracked]
    for matching in made:
        made += matching.excepts  # the list grows as it is gone through: those of an exception too
    return tuple(made)


def _of_sockets(host: Host, caller: Caller, pids: Sequence[int], backends: Iterable[Backend]) -> Caller:
    """Return the caller with the mark and the device of its connections, where all have the same."""
    ports = sorted({backend.port for backend in backends})
    try:
        answer = host.probe("attributes", pids=[str(pid) for pid in pids[:_MOST]], ports=ports)
    except HostError:
        return caller
    marks = answer["marks"] or []
    if caller.mark is None and len(marks) == 1:
        caller = replace(caller, mark=marks[0])
    devices = [*answer["devices"], *[""] * answer["unbound"]]
    if caller.device is None and len(devices) == 1:
        caller = replace(caller, device=devices[0])
    return caller


def _of_processes(host: Host, pids: Iterable[int]) -> int | None:
    """Return the user of processes; of a master of root and its workers that of the workers, None where they differ."""
    users = set()
    for pid in [*pids][:_MOST]:
        words = proc.status(text(host, f"/proc/{pid}/status")).get("Uid", "").split()
        users |= {int(word) for word in words[3:4] if word.isdecimal()}  # that of the file system: what sockets get
    workers = users - {0} or users
    return workers.pop() if len(workers) == 1 else None


def uid(host: Host, user: str) -> int | None:
    """Return the number of a login of /etc/passwd, or of what is a number already; None for what is not there."""
    if re.fullmatch(r"[0-9]{1,10}", user):
        return int(user)
    if not user:
        return None
    match = re.search(rf"^{re.escape(user)}:[^:\n]*:([0-9]{{1,10}}):", text(host, "/etc/passwd"), re.M)
    return int(match[1]) if match else None
