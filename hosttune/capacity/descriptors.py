"""Descriptors: of the program, of any process, of the whole system, and watches (fs/file_table.c, fs/eventpoll.c)."""

from __future__ import annotations

from hosttune.capacity._facts import CapacityFacts
from hosttune.model import Bound, Reason, Unknown


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of nofile, nr_open, file-max and epoll watches."""
    return (_nofile(facts), _nr_open(facts), _file_max(facts), _watches(facts))


def _need(facts: CapacityFacts) -> int:
    return facts.workload.connections * facts.workload.descriptors_per_connection + facts.workload.own_descriptors


def _connections(facts: CapacityFacts, descriptors: int) -> int:
    spare = descriptors - facts.workload.own_descriptors
    return max(spare // facts.workload.descriptors_per_connection, 0)


def _nofile(facts: CapacityFacts) -> Bound:
    reading = facts.nofile
    layer = reading.runtime if reading else Unknown(Reason.UNDECIDED, "no service, process or login was named")
    when = "now"
    if reading and isinstance(layer, Unknown):
        layer, when = reading.boot, "when it starts"
        if facts.raises_nofile and isinstance(layer, tuple):
            # the running process shows what it made of its limits; one that is yet to start takes the hard one
            layer, when = (layer[1], layer[1]), "hard, to which it raises its own soft limit when it starts"
    if isinstance(layer, int):
        layer = (layer, layer)
    hard = _connections(facts, layer[0]) if isinstance(layer, tuple) else layer
    short = not isinstance(hard, int) or hard < facts.workload.connections
    setting = "LimitNOFILE" if reading and "unit/" in reading.subject.name else "nofile"
    return Bound(
        id="nofile",
        name=f"nofile {facts.program}".strip(),
        hard=hard if isinstance(hard, int | Unknown) else Unknown(Reason.UNDECIDED, "no limit could be read"),
        knee=None,
        used=None,
        reads=f"{reading.subject} {when}" if reading else "",
        fails="accept or socket: EMFILE (24)",
        raised_by=f"{setting}={_need(facts):,}" if short else "",
        notes=(f"{facts.workload.own_descriptors:,} descriptors are kept for the program itself",),
    )


def _nr_open(facts: CapacityFacts) -> Bound:
    ceiling = facts.integer("fs.nr_open")
    hard = _connections(facts, ceiling) if isinstance(ceiling, int) else ceiling
    return Bound(
        id="nr-open",
        name="fs.nr_open",
        hard=hard,
        knee=None,
        used=None,
        reads="fs.nr_open",
        fails="setrlimit: EPERM (1) when nofile is raised beyond it",
        raised_by=f"fs.nr_open={_need(facts):,}" if facts.short(hard) else "",
    )


def _file_max(facts: CapacityFacts) -> Bound:
    ceiling = facts.integer("fs.file-max")
    used = facts.files_open
    hard: int | Unknown | None = ceiling
    if isinstance(ceiling, int):
        hard = max((ceiling - (used or 0)) // facts.workload.descriptors_per_connection, 0)
    return Bound(
        id="file-max",
        name="fs.file-max",
        hard=hard,
        knee=None,
        used=None,
        reads="fs.file-max less the files that are open now",
        fails="socket or accept: ENFILE (23); log: VFS: file-max limit reached",
        raised_by=f"fs.file-max={_need(facts) + (used or 0):,}" if facts.short(hard) else "",
        notes=("a process with CAP_SYS_ADMIN is exempt",),
    )


def _watches(facts: CapacityFacts) -> Bound:
    ceiling = facts.integer("fs.epoll.max_user_watches")
    per = facts.workload.sockets_per_connection
    hard = ceiling // per if isinstance(ceiling, int) else ceiling
    return Bound(
        id="epoll-watches",
        name="epoll watches of one user",
        hard=hard,
        knee=None,
        used=None,
        reads="fs.epoll.max_user_watches",
        fails="epoll_ctl: ENOSPC (28)",
        raised_by=f"fs.epoll.max_user_watches={facts.workload.connections * per:,}" if facts.short(hard) else "",
    )
