"""Descriptors: of the program, of any process, of the whole system, and watches (fs/file_table.c, fs/eventpoll.c)."""

from __future__ import annotations

from hosttune.capacity import keeping, saying
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Reason, Remedy, Scope, Subject, Unknown

_HIGHEST = 2147483584  # sysctl_nr_open_max, fs/file.c: no process can have more


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of nofile, nr_open, file-max and epoll watches; none where the host has no sockets of them."""
    if facts.workload.forwards:
        return ()
    return (_nofile(facts), _nr_open(facts), _file_max(facts), _watches(facts))


def _connections(facts: CapacityFacts, descriptors: int) -> int:
    """Return what a program carries with so many descriptors for each of its processes that accept."""
    kept = keeping.keeps(facts)
    each = int((descriptors - kept.own) / facts.workload.descriptors_each)
    return max(each * kept.workers, 0) if descriptors >= kept.least else 0


def _least(facts: CapacityFacts) -> int:
    """Return the descriptors that the program cannot do with less of; its profile may keep more for it."""
    kept = keeping.keeps(facts)
    return max(_of_one(facts) + kept.own, kept.least)


def _of_one(facts: CapacityFacts) -> int:
    """Return the descriptors of the connections that one of its processes has, its own apart."""
    share = -(-facts.workload.connections // keeping.keeps(facts).workers)
    return facts.workload.descriptors(share) - facts.workload.own_descriptors


def _rather(facts: CapacityFacts) -> int:
    return max(_of_one(facts) + facts.workload.own_descriptors, _least(facts))


def _limit(facts: CapacityFacts) -> tuple[int | Unknown, str]:
    """Return the limit that binds the program, and when: it runs with it, or takes it when it starts."""
    reading, workers = facts.nofile, keeping.to_start(facts)
    if workers and workers.nofile:
        return workers.nofile, f"{workers.nofile_name} of {workers.path}, when its workers start"
    if reading is None:
        return Unknown(Reason.UNDECIDED, "no program was given (--pid, --service, --user)"), "now"
    layer, when = reading.runtime, "now"
    if isinstance(layer, Unknown):
        layer, when = reading.boot, "when it starts"
        if facts.raises_nofile and isinstance(layer, tuple):
            # the running process shows what it made of its limits; one that is yet to start takes the hard one
            layer, when = layer[1], "hard, to which it raises its own soft limit when it starts"
    soft = layer[0] if isinstance(layer, tuple) else layer
    if isinstance(soft, int) and facts.settings and facts.settings.ceiling:
        soft = min(soft, facts.settings.ceiling)
    return soft if isinstance(soft, int | Unknown) else Unknown(Reason.UNDECIDED, "no limit could be read"), when


def _nofile(facts: CapacityFacts) -> Bound:
    reading, (most, when) = facts.nofile, _limit(facts)
    hard = _direct(facts) or (_connections(facts, most) if isinstance(most, int) else most)
    kept, need = keeping.keeps(facts), _rather(facts)
    reckoned = facts.configuration.reckoned if facts.configuration else None
    passes = facts.configuration.passes if facts.configuration else 1
    if reckoned is not None and not (isinstance(most, int) and most < reckoned * facts.workload.descriptors_each):
        # it has made its own sum of a limit that still holds
        hard = reckoned
    subject = reading.subject if reading else Subject("nofile", "service")
    remedies: tuple[Remedy, ...] = ()
    notes = kept.notes if reckoned is None else (f"{facts.dialler} has reckoned maxconn {reckoned * passes:,} from it",)
    if need > _HIGHEST:
        notes = (*notes, f"no process can have {need:,}: spread the connections over several")
    elif (isinstance(hard, Unknown) and not _direct(facts)) or facts.short(hard):
        remedies = (Remedy(str(subject), _least(facts), need, "descriptors", _text(facts, subject, need)),)
    return Bound(
        kind="nofile",
        scope=Scope.PROGRAM,
        name=f"nofile {facts.program}".strip(),
        hard=hard,
        used=facts.carried or None,
        reads=when if _own(facts) else f"{subject} {when}" if reading else "",
        fails=kept.fails,
        remedies=remedies,
        notes=tuple(notes),
        # what accept() does not fetch waits in the queue until that overflows
        counter="/proc/net/netstat TcpExt: ListenOverflows",
    )


def _direct(facts: CapacityFacts) -> Unknown | None:
    """Return why descriptors do not bound a program that has sockets without any; None where it has none such."""
    process = facts.process
    if process is None or not process.direct:
        return None
    why = f"io_uring keeps {process.direct:,} sockets of process {process.pid} that take no descriptor"
    return Unknown(Reason.UNDECIDED, f"{why} (direct descriptors), beside the {facts.descriptors_open:,} that it has")


def _own(facts: CapacityFacts) -> bool:
    """Say whether the limit is what a configuration gives workers that are yet to start."""
    workers = keeping.to_start(facts)
    return bool(workers and workers.nofile)


def _text(facts: CapacityFacts, subject: Subject, need: int) -> str:
    """Return what raises nofile: the program's own setting of it, where it has one, holds whatever its unit has."""
    settings = facts.settings
    if settings and settings.nofile:
        return f"{settings.nofile_name} {need} ({settings.path})"
    setting = "LimitNOFILE" if facts.nofile and "unit/" in subject.name else "nofile"
    return f"{setting}={need:,}"


