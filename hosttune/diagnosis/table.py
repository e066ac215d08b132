"""The conntrack table: whether it is full, whether that drops anything now, and what fills it.

net/netfilter/nf_conntrack_core.c: __nf_conntrack_alloc() refuses an entry beyond nf_conntrack_max, nf_conntrack_in()
counts the packet as `drop`; gc_worker() keeps a table that was full at 95 % where it can.
"""

from __future__ import annotations

import re
from enum import Enum

from hosttune.diagnosis import fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import some
from hosttune.model import Evidence, Fix, Tracked

MAX = "net.netfilter.nf_conntrack_max"
DROP = "conntrack.drop"
STATISTICS = "/proc/net/stat/nf_conntrack"
COUNT = "/proc/sys/net/netfilter/nf_conntrack_count"
WORDS = ("table full",)
ERRNOS = ("ETIMEDOUT", "EPERM", "none")  # a dropped SYN gives none at first; sendto() of a dropped datagram EPERM
GIVES = {"connect": ("ETIMEDOUT",), "send": ("EPERM", "ETIMEDOUT"), "recv": ("ETIMEDOUT",), "": ("none",)}
NO_TRACKING = (
    "do not track the service's port, in both directions (nft `notrack` in a raw chain, iptables -t raw -j CT "
    "--notrack)"
)
LOG = "kernel: nf_conntrack: table full, dropping packet; the program sees no error, then ETIMEDOUT"

_ENTRIES = "conntrack.count"
_FULL = 0.94
TIMEOUTS = {
    "SYN_SENT": 120,
    "SYN_RECV": 60,
    "FIN_WAIT": 120,
    "CLOSE_WAIT": 60,
    "LAST_ACK": 30,
    "TIME_WAIT": 120,
    "CLOSE": 10,
}
"""Seconds that an entry stays in a state without traffic, by default (nf_conntrack_proto_tcp.c, tcp_timeouts)."""
_ENTRY = 320
"""Bytes of an entry: the slab nf_conntrack of 64-bit kernels (/proc/slabinfo)."""

_OVER = ("TIME_WAIT", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "CLOSE")


class State(Enum):
    """What is known of the table.

    BINDS: it is full, and drops now or the kernel says that it does. IDLE: it is full, and nothing was tried. SPARED:
    it is full, and packets that began connections meanwhile were not dropped. ROOM: it is not full. NONE: there is no
    table or no limit. UNKNOWN: neither its size nor its count was observed.
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
    # a look of some tenths of a second in which nothing was dropped says nothing against the kernel's own words
    if clues.rates.rose(DROP) or (logged_full(clues) and not other_namespaces(clues)) or spoken_here(clues):
        return State.BINDS
    return State.SPARED if tried(clues) and clues.rates.moved(DROP) == 0 else State.IDLE


def tried(clues: Clues) -> int:
    """Return how many connections were begun or begun again between the two gatherings, here."""
    return sum(clues.rates.rose(name) for name in ("TcpExt.TCPSynRetrans", "Tcp.ActiveOpens", "Tcp.PassiveOpens"))


def larger(clues: Clues) -> tuple[Fix, ...]:
    """Return what doubles the table, nothing where its limit is not known."""
    limit = clues.integer(MAX)
    if not limit:
        return ()
    return fixing.twice(clues, MAX, limit, memory(2 * limit))


def memory(entries: int) -> str:
    """Return what a full table of so many entries takes, as the end of a sentence; "" for what is next to nothing."""
    taken = entries * _ENTRY >> 20
    return f"; {taken:,} MiB when it is full" if taken else ""


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


def other_namespaces(clues: Clues) -> tuple[int, ...]:
    """Return the network namespaces, by inode, that the words of a given log name, where every such line names one.

    Which one of this host that is, `lsns -t net` says; the words of another table are none of this one.
    """
    hits = [hit for hit in clues.symptom.hits if any(word in hit.line for word in WORDS)]
    if not hits or any(hit.numbers.get("netns", clues.network) == clues.network for hit in hits):
        return ()
    return tuple(dict.fromkeys(hit.numbers["netns"] for hit in hits))


def written_limit(clues: Clues) -> int | None:
    """Return the limit that a line of the kernel has in it, None where none has."""
    return next((hit.numbers["limit"] for hit in clues.hits("conntrack") if "limit" in hit.numbers), None)


def spoken(clues: Clues) -> tuple[tuple[float, str], ...]:
    """Return the kernel's fresh lines of a full table, but for those that are known to be of another namespace.

    Since Linux 6.18 they have the inode of a namespace that is not the first one.
    """
    first = clues.machine.network_namespace == "initial"
    lines = ((age, text, _namespace(text)) for age, text in clues.lines(*WORDS) if "nf_conntrack" in text)
    own = clues.network
    return tuple(
        (age, text) for age, text, inode in lines if inode is None or (inode == own if own is not None else not first)
    )


def spoken_here(clues: Clues) -> tuple[tuple[float, str], ...]:
    """Return those that are of this namespace for sure: they name it, or it is the first one, and they name none."""
    first = clues.machine.network_namespace == "initial"
    return tuple(
        (age, text)
        for age, text in spoken(clues)
        if (first if _namespace(text) is None else _namespace(text) == clues.network)
    )


def _namespace(text: str) -> int | None:
    match = re.search(r" in netns (\d{1,12})", text)
    return int(match[1]) if match else None


def why_not(clues: Clues, now: State) -> Evidence:
    """Return why the table is not what binds; for NONE, SPARED and ROOM."""
    if now is State.NONE:
        if clues.integer(MAX) == 0:
            return Evidence("nf_conntrack_max is 0: the table has no limit", MAX)
        return Evidence("nothing tracks connections here", COUNT)
    if now is State.SPARED:
        text = (
            f"{filled(clues).text}, but none of {tried(clues):,} new connections in "
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


def key_of(state: str) -> str:
    """Return the key that says how long an entry stays in a state."""
    return f"net.netfilter.nf_conntrack_tcp_timeout_{state.lower()}"


def lifetime(clues: Clues, state: str = "TIME_WAIT") -> int:
    """Return the seconds that an entry stays in a state: by default that of a closed connection."""
    return clues.integer(key_of(state)) or TIMEOUTS[state]


def shorter(clues: Clues, state: str, seconds: int) -> tuple[Fix, ...]:
    """Return what ends the entries of a state after so many seconds, nothing where they end sooner."""
    stays = lifetime(clues, state)
    if stays <= seconds:
        return ()
    default = ", the kernel's default" if seconds == TIMEOUTS[state] else ""
    why = f"let entries in {state} end after {seconds:,} s{default}, not after {stays:,} s"
    return fixing.sysctl(clues, why, (key_of(state), str(seconds)))


def foremost(clues: Clues, *states: str) -> str:
    """Return which of some states most of the entries are in, by default of those after an end; "" where in none."""
    seen = clues.tracked
    if not isinstance(seen, Tracked) or not seen.seen:
        return ""
    own = {name: seen.states.get(name, 0) for name in states or _OVER}
    first = max(own, key=lambda name: own[name])
    return first if 2 * own[first] >= sum(own.values()) > 0 and 2 * sum(own.values()) > seen.seen else ""
