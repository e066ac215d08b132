"""The table of neighbours overflows: each address on a link that is reached directly takes an entry of it.

net/core/neighbour.c, neigh_alloc(): at gc_thresh3 entries, where a forced collection frees none, table_fulls counts and
no packet can be sent to a further neighbour. It frees none that is younger than 5 s. One table for all namespaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.diagnosis import kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence

RIVALS = ("outside", "path", "conntrack")
_ID = "neighbours"
_WHAT = "the table of neighbours overflows"
_ERRNOS = ("EHOSTUNREACH", "ENOBUFS", "ETIMEDOUT", "none")
_WORDS = ("neighbor table overflow", "neighbour table overflow")
_NEAR = 0.9


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, its entries at the fuller of two moments, and its limit; None where either was not seen."""

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
        told = f" of {self.limit:,}" if self.limit is not None else ""
        return Evidence(f"the {self.name} table has {self.entries or 0:,}{told} entries", self.where)


_TABLES = (
    ("IPv4", "arp_cache", "net.ipv4.neigh.default.gc_thresh3"),
    ("IPv6", "ndisc_cache", "net.ipv6.neigh.default.gc_thresh3"),
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each table that overflows now; else what was said, and how full they are."""
    heard = clues.heard(*_ERRNOS)
    tables = [_table(clues, *row) for row in _TABLES]
    found = tuple(
        _overflows(clues, table, heard) for table in tables if clues.rates.rose(f"{table.counter}.table_fulls")
    )
    if found:
        return found
    spoken = kernel_lines.fresh(clues, *_WORDS)
    seen = [table for table in tables if table.entries is not None and table.limit is not None]
    fullest = max(seen, key=lambda table: table.share, default=None)
    if spoken or clues.hits(_ID):
        return (_by_word(clues, fullest, spoken, heard),)
    if fullest is not None and fullest.share >= _NEAR:
        return (_near(clues, fullest, heard),)
    if heard is False:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "EHOSTUNREACH or ENOBUFS"), saying.met_where(clues)),)
    if fullest is None:
        why = "the table is one for the whole host, and does not show in a network namespace"
        return (saying.unknown(_ID, _WHAT, why, "grep . /proc/net/stat/arp_cache, on the host itself"),)
    once = tuple(e for t in seen if (e := saying.once(clues, f"{t.counter}.table_fulls", t.where)))
    if once and heard and clues.symptom.errno in ("EHOSTUNREACH", "ENOBUFS"):
        return (_cause(fullest, Certainty.POSSIBLE, (*once, fullest.count, *saying.heard(clues)), ()),)
    return (Cause(_ID, _WHAT, Certainty.EXCLUDED, evidence=(fullest.count, *once)),)


def _table(clues: Clues, name: str, counter: str, key: str) -> _Table:
    counts = [sample.counters.get(f"{counter}.entries") for sample in (clues.rates.before, clues.rates.now)]
    most = max((count for count in counts if count is not None), default=None)
    return _Table(name, counter, key, most, clues.integer(key))


def _overflows(clues: Clues, table: _Table, heard: bool | None) -> Cause:
    moved = saying.moved(clues, f"{table.counter}.table_fulls", table.where)
    evidence = (*((moved,) if moved else ()), table.count, *kernel_lines.fresh(clues, *_WORDS), *saying.heard(clues))
    certainty = Certainty.POSSIBLE if heard is False else Certainty.CERTAIN
    against = saying.other(clues, heard, "EHOSTUNREACH or ENOBUFS")
    return _cause(table, certainty, (*evidence, *saying.logged(clues, _ID)), against)


def _by_word(clues: Clues, table: _Table | None, spoken: tuple[Evidence, ...], heard: bool | None) -> Cause:
    evidence = (*spoken, *saying.logged(clues, _ID), *saying.heard(clues))
    certainty = Certainty.LIKELY
    against: tuple[Evidence, ...] = ()
    if heard is False or not (spoken or any(word in hit.line for hit in clues.hits(_ID) for word in _WORDS)):
        certainty = Certainty.POSSIBLE
    if table is not None:
        against = (table.count,) if table.share < _NEAR else ()
        evidence = (*evidence, table.count) if table.share >= _NEAR else evidence
    return _cause(table, certainty, evidence, (*against, *saying.other(clues, heard, "EHOSTUNREACH or ENOBUFS")))


def _near(clues: Clues, table: _Table, heard: bool | None) -> Cause:
    told = heard and clues.symptom.errno in ("EHOSTUNREACH", "ENOBUFS")
    against = (Evidence("nothing was refused in the time watched", table.where),)
    return _cause(
        table,
        Certainty.LIKELY if told else Certainty.POSSIBLE,
        (table.count, *saying.heard(clues)),
        () if told else against,
    )


def _cause(
    table: _Table | None, certainty: Certainty, evidence: tuple[Evidence, ...], against: tuple[Evidence, ...]
) -> Cause:
    key = table.key if table else _TABLES[0][2]
    return Cause(
        _ID,
        f"the table of {f'{table.name} ' if table else ''}neighbours overflows",
        certainty,
        table.limit if table else None,
        "neighbours",
        evidence=evidence,
        against=against,
        log="kernel: neighbour: arp_cache: neighbor table overflow!; the program sees EHOSTUNREACH, ENOBUFS, or waits",
        fixes=(
            f"sudo hosttune apply --role ROLE, for {key} (and gc_thresh2, gc_thresh1 below it)",
            "have fewer addresses on the link: peers behind a router take one entry together",
        ),
        confirm=""
        if certainty is Certainty.CERTAIN
        else "does table_fulls in /proc/net/stat/arp_cache (or ndisc_cache) rise while it stalls? ip -s neigh",
        strength=78,
    )
