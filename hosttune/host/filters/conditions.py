"""Which packets a rule is about: conditions that all must hold, as plain values, and what of two of them is left.

All of it is about the first packet of a TCP connection: a rule for anything else is never met.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict, cast

from hosttune.host.answers import Count, Is, Prefix, matches

_MOST_VALUES = 256
MOST_EXCEPTS = 32
_WORD = matches(r"[^\0-\x1f\x7f]{1,200}")
_is_family = ("", "ip", "ip6")

Word = Annotated[str, Is(_WORD, "no words")]


def _is_span(value: Any) -> bool:
    return len(value) == 2 and all(number < 1 << 32 for number in value)


Span = Annotated[list[Count], Is(_is_span, "no pair of numbers")]
Family = Annotated[str, Is(lambda value: value in _is_family, "no family")]


class Condition(TypedDict):
    """What must hold, all of it; of each list one entry must, an empty one asks nothing (model/filtering.py)."""

    family: Family
    protocols: list[Word]
    sources: list[Prefix]
    destinations: list[Prefix]
    ports: list[Span]
    source_ports: list[Span]
    enters: list[Word]
    leaves: list[Word]
    marks: list[Span]
    uids: list[Span]
    unknown: list[Word]


class Conditions(Condition):
    """The same, with exceptions that have none."""

    excepts: list[Condition]


class Match(Condition):
    """The same, with exceptions that may have some."""

    excepts: list[Conditions]


Field = Literal["protocols", "sources", "destinations", "ports", "source_ports", "enters", "leaves", "marks", "uids"]
FIELDS: tuple[Field, ...] = (
    *("enters", "leaves", "ports", "source_ports", "protocols"),
    *("marks", "uids", "sources", "destinations"),
)


def anything(family: str = "", **wanted: list[Any]) -> Match:
    """Return the conditions that every packet of a family meets, or those given."""
    return only(family, wanted)


def only(family: str, wanted: dict[str, list[Any]]) -> Match:
    """Return the conditions that packets of a family meet if they meet those given, by the names of fields."""
    empty: dict[str, Any] = {name: [] for name in (*FIELDS, "unknown", "excepts")}
    return cast(Match, {"family": family, **empty, **wanted})


def both(one: Any, other: Any) -> Match | None:
    """Return what holds where both hold, None where that is never."""
    if one["family"] and other["family"] and one["family"] != other["family"]:
        return None
    whole = anything(one["family"] or other["family"])
    for name in FIELDS:
        left, right = one[name], other[name]
        if left and right and left != right:
            common = _common(name, left, right)
            if not common:
                return None
            whole[name] = common[:_MOST_VALUES]
        else:
            whole[name] = list(left or right)
    whole["unknown"] = list(dict.fromkeys([*one["unknown"], *other["unknown"]]))
    if not _fits_family(whole):
        return None
    excepts = [*one.get("excepts", ()), *(e for e in other.get("excepts", ()) if e not in one.get("excepts", ()))]
    return with_excepts(whole, excepts)


def with_excepts(match: Match, excepts: list[Any]) -> Match | None:
    """Return conditions with exceptions as well, those left out that have nothing to do with them; None for never."""
    whole: Match = match.copy()
    kept: list[Any] = []
    for each in excepts:
        other = _of_family(each, whole["family"])
        if other in kept or _apart(whole, other):
            continue
        if covers(other, whole):
            return None
        if len(other["excepts"]) == 1 and not any(other[name] for name in (*FIELDS, "unknown")):
            # what does not meet it is excepted: it must be met
            joined = both({**whole, "excepts": []}, other["excepts"][0])
            if joined is None:
                return None
            whole = joined
            continue
        kept.append(other)
    # what is excepted of an exception, and is another exception, makes no difference
    whole["excepts"] = [_shallow(other, kept) for other in kept[:MOST_EXCEPTS]]
    if len(kept) > MOST_EXCEPTS:
        whole["unknown"] = [*whole["unknown"], f"{len(kept) - MOST_EXCEPTS} more exceptions"]
    return whole


def _of_family(other: Any, family: str) -> Any:
    """Return an exception without the family that all is of anyway."""
    inner = [_of_family(second, family) for second in other.get("excepts", ())]
    return {**other, "family": "" if other["family"] == family else other["family"], "excepts": inner}


def is_everything(match: Any) -> bool:
    """Say whether every packet meets these conditions, of the families that the table is of."""
    return not any(match[name] for name in (*FIELDS, "unknown")) and not match.get("excepts")


def covers(one: Any, other: Any) -> bool:
    """Say whether what meets the second is known to meet the first."""
    if one["unknown"] or one.get("excepts") or (one["family"] and one["family"] != other["family"]):
        return False
    return all(not one[name] or (other[name] and _holds(name, one[name], other[name])) for name in FIELDS)


def narrowed(text: str) -> str:
    """Return words of a ruleset as an answer may have them: printable, and not long."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:160] or "?"


