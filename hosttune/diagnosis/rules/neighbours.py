"""The table of neighbours overflows: each address on a link that is reached directly takes an entry of it.

net/core/neighbour.c, neigh_alloc(): at gc_thresh3 entries, where a forced collection frees none, table_fulls counts and
no packet can be sent to a further neighbour. It frees none that is younger than 5 s. One table for all namespaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.diagnosis import fixing, kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen, some
from hosttune.model import Cause, Certainty, Evidence, Fix

RULE = Rule(
    __name__,
    "the table of neighbours overflows",
    failure="EHOSTUNREACH or ENOBUFS",
    errnos=("EHOSTUNREACH", "ENOBUFS", "ETIMEDOUT", "none"),
    unit="neighbours",
    log="kernel: neighbour: arp_cache: neighbor table overflow!; the program sees EHOSTUNREACH, ENOBUFS, or waits",
    confirm="does table_fulls in /proc/net/stat/arp_cache (or ndisc_cache) rise while it stalls? ip -s neigh",
    strength=78,
    rivals=("outside", "path", "conntrack"),
)
_WORDS = ("neighbor table overflow", "neighbour table overflow")
_OWN = ("EHOSTUNREACH", "ENOBUFS")
_NEAR = 0.9
_TABLES = (
    ("IPv4", "arp_cache", "net.ipv4.neigh.default.gc_thresh3"),
    ("IPv6", "ndisc_cache", "net.ipv6.neigh.default.gc_thresh3"),
)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, its entries at the fuller of two moments, and its limit; None where either was not observed."""

    name: str
    counter: str
    key: str
    entries: int | None
    limit: int | None

    @property
    def where(self) -> str:
        return f"/proc/net/stat/{self.counter}, {self.key}"

    @property
    def share(self) -> float:
        return (self.entries or 0) / self.limit if self.limit else 0.0

    @property
    def count(self) -> Evidence:
        most = f" of {self.limit:,}" if self.limit is not None else ""
        return Evidence(f"the {self.name} table has {self.entries or 0:,}{most} entries", self.where)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each table that overflows now; else what was said, and how full they are."""
    tables = [_Table(*row, clues.most(f"{row[1]}.entries"), clues.integer(row[2])) for row in _TABLES]
    causes = tuple(_overflows(clues, table) for table in tables if clues.rates.rose(f"{table.counter}.table_fulls"))
    seen = [table for table in tables if table.entries is not None and table.limit is not None]
    fullest = max(seen, key=lambda table: table.share, default=None)
    if causes:
        return causes
    if kernel_lines.fresh(clues, *_WORDS) or clues.hits(RULE.kind):
        return (_by_word(clues, _named(clues, tables) or fullest),)
    if fullest is not None and fullest.share >= _NEAR:
        return (_near(clues, fullest),)
    return (_not(clues, seen, fullest),)


def _named(clues: Clues, tables: list[_Table]) -> _Table | None:
    """Return the table that the kernel's own words name, None where they name none."""
    lines = [text for _, text in clues.lines(*_WORDS)] + [hit.line for hit in clues.hits(RULE.kind)]
    return next((table for table in tables if any(table.counter in line for line in lines)), None)


def _overflows(clues: Clues, table: _Table) -> Cause:
    moved = saying.moved(clues, f"{table.counter}.table_fulls", table.where)
    evidence = some(moved, table.count, kernel_lines.fresh(clues, *_WORDS), RULE.words(clues))
    return _cause(clues, table, RULE.doubted(clues, Certainty.CERTAIN), evidence, RULE.other(clues))


def _by_word(clues: Clues, table: _Table | None) -> Cause:
    spoken = kernel_lines.fresh(clues, *_WORDS)
    named = spoken or any(word in hit.line for hit in clues.hits(RULE.kind) for word in _WORDS)
    count = table.count if table and table.entries is not None else None
    full = table is not None and table.share >= _NEAR
    likely = named or (full and RULE.met(clues) and clues.symptom.errno in _OWN)
    certainty = Certainty.LIKELY if likely else Certainty.POSSIBLE
    certainty = RULE.doubted(clues, Certainty.CERTAIN if spoken and full else certainty)
    words = (*saying.logged(clues, RULE.kind), *saying.named(clues))
    evidence, against = some(spoken, words, count if full else None), some(None if full else count, RULE.other(clues))
    return _cause(clues, table, certainty, evidence, against)


def _near(clues: Clues, table: _Table) -> Cause:
    refused = RULE.met(clues) and clues.symptom.errno in _OWN
    against = None if refused else Evidence("nothing was refused in the time watched", table.where)
    certainty = Certainty.LIKELY if refused else Certainty.POSSIBLE
    return _cause(clues, table, certainty, (table.count, *saying.named(clues)), against)


def _not(clues: Clues, seen: list[_Table], fullest: _Table | None) -> Cause:
    met = RULE.met(clues)
    if met is False:
        return RULE.instead(clues)
    if fullest is None:
        why = "the table is one for the whole host, and does not show in a network namespace"
        return RULE.unknown(why, "grep . /proc/net/stat/arp_cache, on the host itself")
    once = some(*(saying.once(clues, f"{table.counter}.table_fulls", table.where) for table in seen))
    if once and met and clues.symptom.errno in _OWN:
        return _cause(clues, fullest, Certainty.POSSIBLE, (*once, fullest.count, *saying.named(clues)), ())
    return RULE.excluded(fullest.count, "", once)


def _cause(clues: Clues, table: _Table | None, certainty: Certainty, evidence: Seen, against: Seen) -> Cause:
    key = table.key if table else _TABLES[0][2]
    return RULE.cause(
        clues,
        certainty,
        evidence,
        at=table.limit if table else None,
        what=f"the table of {table.name} neighbours overflows" if table else "",
        against=against,
        words=(),
        fixes=(
            *_more(clues, key, table.limit if table else clues.integer(key)),
            Fix("have fewer addresses on the link: peers behind a router take one entry together"),
        ),
    )


def _more(clues: Clues, key: str, limit: int | None) -> tuple[Fix, ...]:
    """Return what doubles a table; gc_thresh2 is half of it, as the kernel has them (net/ipv4/arp.c, arp_tbl)."""
    if limit is None:
        return (Fix(f"a larger table: {key}, which is set and seen on the host itself"),)
    second = key.replace("gc_thresh3", "gc_thresh2")
    why = f"twice the {limit:,} that are met: room for as many again"
    return fixing.sysctl(clues, why, (key, str(2 * limit)), (second, str(limit)))
