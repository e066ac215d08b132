"""The conntrack table: whether it is full, whether that drops anything now, and what fills it.

net/netfilter/nf_conntrack_core.c: __nf_conntrack_alloc() refuses an entry beyond nf_conntrack_max, nf_conntrack_in()
counts the packet as `drop`; gc_worker() keeps a table that was full at 95 % where it can.
"""

from __future__ import annotations

from enum import Enum

from hosttune import kernel
from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import some
from hosttune.model import Evidence, Tracked

MAX = "net.netfilter.nf_conntrack_max"
DROP = "conntrack.drop"
STATISTICS = "/proc/net/stat/nf_conntrack"
COUNT = "/proc/sys/net/netfilter/nf_conntrack_count"
WORDS = ("table full",)
ERRNOS = ("ETIMEDOUT", "EPERM", "none")  # a dropped SYN gives none at first; sendto() of a dropped datagram EPERM
NO_TRACKING = (
    "do not track the service's port, in both directions (nft `notrack` in a raw chain, iptables -t raw -j CT "
    "--notrack)"
)
LOG = "kernel: nf_conntrack: table full, dropping packet; the program sees no error, then ETIMEDOUT"

_ENTRIES = "conntrack.count"
_FULL = 0.94
_OVER = ("TIME_WAIT", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "CLOSE")


class State(Enum):
    """What is known of the table.

    BINDS: it is full and drops now. IDLE: it is full, and nothing was tried. SPARED: it is full, and packets that began
    connections meanwhile were not dropped. ROOM: it is not full. NONE: there is no table or no limit. UNKNOWN: neither
    its size nor its count was observed.
    """

    BINDS = 1
    IDLE = 2
    SPARED = 3
    ROOM = 4
    NONE = 5
    UNKNOWN = 6


def state(clues: Clues) -> State:
    """Say how the table stands; a counter that does not move is of the past, whatever its height."""
    limit, count = clues.integer(MAX), clues.most(_ENTRIES)  # it rises and falls about its limit
    if limit == 0 or (clues.machine.conntrack is False and not count):
        return State.NONE
    if limit is None or count is None:
        return State.UNKNOWN
    if count < limit * _FULL:
        return State.ROOM
    if clues.rates.rose(DROP):
        return State.BINDS
    return State.SPARED if tried(clues) and clues.rates.moved(DROP) == 0 else State.IDLE


def tried(clues: Clues) -> int:
    """Return how many connections were begun or begun again between the two gatherings, here."""
    return sum(clues.rates.rose(name) for name in ("TcpExt.TCPSynRetrans", "Tcp.ActiveOpens", "Tcp.PassiveOpens"))


def filled(clues: Clues) -> Evidence:
    """Return how full the table is."""
    count, limit = clues.most(_ENTRIES) or 0, clues.integer(MAX) or 0
    return Evidence(f"the conntrack table has {count:,} of {limit:,} entries", f"{COUNT}, {MAX}")


def dropping(clues: Clues) -> tuple[Evidence, ...]:
    """Return what shows that the table drops packets now: the counter, and the kernel's own words."""
    lines = (Evidence(f"the kernel wrote {age:,.0f} s ago: {text}", "dmesg") for age, text in spoken(clues)[-1:])
    return some(saying.moved(clues, DROP, STATISTICS), lines)


def logged_full(clues: Clues) -> bool:
    """Say whether a log that a person gave has the kernel's words of a full table, not just a connect() that waited."""
    return any(word in hit.line for hit in clues.symptom.hits for word in WORDS)


def spoken(clues: Clues) -> tuple[tuple[float, str], ...]:
    """Return the kernel's fresh lines of a full table; those that name a namespace are not of the first one.

    As of Linux 6.18; whether they are of another namespace that we are in they do not tell.
    """
    first = clues.machine.network_namespace == "initial"
    fresh = clues.lines(*WORDS)
    return tuple((age, text) for age, text in fresh if "nf_conntrack" in text and not (first and " in netns " in text))


def why_not(clues: Clues, now: State) -> Evidence:
    """Return why the table is not what binds; for NONE, SPARED and ROOM."""
    if now is State.NONE:
        if clues.integer(MAX) == 0:
            return Evidence("nf_conntrack_max is 0: the table has no limit", MAX)
        return Evidence("nothing tracks connections here", COUNT)
    if now is State.SPARED:
        text = (
            f"{filled(clues).text}, but none of {tried(clues):,} connections that were begun in "
            f"{clues.rates.seconds:,.1f} s was dropped: nothing tracks them, or entries can be replaced"
        )
        return Evidence(text, STATISTICS)
    return Evidence(f"{filled(clues).text}{_since(clues)}", f"{COUNT}, {STATISTICS}")


def _since(clues: Clues) -> str:
    dropped = clues.rates.value(DROP)
    if dropped is None or clues.rates.rose(DROP):
        return ""
    if not dropped:
        return "; drop is 0: it has never been full"
    return f"; drop stands at {dropped:,} and does not move: once, not now" if clues.rates.moved(DROP) == 0 else ""


def over(clues: Clues) -> float | None:
    """Return what part of the entries is of connections closed or closing; None where that was not observed."""
    seen = clues.tracked
    if not isinstance(seen, Tracked) or not seen.seen:
        return None
    return sum(seen.states.get(name, 0) for name in _OVER) / seen.seen


def entries(clues: Clues) -> tuple[Evidence, ...]:
    """Return which states the entries are in, the most frequent first; nothing where that was not observed."""
    seen = clues.tracked
    if not isinstance(seen, Tracked) or not seen.seen:
        return ()
    shares = sorted(seen.states.items(), key=lambda item: -item[1])[:3]
    named = ", ".join(f"{saying.percent(count / seen.seen)} {name}" for name, count in shares)
    sample = "" if seen.whole else f" (a sample of {seen.seen:,})"
    return (Evidence(f"of the entries are {named}{sample}", "ctnetlink, `conntrack -L`"),)


def sockets(clues: Clues) -> int | None:
    """Return the TCP sockets in use in this namespace, those in TIME_WAIT not among them (/proc/net/sockstat)."""
    four = clues.rates.value("sockstat.TCP.inuse")
    return None if four is None else four + (clues.rates.value("sockstat.TCP6.inuse") or 0)


def lifetime(clues: Clues) -> int:
    """Return the seconds that the entry of a closed connection stays."""
    return clues.integer("net.netfilter.nf_conntrack_tcp_timeout_time_wait") or kernel.CONNTRACK_TIME_WAIT
