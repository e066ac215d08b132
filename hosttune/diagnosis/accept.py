"""Accept queues that are full or overflow: whose they are, and whether clients are turned away now.

net/ipv4/tcp_input.c, tcp_conn_request(): a SYN that meets a full queue is dropped, and ListenOverflows counts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hosttune import kernel
from hosttune.diagnosis import fixing, own_limits, paces, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Cause, Certainty, Evidence, Fix, Listener, Program, Unknown

NETSTAT = "/proc/net/netstat"
SOCKETS = "sock_diag"
OVERFLOWS = "TcpExt.ListenOverflows"
SOMAXCONN, SOMAXCONN_FILE = "net.core.somaxconn", "/proc/sys/net/core/somaxconn"
ERRNOS = ("ETIMEDOUT", "ECONNRESET", "ECONNREFUSED", "none")
"""What clients of a full queue see: a SYN that is dropped, an answer that resets (tcp_abort_on_overflow, tcp(7))."""

LOG = "nothing at the server; clients wait, and time out (ETIMEDOUT from connect()) after minutes"
DESCRIPTORS = "give the process more descriptors (nofile): then it accepts again, and the queue empties"
_TWICE = "nstat -az TcpExtListenOverflows TcpExtListenDrops, twice; ss -ltn"
_LONGER = "`hosttune diagnose --for 10s` while it stalls: a client that was turned away comes again after 1 s"
_WILD = ("0.0.0.0", "::")
_PATIENCE = 3.0
"""Seconds: a SYN that was dropped comes again after 1 s, and again 1 or 2 s later (tcp(7), tcp_syn_retries)."""

_SPARE = 2
"""Descriptors that may be free while accept() fails: one is opened and closed again for each client it turns away."""


@dataclass(frozen=True, slots=True)
class Queue:
    """An accept queue that is full, or one that overflows from time to time.

    `listener` None: it is not known which one it is. `starved` is the process that cannot accept for want of a
    descriptor. `own`: it is shorter than somaxconn, so that the program has asked for no more. `sharing` are the
    sockets that share its port, itself among them, each with a queue of its own.
    """

    listener: Listener | None
    certainty: Certainty
    evidence: tuple[Evidence, ...]
    owner: Program | None = None
    starved: Program | None = None
    own: bool = False
    sharing: tuple[Listener, ...] = ()

    @property
    def sure(self) -> bool:
        return self.certainty in (Certainty.CERTAIN, Certainty.LIKELY)

    @property
    def strength(self) -> int:
        """A queue that descriptors have filled is a consequence; one whose program has some left is not."""
        if self.starved:
            return 40
        return 95 if self.owner and self.certainty is Certainty.CERTAIN else 85

    @property
    def at(self) -> int | None:
        """How many it holds: one more than the backlog (include/net/sock.h, sk_acceptq_is_full); all that are full."""
        if self.listener is None:
            return None
        full = [other for other in self.sharing if other.queue > other.backlog] or [self.listener]
        return sum(other.backlog + 1 for other in full)

    @property
    def whose(self) -> str:
        name = f" ({self.owner})" if self.owner else ""
        return f"{self.listener}{name}" if self.listener else "a listener"


def queues(clues: Clues) -> tuple[Queue, ...]:
    """Return the queues that are full now; where none is, the one that overflows between two looks."""
    full = _once_each(listener for listener in clues.listeners if listener.queue > listener.backlog)
    # one cause for all sockets that share a port: of a process without descriptors, else the longest of them
    full.sort(key=lambda each: (_starved(clues, each, owner_of(clues, each)) is not None, each.backlog))
    full = list({str(listener): listener for listener in full}.values())
    if full:
        return tuple(_full(clues, listener, alone=len(full) == 1) for listener in full)
    if not clues.rates.rose(OVERFLOWS):
        return ()
    suspect = _suspect(clues)
    drops = _drops(clues)
    if suspect is None:
        return (Queue(None, Certainty.LIKELY, drops, starved=_starved(clues, None, None)),)
    text = f"{suspect}: {suspect.queue:,} wait at this moment, of {suspect.backlog + 1:,} that its queue holds"
    return (_queue(clues, suspect, Certainty.LIKELY, (*drops, Evidence(text, SOCKETS))),)


def _full(clues: Clues, listener: Listener, alone: bool) -> Queue:
    """Certain where it is the only one and clients are turned away now; where none comes, it is but full."""
    retried = _retried(clues, listener)
    dropping = bool(clues.rates.rose(OVERFLOWS))
    certainty = Certainty.POSSIBLE
    if dropping and (alone or retried):
        certainty = Certainty.CERTAIN
    elif dropping or retried:
        certainty = Certainty.LIKELY
    text = f"{listener}: Recv-Q {listener.queue:,} above Send-Q {listener.backlog:,}, its queue is full"
    evidence = [Evidence(text, f"{SOCKETS}, ss -ltn"), *_sharing(clues, listener), *_drops(clues)]
    if retried:
        clients = "1 client" if retried == 1 else f"{retried:,} clients"
        evidence.append(Evidence(f"{clients} on this host sent it their SYN more than once", SOCKETS))
    return _queue(clues, listener, certainty, tuple(evidence))


def _alike(clues: Clues, listener: Listener) -> tuple[Listener, ...]:
    """Return the sockets that share a listener's port, itself among them."""
    return tuple(other for other in clues.listeners if str(other) == str(listener))