def _nr_open(facts: CapacityFacts) -> Bound:
    ceiling = facts.integer("fs.nr_open")
    hard = _direct(facts) or (_connections(facts, ceiling) if isinstance(ceiling, int) else ceiling)
    need = _rather(facts)
    return Bound(
        kind="nr-open",
        scope=Scope.PROGRAM,
        name="fs.nr_open",
        hard=hard,
        used=facts.carried or None,
        reads="fs.nr_open",
        fails="setrlimit: EPERM (1) when nofile is raised beyond it",
        remedies=saying.sysctl("fs.nr_open", _least(facts), "descriptors", _HIGHEST, need) if facts.short(hard) else (),
    )


def _file_max(facts: CapacityFacts) -> Bound:
    """The files of all others come first; what the program holds already is among those it needs."""
    ceiling = facts.integer("fs.file-max")
    mine = facts.process.total if facts.process and facts.process.total is not None else facts.descriptors_open
    others = max((facts.files_open or 0) - mine, 0)
    kept = keeping.keeps(facts)
    own = kept.own * kept.workers
    exempt = facts.process is not None and facts.process.exempt
    hard: int | Unknown | None = ceiling
    if isinstance(ceiling, int):
        room = max(int((ceiling - others - own) / facts.workload.descriptors_each), 0)
        hard = None if exempt else room
    need = others + own + facts.workload.descriptors(facts.workload.connections) - facts.workload.own_descriptors
    note = "a process with CAP_SYS_ADMIN is exempt"
    if exempt and facts.process:
        note = f"process {facts.process.pid} has CAP_SYS_ADMIN and is exempt"
    return Bound(
        kind="file-max",
        name="fs.file-max",
        hard=hard,
        used=facts.carried or None,
        reads="fs.file-max less the files that others have open now",
        fails="socket or accept: ENFILE (23)",
        remedies=saying.sysctl("fs.file-max", need, "files", saying.LONG) if facts.short(hard) else (),
        notes=(note,),
        log="VFS: file-max limit reached",
        counter="/proc/sys/fs/file-nr, the first number",
    )


def _watches(facts: CapacityFacts) -> Bound:
    ceiling = facts.integer("fs.epoll.max_user_watches")
    per = facts.workload.sockets_per_connection
    hard = ceiling // per if isinstance(ceiling, int) else ceiling
    need = facts.workload.connections * per
    return Bound(
        kind="epoll-watches",
        name="epoll watches of one user",
        hard=hard,
        used=facts.carried or None,
        reads="fs.epoll.max_user_watches, of one user in all containers",
        fails="epoll_ctl: ENOSPC (28)",
        remedies=saying.sysctl("fs.epoll.max_user_watches", need, "watches", saying.LONG) if facts.short(hard) else (),
    )