def _holds(name: Field, wide: list[Any], narrow: list[Any]) -> bool:
    rule = _OVERLAP[name]
    return all(any(rule(w, n) == n for w in wide) for n in narrow)


def _common(name: Field, left: list[Any], right: list[Any]) -> list[Any]:
    rule = _OVERLAP[name]
    if len(left) * len(right) > _MOST_VALUES * 16:
        return left  # wider than it is; lists as long as that are met together in no ruleset known
    common = (rule(one, other) for one in left for other in right)
    return [item for item in common if item is not None]


def _apart(one: Match, other: Any) -> bool:
    if one["family"] and other["family"] and one["family"] != other["family"]:
        return True
    return any(one[n] and other[n] and not _common(n, one[n], other[n]) for n in FIELDS)


def _shallow(other: Any, known: list[Any]) -> Conditions:
    """Return an exception whose own exceptions have none: deeper ones are words."""
    inner = []
    for second in other["excepts"]:
        if second in known:
            continue
        plain = {name: value for name, value in second.items() if name != "excepts"}
        if second["excepts"]:
            plain["unknown"] = [*second["unknown"], "exceptions of an exception"]
        inner.append(plain)
    return cast(Conditions, {**other, "excepts": inner[:MOST_EXCEPTS]})


def _fits_family(match: Match) -> bool:
    """Have the family follow from the addresses; say whether that can be."""
    for name in ("sources", "destinations"):
        values = match[name]
        if not values:
            continue
        fitting = [v for v in values if not match["family"] or (":" in v) == (match["family"] == "ip6")]
        if not fitting:
            return False
        match[name] = fitting
        if len({":" in value for value in fitting}) == 1:
            match["family"] = "ip6" if ":" in fitting[0] else "ip"
    return True


def _of_prefixes(one: str, other: str) -> str | None:
    if one == other:
        return one
    left, right = _bits(one), _bits(other)
    shorter = min(left[1], right[1])
    if left[2] != right[2] or left[0] >> left[2] - shorter != right[0] >> right[2] - shorter:
        return None
    return one if left[1] >= right[1] else other


@functools.lru_cache(4096)
def _bits(prefix: str) -> tuple[int, int, int]:
    """Return address, length and width of a prefix, as numbers."""
    net = ipaddress.ip_network(prefix)
    return int(net.network_address), net.prefixlen, net.max_prefixlen


def _of_spans(one: list[int], other: list[int]) -> list[int] | None:
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return [low, high] if low <= high else None


def _of_names(one: str, other: str) -> str | None:
    for wide, narrow in ((one, other), (other, one)):
        if wide == narrow or (wide.endswith("*") and narrow.removesuffix("*").startswith(wide[:-1])):
            return narrow
    return None


def _of_marks(one: list[int], other: list[int]) -> list[int] | None:
    if one[0] & one[1] & other[1] != other[0] & other[1] & one[1]:
        return None
    mask = one[1] | other[1]
    return [(one[0] | other[0]) & mask, mask]


def _of_words(one: str, other: str) -> str | None:
    return one if one == other else None


_OVERLAP: dict[Field, Callable[[Any, Any], Any]] = {
    "protocols": _of_words,
    "sources": _of_prefixes,
    "destinations": _of_prefixes,
    "ports": _of_spans,
    "source_ports": _of_spans,
    "enters": _of_names,
    "leaves": _of_names,
    "marks": _of_marks,
    "uids": _of_spans,
}