def _sharing(clues: Clues, listener: Listener) -> tuple[Evidence, ...]:
    """Return how full the queues of one port are together, where several sockets share it (SO_REUSEPORT)."""
    alike = _alike(clues, listener)
    if len(alike) < 2:
        return ()
    full = sum(other.queue > other.backlog for other in alike)
    waiting, room = sum(other.queue for other in alike), sum(other.backlog + 1 for other in alike)
    text = f"{len(alike):,} sockets share the port, a queue each: {full:,} full, {waiting:,} of {room:,} wait in all"
    return (Evidence(text, f"{SOCKETS}, ss -ltn"),)


def _queue(clues: Clues, listener: Listener, certainty: Certainty, evidence: tuple[Evidence, ...]) -> Queue:
    owner, longest = owner_of(clues, listener), clues.integer(SOMAXCONN)
    starved = _starved(clues, listener, owner)
    if clues.named and clues.owners and listener.inode not in clues.owners:
        certainty = Certainty.POSSIBLE
        evidence = (*evidence, Evidence("it is a listener of none of the given processes", "/proc/PID/fd"))
    if starved:
        text = f"{starved} has no descriptor left to accept with: the queue fills because of that"
        evidence = (*evidence, Evidence(text, f"/proc/{starved.pid}/fd"))
    return Queue(
        listener,
        certainty,
        (*evidence, *(_activity(clues, owner, listener) if listener.queue > listener.backlog else ())),
        owner,
        starved,
        longest is not None and listener.backlog < longest,
        _alike(clues, listener),
    )


def owner_of(clues: Clues, listener: Listener) -> Program | None:
    """Return the process that holds a listener; None where it was not observed."""
    pid = clues.owners.get(listener.inode)
    return clues.program(pid) if pid is not None else None


def confirm(queue: Queue) -> str:
    """Return what would show that a queue overflows, "" where that is certain."""
    if queue.certainty is Certainty.CERTAIN:
        return ""
    if queue.listener is None:
        return "`ss -ltn` several times while it stalls: the listener whose Recv-Q comes up to its Send-Q"
    return f"`ss -ltn 'sport = :{queue.listener.port}'` and `nstat TcpExtListenOverflows`, again while it stalls"


def excluded(clues: Clues, rule: Rule) -> Cause:
    """Return why no accept queue is to blame: none overflows now; that is unknown; or it is too short a look."""
    ever = clues.rates.value(OVERFLOWS)
    if ever is None:
        if clues.hits(rule.kind):
            evidence = saying.logged(clues, rule.kind)
            return Cause(rule.kind, rule.what, Certainty.LIKELY, evidence=evidence, confirm=_TWICE, strength=30)
        return rule.unknown(
            clues.traffic if isinstance(clues.traffic, Unknown) else f"{OVERFLOWS} could not be read", _TWICE
        )
    if ever and too_short(clues, OVERFLOWS):
        stands = saying.once(clues, OVERFLOWS, NETSTAT) or Evidence(f"{OVERFLOWS} stands at {ever:,}", NETSTAT)
        certainty = Certainty.POSSIBLE if silent(clues) or clues.hits(rule.kind) else Certainty.UNKNOWN
        return Cause(rule.kind, rule.what, certainty, evidence=(stands,), confirm=_LONGER, strength=10)
    fullest = max(clues.listeners, key=lambda listener: listener.queue / (listener.backlog + 1), default=None)
    never = Evidence(f"{OVERFLOWS} is 0: none has ever overflowed", NETSTAT)
    text = f"{fullest.queue:,} wait at {fullest}, of {fullest.backlog + 1:,} that its queue holds" if fullest else ""
    return rule.excluded(
        saying.once(clues, OVERFLOWS, NETSTAT) or never, "", Evidence(text, SOCKETS) if fullest else None
    )


def too_short(clues: Clues, counter: str) -> bool:
    """Say whether a counter that did not move may only have been looked at for too short a time."""
    return clues.rates.moved(counter) is None or (clues.rates.seconds < _PATIENCE and silent(clues))


def silent(clues: Clues) -> bool:
    """Say whether what is reported of the stall is what a dropped SYN shows: no error, or ETIMEDOUT after minutes."""
    return bool(clues.met("ETIMEDOUT", "none", calls=("connect",)))


