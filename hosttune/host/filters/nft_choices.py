"""Expressions that look a field up in a set or a map, or draw lots (net/netfilter/nft_lookup.c, nft_numgen.c)."""

from __future__ import annotations

from hosttune.host.filters import symbols, ways
from hosttune.host.filters.conditions import Condition, only, with_excepts
from hosttune.host.filters.netlink_tables import MAP, Element
from hosttune.host.filters.nft_acts import decide
from hosttune.host.filters.nft_state import MOST_WAYS, State, doubt, held_at, number_of, put, register_of, require


def lookup(state: State, body: dict[int, bytes]) -> list[State]:
    name, at = body.get(1, b"").rstrip(b"\0"), register_of(body, 2)
    flags, rows = state.sets.members(state.chain, name)
    words = f"@{name.decode(errors='replace')}" if not name.startswith(b"__") else "a set"
    if rows is None or at is None:
        doubt(state, f"in {words}")
        if flags & MAP:
            put(state, register_of(body, 3), [None] * 16)
            state.way.verdict = ways.QUEUE if register_of(body, 3) is None else state.way.verdict
        return [state]
    if at in state.choice:
        return _chosen(state, at, rows, body)
    if flags & MAP:
        return _mapped(state, at, rows, body)
    negated = bool(number_of(body, 5) & 1)
    if negated:
        for row in rows:
            if not require(state, _of_element(state, at, row), True):
                return []
        return [state]
    return _one_of(state, at, rows)


def _of_element(state: State, at: int, row: Element) -> Condition | bool:
    if not row.key:
        return True
    held = held_at(state, at, len(row.key))
    wanted = (
        symbols.compared(held, row.key)
        if row.last in (None, row.key)
        else symbols.ranged(held, row.key, row.last or b"")
    )
    if not isinstance(wanted, bool) and wanted["unknown"]:
        wanted = {**wanted, "unknown": [state.words.get(at) or "a set"]}
    return wanted


def _one_of(state: State, at: int, rows: list[Element]) -> list[State]:
    """Return what is left where one of the elements holds: as a list where all are of one field, else a way each."""
    wanted = [_of_element(state, at, row) for row in rows]
    if True in wanted:
        return [state]
    plain = [one for one in wanted if not isinstance(one, bool)]
    if not plain:
        return []
    names = {name for one in plain for name in one if one[name] and name not in ("family", "excepts")}  # type: ignore[literal-required]
    if len(names) == 1 and "unknown" not in names:
        (name,) = names
        merged = only("", {name: [value for one in plain for value in one[name]]})  # type: ignore[literal-required]
        return require(state, merged)
    if "unknown" in names and len(names) == 1:
        return require(state, plain[0])
    return [other for one in plain[: MOST_WAYS + 1] for other in require(state.copy(), one)]


def _mapped(state: State, at: int, rows: list[Element], body: dict[int, bytes]) -> list[State]:
    """Return a way for each element of a map that can be met, with its data in the register or as the verdict."""
    after: list[State] = []
    others: list[Condition] = []
    for row in sorted(rows, key=lambda row: not row.key)[: MOST_WAYS + 1]:
        other = state.copy()
        wanted = _of_element(state, at, row)
        if not row.key:
            match = with_excepts(other.way.match, [*other.way.match["excepts"], *others])
            if match is None:
                continue
            other.way.match = match
        elif not require(other, wanted):
            continue
        if not isinstance(wanted, bool):
            others.append(wanted)
        target = register_of(body, 3)
        if target is None:
            decide(other.way, row.data, row.data[4:])
        else:
            put(other, target, list(row.data))
        after.append(other)
    return after


def _chosen(state: State, at: int, rows: list[Element], body: dict[int, bytes]) -> list[State]:
    """Have a map of a number that is drawn: which element it is cannot be told, so that it may be each of them."""
    target = register_of(body, 3)
    if target is None:
        after = []
        for row in rows[: MOST_WAYS + 1]:
            other = state.copy()
            doubt(other, state.words.get(at, "numgen"))
            decide(other.way, row.data, row.data[4:])
            after.append(other)
        return after
    put(state, target, [None] * max((len(row.data) for row in rows), default=4))
    state.choice[target] = rows
    return [state]


def _drawn(state: State, body: dict[int, bytes], kind: int, words: str) -> list[State]:
    at = register_of(body, kind)
    put(state, at, [None] * 4, words)
    if at is not None:
        state.choice[at] = []
    return [state]


def numgen(state: State, body: dict[int, bytes]) -> list[State]:
    return _drawn(state, body, 1, f"numgen mod {number_of(body, 2)}")


def hash_(state: State, body: dict[int, bytes]) -> list[State]:
    return _drawn(state, body, 2, f"a hash mod {number_of(body, 4)}")
