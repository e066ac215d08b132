"""What variables can be, as far as a configuration says: split_clients, map, geo and set (ngx_http_variables.c)."""

from __future__ import annotations

import bisect
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from hosttune.programs.shelves.nginx.grammar import Directive

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_MOST, _MOST_ALL = 20_000, 100_000
"""Cases that are gone through for one expression, and for all: a plan chooses among 10,000 pairs at most."""
_DEEP, _LONG = 32, 4096
_OTHER = "\0default"  # none of the keys of a map
_WORDS = ("hostnames", "volatile")
_UNREAD = "$not_read"
_OF_LISTENER = ("server_addr", "server_port", "scheme")


@dataclass(frozen=True, slots=True)
class Choice:
    """What an expression can be: `values` in each case, None where they cannot be known; `share` of the connections.

    `known`: the shares are those of split_clients; else what decides is known to nobody here, `by` names it.
    """

    values: tuple[str | None, ...]
    share: Fraction
    known: bool = True
    by: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    """A variable that a block defines: `of` is the expression it looks at, `table` its values by key."""

    kind: str
    of: str
    table: Mapping[str, str]
    default: str = ""
    loose: bool = False  # it has keys that are no plain words: regular expressions, or host names with an asterisk
    shares: tuple[tuple[str, Fraction], ...] = ()
    starts: tuple[Fraction, ...] = ()


@dataclass(slots=True)
class Variables:
    """The variables of http or of stream; `spent` are the cases that were gone through, of all servers together."""

    sources: dict[str, _Source] = field(default_factory=dict)
    spent: list[int] = field(default_factory=lambda: [0])

    @classmethod
    def of(cls, block: Iterable[Directive]) -> Variables:
        """Return those that the directives of http or stream define, whatever server uses them."""
        made = cls()
        for directive in block:
            if directive.name in _READERS and directive.args and directive.block is not None:
                source = _READERS[directive.name](directive)
                if source:
                    made.sources[directive.args[-1].removeprefix("$")] = source
        return made

    def within(self, server: Sequence[Directive], listens: Mapping[str, Sequence[str]]) -> Variables:
        """Return these with what `set` of a server gives others; `listens` are those of the addresses it listens on."""
        assigned: dict[str, list[str]] = {}
        for directive in _all(server):
            if directive.name == "set" and len(directive.args) == 2:
                assigned.setdefault(directive.args[0].removeprefix("$"), []).append(directive.args[1])
            for name in _OF_LISTENER:
                if any(f"${name}" in word or f"${{{name}}}" in word for word in directive.args) and listens.get(name):
                    assigned[name] = [*listens[name]]
        for name in _OF_LISTENER:
            if listens.get(name) and any(source.of in (f"${name}", f"${{{name}}}") for source in self.sources.values()):
                assigned[name] = [*listens[name]]
        if not assigned:
            return self
        more = {name: _set(name, values) for name, values in assigned.items()}
        return Variables({**self.sources, **more}, self.spent)

    def choices(self, *texts: str) -> tuple[Choice, ...]:
        """Return what several expressions are together, in each case; () where there are too many cases."""
        outcomes: dict[str, list[tuple[str, Fraction | None]]] = {}
        if self.spent[0] > _MOST_ALL:
            return ()
        for text in texts:
            self._roots(text, outcomes, set())
        total = 1
        for outcome in outcomes.values():
            total *= len(outcome)
        self.spent[0] += total
        if total > _MOST:
            return ()
        return tuple(self._merged(texts, outcomes))

    def _merged(
        self, texts: Sequence[str], outcomes: Mapping[str, Sequence[tuple[str, Fraction | None]]]
    ) -> Iterator[Choice]:
        """Yield each combination of values once, with the shares of all cases that give it."""
        shares: dict[tuple[str | None, ...], Fraction] = {}
        blind = [name for name, outcome in outcomes.items() if any(share is None for _, share in outcome)]
        for case in itertools.product(*outcomes.values()):
            facts = dict(zip(outcomes, (key for key, _ in case), strict=True))
            share = Fraction(1)
            for (_, part), outcome in zip(case, outcomes.values(), strict=True):
                share *= part if part is not None else Fraction(1, len(outcome))
            values = _Values(self.sources, facts)
            found = tuple(values.of(text) for text in texts)
            shares[found] = shares.get(found, Fraction(0)) + share
        by = ", ".join(name.partition(" ")[2] for name in blind)
        for found, share in shares.items():
            yield Choice(found, share, not blind, by)

    def _roots(self, text: str, outcomes: dict[str, list[tuple[str, Fraction | None]]], seen: set[str]) -> None:
        """Add what decides an expression, with its outcomes; `seen` are the variables that were looked at."""
        todo = deque(_names(text))
        while todo:
            name = todo.popleft()
            source = self.sources.get(name)
            if source is None or name in seen:
                continue
            seen.add(name)
            if source.kind == "split":
                key = f"split {source.of}"
                outcomes[key] = _cut(outcomes.get(key, ()), source)
            elif self._is_open(source):
                keys = dict.fromkeys(k for s in self.sources.values() if s.of == source.of for k in s.table)
                outcomes[f"map {source.of}"] = [(key, None) for key in (*keys, _OTHER)]
            else:
                todo += _names(source.of)
            todo += [inner for value in (*source.table.values(), source.default) for inner in _names(value)]

    def _is_open(self, of: _Source) -> bool:
        """Say whether what it looks at has values that the configuration does not name."""
        return of.loose or any(name not in self.sources for name in _names(of.of))