def longer(clues: Clues, listener: Listener | None) -> tuple[Fix, ...]:
    """Return what makes a queue longer that is as long as somaxconn, up to the burst that is to be expected.

    That is the kernel's default, or a second of the connections that are the target: beyond it clients wait longer, and
    no more of them are served. () where somaxconn is not what makes it short.
    """
    longest = clues.integer(SOMAXCONN)
    enough = max(kernel.SOMAXCONN, clues.rate)
    if longest is None or longest >= enough or (listener is not None and listener.backlog < longest):
        return ()
    why = (
        f"let a queue hold {enough:,}, {'a second of the target' if clues.rate == enough else 'the default'}; then "
        "restart the program: a listener keeps the backlog of its listen()"
    )
    return fixing.sysctl(clues, why, (SOMAXCONN, str(enough)))


def idle(clues: Clues, queue: Queue) -> str:
    """Return what to look at where the queue is full and the program does nothing, "" where it does, or may."""
    owner = queue.owner
    busy = clues.busy(owner) if owner else None
    full = queue.listener is not None and queue.listener.queue > queue.listener.backlog
    if owner is None or busy is None or busy[1] or not full or clues.rates.rose("Tcp.PassiveOpens"):
        return ""  # what accepts is not stopped
    look = f"see why {owner} does not accept: `ps -o stat,wchan:20 {owner.pid}` (T: it was stopped)"
    # at its maximum a program leaves its clients in the queue: a longer one only lets more of them wait
    return f"{look}; if not, it may be at its own maximum: {own_limits.maximum(clues, owner.name)}"


def _once_each(listeners: Iterable[Listener]) -> list[Listener]:
    """Return one listener for each address and backlog: those that share a port (SO_REUSEPORT) are one service."""
    services: dict[tuple[str, int], Listener] = {}
    for listener in sorted(listeners, key=lambda listener: -listener.queue):
        services.setdefault((str(listener), listener.backlog), listener)
    return list(services.values())


def _suspect(clues: Clues) -> Listener | None:
    """Return the listener that overflows though it is not full now: the only one, or the only one where any wait."""
    every = _once_each(clues.listeners)
    waiting = [listener for listener in every if listener.queue]
    for few in (every, waiting):
        if len(few) == 1:
            return few[0]
    return None


def _drops(clues: Clues) -> tuple[Evidence, ...]:
    """Return what the kernel counted: in this look, or once."""
    moved = some(*(saying.moved(clues, name, NETSTAT) for name in (OVERFLOWS, "TcpExt.ListenDrops")))
    return moved or some(saying.once(clues, OVERFLOWS, NETSTAT))


def _retried(clues: Clues, listener: Listener) -> int:
    """Return how many clients on this very host wait for the listener and have asked it more than once."""
    near = {flow.source for flow in clues.flows} | {known.address for known in clues.listeners}
    return sum(
        flow.retried
        for flow in clues.flows
        if flow.port == listener.port
        and (flow.address == listener.address or (listener.address in _WILD and flow.address in near))
    )


def _starved(clues: Clues, listener: Listener | None, owner: Program | None) -> Program | None:
    """Return the process at its limit that would have to accept: the owner, or a worker of the same name.

    Where the owner was not observed, it is one of the listener's user, if any.
    """
    near = [program for program in clues.programs if program.here is not False or program is owner]
    short = [program for program in near if program.soft is not None and program.descriptors >= program.soft - _SPARE]
    if owner is not None:
        return next((program for program in short if program.pid == owner.pid or program.name == owner.name), None)
    return next((program for program in short if listener is None or program.uid == listener.uid), None)


def _activity(clues: Clues, owner: Program | None, listener: Listener) -> tuple[Evidence, ...]:
    """Return what the program does instead of accept(): as much as counters and its CPU time show."""
    busy, own = clues.busy(owner) if owner else None, paces.of(clues, listener)
    who, seconds = str(owner) if owner else "the program", f"{clues.rates.seconds:,.1f} s"
    found = []
    if own and own.slow:
        text = (
            f"{who} accepts {own.accepted:,.0f} connections/s, and {own.came:,.0f}/s come: a queue of any length fills"
        )
        found.append(Evidence(text, "Tcp.PassiveOpens, TcpExt.ListenDrops"))
    if owner is None or busy is None:
        return tuple(found)
    where, accepted = f"/proc/{owner.pid}/stat", clues.rates.rose("Tcp.PassiveOpens")
    if busy[1]:
        text = f"{owner} took {busy[1]:,.2f} CPU over {seconds}, with {owner.threads:,} threads"
        found.append(Evidence(text, where))
    elif not accepted:
        text = (
            f"{owner} accepted nothing and used no CPU in {seconds}: it is stopped, waits for something else than "
            "accept(), or is at a maximum of its own"
        )
        found.append(Evidence(text, where))
    return tuple(found)
