"""The queues of a listener: what a burst of new connections finds while accept() pauses (net/ipv4/tcp_input.c).

A queue belongs to a socket: sockets that share a port (SO_REUSEPORT) have one each, among which the kernel chooses by a
hash of the connection (net/core/sock_reuseport.c reuseport_select_sock()), and each port of a program has its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from hosttune import releases
from hosttune.capacity import saying
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Listener, Remedy, Scope, Unknown

_SOMAXCONN = "net.core.somaxconn"
_SYN = "net.ipv4.tcp_max_syn_backlog"
_RATE = "connections/s"
_DROPPED = "no errno: SYNs are dropped and tried again after 1 s"


@dataclass(frozen=True, slots=True)
class _Service:
    """The sockets of one address and port; `backlogs` as listen() made them, one that is not known is None.

    `asked` is what the program asked for, 0 where it is not known or ends at somaxconn, and `whose` who says so.
    """

    backlogs: tuple[int | Unknown | None, ...]
    asked: int = 0
    whose: str = ""
    at: str = ""

    @property
    def least(self) -> int | Unknown | None:
        return next((b for b in self.backlogs if not isinstance(b, int)), None) or min(self.known, default=None)

    @property
    def known(self) -> tuple[int, ...]:
        return tuple(backlog for backlog in self.backlogs if isinstance(backlog, int))


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of accept and SYN queues, of each port, for whatever accepts connections."""
    load, process = facts.workload, facts.process
    accepts = load.sockets_per_connection > load.tuples_per_connection
    if not load.stall or not (accepts or (process and process.listeners)):
        return ()
    services = tuple(_services(facts))
    several = len(services) > 1
    made = [_accept(facts, service, several) for service in services]
    if facts.integer("net.ipv4.tcp_syncookies") == 0:
        return (*made, *(_syn(facts, service, several) for service in services))
    shortest = min(services, key=lambda service: min(service.known, default=0))
    return (*made, _syn(facts, shortest, False))


def _services(facts: CapacityFacts) -> Iterator[_Service]:
    """Yield the ports of the running program; else, or where its backlog was given, the one of which that is."""
    process, ceiling = facts.process, facts.integer(_SOMAXCONN)
    if facts.workload.backlog or not (process and process.listeners):
        asked, whose = _asked(facts)
        yield _Service((min(ceiling, asked) if isinstance(ceiling, int) and asked else ceiling,), asked, whose)
        return
    ports: dict[str, list[Listener]] = {}
    for listener in process.listeners:
        ports.setdefault(str(listener), []).append(listener)
    for at, listeners in ports.items():
        backlogs = tuple(sorted(listener.backlog for listener in listeners))
        yield _Service(backlogs, *_of_running(process.pid, min(backlogs), ceiling), at)


def _burst(facts: CapacityFacts) -> int:
    """Return how many arrive while accept() pauses."""
    return math.ceil(facts.workload.rate * Fraction(str(facts.workload.stall)))


def _rate(facts: CapacityFacts, held: int) -> int:
    return int(held / Fraction(str(facts.workload.stall)))


def _asked(facts: CapacityFacts) -> tuple[int, str]:
    """Return the backlog of the program and where it is from; 0 where it is not known, or ends at somaxconn."""
    process = facts.process
    if facts.workload.backlog:
        return facts.workload.backlog, ""
    if process and process.backlogs:
        return _of_running(process.pid, min(process.backlogs), facts.integer(_SOMAXCONN))
    entries = facts.configuration.entries if facts.configuration else ()
    shortest = min((entry for entry in entries if entry.backlog), key=lambda entry: entry.backlog, default=None)
    if shortest:
        return shortest.backlog, f" of {shortest.name} ({shortest.where})"
    known = facts.known.traits.backlog
    return (known.value, f" of {facts.known.name} ({known.source})") if known.value else (0, "")


def _of_running(pid: int, least: int, ceiling: int | Unknown | None) -> tuple[int, str]:
    """Return what a running program asked for: what it has is what listen() made of it (net/ipv4/af_inet.c).

    One that is as long as somaxconn may allow may have been meant to be longer.
    """
    return (least, f" of process {pid}") if least != ceiling else (0, "")