class _Values:
    """What expressions are in one case: `facts` has what decides, by its name; None is what is not known."""

    def __init__(self, sources: Mapping[str, _Source], facts: Mapping[str, str]) -> None:
        self._sources, self._facts = sources, facts
        self._known: dict[str, str | None] = {}

    def of(self, text: str, depth: int = 0) -> str | None:
        parts: list[str] = []
        last = 0
        for match in _VARIABLE.finditer(text):
            name = match[1] or match[2]
            if name not in self._known:
                self._known[name] = None  # what a variable is that leads back to itself
                self._known[name] = self._variable(name, depth)
            value = self._known[name]
            if value is None or len(value) > _LONG:
                return None
            parts += [text[last : match.start()], value]
            last = match.end()
        return "".join([*parts, text[last:]])[: _LONG + 1] if last else text

    def _variable(self, name: str, depth: int) -> str | None:
        source = self._sources.get(name)
        if source is None or depth > _DEEP:
            return None
        if source.kind == "split":
            at = Fraction(self._facts[f"split {source.of}"])
            return self.of(source.table[source.shares[_part(source, at)][0]], depth + 1)
        key = self._facts.get(f"map {source.of}")
        if key is None:
            known = self.of(source.of, depth + 1)
            if known is None or (source.loose and known.lower() not in source.table):
                return None
            key = known.lower()
        return self.of(source.table.get(key, source.default), depth + 1)


def _part(of: _Source, at: Fraction) -> int:
    return bisect.bisect_right(of.starts, at) - 1


def _cut(outcome: Sequence[tuple[str, Fraction | None]], of: _Source) -> list[tuple[str, Fraction | None]]:
    """Return the parts of the same hash that several split_clients of one expression make together, by their starts."""
    cuts = sorted({*(Fraction(key) for key, _ in outcome), *(start for start in of.starts if start < 1)})
    return [(str(start), end - start) for start, end in zip(cuts, [*cuts[1:], Fraction(1)], strict=True)]


def _names(text: str) -> list[str]:
    return [match[1] or match[2] for match in _VARIABLE.finditer(text)] if "$" in text else []


def _all(directives: Iterable[Directive]) -> Iterator[Directive]:
    for directive in directives:
        yield directive
        yield from _all(directive.inner)


def _split(directive: Directive) -> _Source | None:
    """Return the parts of split_clients; what they leave is empty (ngx_stream_split_clients_variable())."""
    table: dict[str, str] = {}
    shares: list[tuple[str, Fraction]] = []
    left = Fraction(1)
    for number, row in enumerate(directive.inner):
        percent = re.fullmatch(r"(\d{1,3}(?:\.\d{1,2})?)%", row.name)
        part = Fraction(percent[1]) / 100 if percent else left if row.name == "*" else Fraction(0)
        if part > 0 and row.args:
            left -= part
            table[str(number)] = row.args[0]
            shares.append((str(number), part))
    if left > 0:
        table["-"] = ""
        shares.append(("-", left))
    starts = tuple(itertools.accumulate((part for _, part in shares[:-1]), initial=Fraction(0)))
    return _Source("split", directive.args[0], table, shares=tuple(shares), starts=starts)


def _map(directive: Directive) -> _Source | None:
    """Return the values of a map: its keys are met whatever their case (ngx_http_map())."""
    if len(directive.args) != 2:
        return None
    rows = [row for row in directive.inner if row.args and row.name not in _WORDS]
    # what an include would have had that could not be read
    table = {row.name.lower(): row.args[0] for row in rows if row.name not in ("default", "include")}
    table |= {"include": _UNREAD} if any(row.name == "include" for row in rows) else {}
    default = next((row.args[0] for row in rows if row.name == "default"), "")
    loose = any(key[:1] in "~*." or key.endswith(".*") for key in table if key)
    keys = {key[1:] if key[:1] == "\\" else key: value for key, value in table.items()}
    return _Source("map", directive.args[0], keys, default, loose)


def _geo(directive: Directive) -> _Source | None:
    """Return the values of a geo, which decides by an address: that of the client, unless it names another."""
    of = directive.args[0] if len(directive.args) == 2 else "$remote_addr"
    rows = [row for row in directive.inner if row.args and row.name not in ("delete", "proxy", "include")]
    table = {row.name: row.args[0] for row in rows if row.name != "default"}
    default = next((row.args[0] for row in rows if row.name == "default"), "")
    return _Source("geo", of, table, default, True)


def _set(name: str, values: Sequence[str]) -> _Source:
    """Return what `set` assigns: with several, which one holds is decided by the request."""
    several = dict.fromkeys(values)
    if len(several) == 1:
        return _Source("set", "", {}, values[0])
    return _Source("set", f"$set_{name}", {str(number): value for number, value in enumerate(several)}, values[-1])


_READERS = {"split_clients": _split, "map": _map, "geo": _geo}
