"""How a program spends its nofile: what it keeps for itself, in how many processes, and its log at the end of it."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Process, Settings
from hosttune.model.programs import KnownProgram, When, bare, known_as

_FAILS = "accept or socket: EMFILE (24)"
_REFUSED = "open of /etc/hosts.allow: EMFILE (24), which libwrap takes for a refusal"
_BUILT: dict[bool | None, When] = {True: "wrapped", False: "plain", None: ""}


@dataclass(frozen=True, slots=True)
class Keeps:
    """`own` descriptors of each of `workers` processes; `least`: with fewer it does not start, 0 where it always does.

    `program` is the one that would start, "" for the one that is named. `when` chooses among the lines of its log,
    `fails` is how it meets its limit, `notes` say where `own` is from.
    """

    own: int
    fails: str = _FAILS
    workers: int = 1
    least: int = 0
    program: str = ""
    when: When = ""
    notes: tuple[str, ...] = ()


def keeps(facts: CapacityFacts) -> Keeps:
    """Return what the program keeps; a budget of the profile where nothing better is known.

    A profile that calls its number exact has the last word.
    """
    known, process = facts.known, facts.process
    workers, notes = _workers(known, process)
    if facts.workload.own_descriptors_exact:
        return Keeps(facts.own, workers=workers, notes=(_kept(facts), *notes))
    reckoned = _reckoned(facts) or _to_start(facts)
    if reckoned:
        return reckoned
    own, fails = facts.own, _FAILS
    when: When = ""
    beside = known.traits.per_accept
    if process and beside.value:
        when = _BUILT[process.wrapped] if beside.wrapped else when
        if process.wrapped or not beside.wrapped:
            own += beside.value
            fails = _REFUSED if beside.wrapped else fails
            notes = (f"{beside.value} more has to be free to accept a client: {beside.why}", *notes)
        elif process.wrapped is None:
            notes = (*notes, f"{beside.value} more where it is built with TCP wrappers, which is unknown")
    return Keeps(own, fails, workers, when=when, notes=(_kept(facts), *notes))


def _kept(facts: CapacityFacts) -> str:
    by = ""
    if facts.process and facts.own != facts.workload.own_descriptors:
        by = f", as many as process {facts.process.pid} has open"
        by += " beside its connections" if facts.own != facts.descriptors_open else ""
    return f"{facts.own:,} descriptors are reserved for the program's own files{by}"


def _workers(known: KnownProgram, process: Process | None) -> tuple[int, tuple[str, ...]]:
    """Return in how many processes it accepts, and what is to be said of them."""
    if process is None or process.workers == 1:
        return 1, ()
    if known.traits.in_each.value:
        return process.workers, (f"{process.workers:,} worker processes accept, each with its own descriptors",)
    shared = f"there are {process.workers:,} processes like it; whether each accepts is not known"
    return 1, (f"reckoned for process {process.pid} alone: {shared}",)


def to_start(facts: CapacityFacts) -> Settings | None:
    """Return what the configuration says of workers that do not run yet; None where they run, or it says nothing."""
    settings, process = facts.settings, facts.process
    if not settings or not settings.workers:
        return None
    known = known_as(facts.programs, settings.program)
    return None if process and bare(process.name) in known.names else settings


def _to_start(facts: CapacityFacts) -> Keeps | None:
    """Return what each worker will keep, as the configuration has it."""
    settings = to_start(facts)
    if settings is None or not settings.kept:
        return None
    workers = f" of each of {settings.workers:,} workers" if settings.workers > 1 else ""
    kept = f"{settings.kept:,} descriptors{workers} are for listeners, logs, channels and the like"
    return Keeps(settings.kept, workers=settings.workers, program=settings.program, notes=(kept, *settings.notes))


def _reckoned(facts: CapacityFacts) -> Keeps | None:
    """Return what a program does that reckons its maxconn from nofile, where the numbers for it are known."""
    settings, process = facts.settings, facts.process
    known = known_as(facts.programs, settings.program) if settings else facts.known
    back = known.traits.kept_back.value
    running = process is not None and bare(process.name) in known.names
    if not back or (process and not running and not settings):
        return None
    threads, kept = _threads(settings, process if running else None, facts.machine.cpus)
    if threads is None or kept is None:
        return None
    each_thread = known.traits.per_thread.value
    own = back + kept + each_thread * threads
    of_it = f"{back}, {kept:,} for listeners and checks, {threads * each_thread:,} for {threads:,} threads"
    sum_ = f"{own:,} descriptors are reserved: {of_it}"
    if settings and settings.maxconn:
        return _with_maxconn(facts, settings, running, own, sum_)
    silent = "none: at the maxconn that it reckons from nofile it accepts no more; clients wait, nothing is logged"
    if settings:
        return Keeps(own, silent, when="silent", notes=(sum_, *settings.notes))
    unset = "taken to have no maxconn set: a lower one stops it there; --backends-from reads its configuration"
    return Keeps(own, silent, notes=(sum_, unset))


def _threads(settings: Settings | None, process: Process | None, cpus: int | None) -> tuple[int | None, int | None]:
    """Return its threads and its listeners: of the process, else as configured; by default a thread for each CPU."""
    threads = settings.threads if settings else None
    kept = settings.kept if settings else None
    if process:
        threads = process.threads or threads
        kept = kept if kept is not None else len(process.backlogs) or None
    return threads or (cpus if settings else None), kept


def _with_maxconn(facts: CapacityFacts, settings: Settings, running: bool, own: int, sum_: str) -> Keeps:
    """Say what becomes of a maxconn that is set: without descriptors for it the program does not start."""
    passes = facts.configuration.passes if facts.configuration else 1
    least = own + int(settings.maxconn * facts.workload.descriptors_each / passes)
    where = f"maxconn {settings.maxconn:,} of {settings.path} takes {least:,} descriptors"
    if settings.strict and not running:
        fails = f"with less than {least:,} it does not start"
        return Keeps(
            own, fails, least=least, program=settings.program, when="start", notes=(sum_, where, *settings.notes)
        )
    return Keeps(facts.own, when="met", notes=(_kept(facts), where, *settings.notes))