def _accept(facts: CapacityFacts, service: _Service, several: bool) -> Bound:
    least, many = service.least, len(service.backlogs)
    # the test is "longer than": the queue holds one more (include/net/sock.h sk_acceptq_is_full)
    hard = _rate(facts, least + 1) if isinstance(least, int) else least
    whole = sum(service.known) + many
    cookies = facts.integer("net.ipv4.tcp_syncookies")
    with_cookies = "no errno: with SYN cookies clients are connected that the server never had"
    notes = [*_shared(service), f"a burst of {_burst(facts):,} while accept() pauses for {facts.workload.stall:g} s"]
    if not (service.asked or (facts.process and facts.process.backlogs)):
        notes.append("the program's own backlog is not known: a smaller one holds fewer")
    if several:
        notes.append(f"{service.at} alone: it binds where all connections come in there")
    return Bound(
        kind="accept-queue",
        scope=Scope.LISTENER,
        name=f"accept queue{'s' if many > 1 else ''} of {service.at}" if service.at else "accept queue",
        hard=hard,
        most=_rate(facts, whole) if many > 1 and isinstance(hard, int) else None,
        reads=f"{_SOMAXCONN}" + (f", a backlog of {service.asked:,}{service.whose}" if service.asked else ""),
        fails=_DROPPED if cookies == 0 else with_cookies,
        remedies=_longer(facts, service) if isinstance(hard, int) and hard < facts.workload.rate else (),
        notes=tuple(notes),
        log="TCP: request_sock_TCP: Possible SYN flooding" if cookies else "",
        counter="/proc/net/netstat TcpExt: ListenOverflows, ListenDrops, SyncookiesRecv",
        unit=_RATE,
        of=service.at if several else "",
    )


def _shared(service: _Service) -> tuple[str, ...]:
    """Return what sockets that share a port hold, in all and each."""
    many, each = len(service.backlogs), [backlog + 1 for backlog in service.known]
    if many == 1 or len(each) < many:
        return ()
    holds = f"{each[0]:,}" if len(set(each)) == 1 else f"{min(each):,} to {max(each):,}"
    return (
        f"{many:,} listeners share the port (SO_REUSEPORT), a queue of {holds} each: {sum(each):,} in all where the "
        f"hash spreads connections evenly, but the first may be full at {min(each):,}",
    )


def _longer(facts: CapacityFacts, service: _Service, more: int = 1) -> tuple[Remedy, ...]:
    want = _burst(facts) - more
    ceiling, asked = facts.integer(_SOMAXCONN), service.asked
    remedies: list[Remedy] = []
    if isinstance(ceiling, int) and ceiling < want:
        remedies.extend(saying.sysctl(_SOMAXCONN, want, "connections"))
    if asked and asked < want:
        remedies.append(Remedy("listen:backlog", want, None, "connections", f"a backlog of {want:,} in the program"))
    return tuple(remedies)


def _syn(facts: CapacityFacts, service: _Service, several: bool) -> Bound:
    """Half-open connections are refused only without cookies; a burst is all of them at once."""
    backlog, longest = service.least, facts.integer(_SYN)
    hard: int | Unknown | None = None
    most: int | None = None
    remedies: tuple[Remedy, ...] = ()
    notes = ["with SYN cookies a full queue answers with cookies and refuses nobody"]
    if facts.integer("net.ipv4.tcp_syncookies") == 0:
        hard = next((v for v in (backlog, longest) if isinstance(v, Unknown)), None)
        notes = [*_shared(service), f"a burst of {_burst(facts):,} half-open connections; SYN cookies are off"]
        if isinstance(backlog, int) and isinstance(longest, int):
            more, why = one_more(facts.machine.kernel)
            notes += why
            # the share of tcp_max_syn_backlog is taken of each socket's own queue
            hard = _rate(facts, min(backlog + min(more), _half_open(longest)))
            most = _rate(facts, sum(min(b + max(more), _half_open(longest)) for b in service.known))
            if hard < facts.workload.rate:
                remedies = (*_longer(facts, service, min(more)), *_more_half_open(facts, longest))
    return Bound(
        kind="syn-queue",
        scope=Scope.LISTENER,
        name=f"SYN queue of {service.at}" if several else "SYN queue",
        hard=hard,
        most=most if most != hard else None,
        reads=f"{_SOMAXCONN}, {_SYN}, net.ipv4.tcp_syncookies",
        fails=_DROPPED,
        remedies=remedies,
        notes=tuple(notes),
        counter="/proc/net/netstat TcpExt: TCPReqQFullDrop, ListenDrops",
        unit=_RATE,
        of=service.at if several else "",
    )


def one_more(kernel: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return how many half-open connections a queue may hold beyond its backlog, and what is to be said of that."""
    holds = releases.holds(releases.named("syn-queue"), kernel)
    if holds is None:
        which = f"Linux {kernel}" if kernel else "a kernel whose release is not known"
        return (0, 1), (f"whether {which} queues one more is unknown: `hosttune prove --only syn` measures it",)
    return (int(holds),), ()


def _half_open(most: int) -> int:
    """Return how many half-open ones a listener holds without cookies: the last quarter is for peers known as alive."""
    return most - most // 4 + 1


def _more_half_open(facts: CapacityFacts, most: int) -> tuple[Remedy, ...]:
    burst = _burst(facts)
    if _half_open(most) >= burst:
        return ()
    want = max((burst - 1) * 4 // 3 - 2, 0)
    while want <= saying.INT and _half_open(want) < burst:
        want += 1
    return saying.sysctl(_SYN, want, "connections")
