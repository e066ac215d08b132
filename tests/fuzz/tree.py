"""Change tables of JSON or TOML a little, most often so that each value keeps its type."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection
from random import Random
from typing import Any

from tests.fuzz import mutate

WHOLE = (0, 1, 2, 255, 256, 1023, 1024, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**53 + 1, 2**63 - 1)
BEYOND = (-1, 2**63, 2**64, 2**64 + 1, -(2**63), 10**40)
FLOATS = (0.0, 0.5, 1.0, 1e-300, 1e9, 1e18, 1e300, float("inf"), float("-inf"), float("nan"), -1.5)
_SAME = (
    (
        re.compile(r"[0-9.]+\.[0-9]+|[0-9a-f]*:[0-9a-f:]+"),
        ("10.0.0.5", "0.0.0.0", "255.255.255.255", "::", "2001:db8::5"),
    ),
    (re.compile(r"[0-9a-f.:]+/[0-9]+"), ("10.0.0.0/8", "0.0.0.0/0", "10.0.0.5/32", "2001:db8::/64", "::/0")),
    (re.compile(r"0x[0-9a-f]+"), ("0x0", "0x1", "0x80000000", f"0x{'f' * 16384}", f"0x1{'0' * 8000}")),
)
"""What has a form of its own, with others of it."""

OTHERS = (None, True, False, 0, -1, 1.5, "", "x", [], {}, [[]], [1, "x"], {"": ""}, "?", 2**70)


def change(random: Random, tables: Any, wild: float = 0.1, kept: Collection[str] = (), times: int = 0) -> Any:
    """Return a copy with some changes; `wild` is the part of them that may give a value another type.

    Keys of `kept` are not gone into. `times` 0: as often as chance has it.
    """
    # the copy as JSON is faster than copy.deepcopy, and what is changed here is JSON, or dates of TOML
    try:
        found = {"": json.loads(json.dumps(tables))}
    except TypeError:
        found = {"": copy.deepcopy(tables)}
    for _ in range(times or mutate.times(random)):
        holder, key = _place(random, found, kept)
        (_wild if random.random() < wild else _mild)(random, holder, key)
    return found[""]


def _place(random: Random, found: Any, kept: Collection[str]) -> tuple[Any, Any]:
    """Return a table or list and a key of it, by going down at random."""
    holder, key = found, ""
    while True:
        value = holder[key]
        keys = (
            [k for k in value if k not in kept]
            if isinstance(value, dict)
            else range(len(value))
            if isinstance(value, list)
            else ()
        )
        if not keys or (key != "" and random.random() < 0.12):
            return holder, key
        holder, key = value, random.choice(keys)


def _mild(random: Random, holder: Any, key: Any) -> None:
    holder[key] = value(random, holder[key])


def value(random: Random, old: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(old, bool) or old is None:
        return random.choice((True, False)) if isinstance(old, bool) else old
    if isinstance(old, int):
        near = (old + 1, max(old - 1, 0), old * 2, old // 2, old * 1000)
        return random.choice(random.choice((near, WHOLE)))
    if isinstance(old, float):
        return random.choice((old * 2, old / 3, *FLOATS[:4]))
    if isinstance(old, str) and random.random() < 0.85:
        for shape, others in _SAME:
            if shape.fullmatch(old):
                return random.choice(others)
    if isinstance(old, str):
        return mutate.word(random, old) if "\n" not in old else mutate.text(random, old)
    if isinstance(old, list):
        return _list(random, old)
    return _table(random, old)


def _list(random: Random, old: list[Any]) -> list[Any]:
    new = list(old)
    match random.randrange(5):
        case 0 if new:
            del new[random.randrange(len(new))]
        case 1:
            random.shuffle(new)
        case 2 if new:
            new += [random.choice(new)] * random.choice((1, 1, 5, 300))
        case 3:
            new = new[: random.randint(0, len(new))]
        case _ if new:
            at = random.randrange(len(new))
            new[at] = value(random, new[at])
    return new


def _table(random: Random, old: dict[str, Any]) -> dict[str, Any]:
    new = dict(old)
    if len(new) > 1:
        one, other = random.sample(list(new), 2)
        new[one] = new[other] if type(new[one]) is type(new[other]) else value(random, new[one])
    return new


def _wild(random: Random, holder: Any, key: Any) -> None:
    match random.randrange(6):
        case 0:
            holder[key] = random.choice(OTHERS)
        case 1:
            holder[key] = random.choice((*BEYOND, *FLOATS))
        case 2 if isinstance(holder, dict) and key != "":
            holder[mutate.word(random, str(key))] = holder.pop(key)
        case 3 if key != "":
            del holder[key]
        case 4:
            holder[key] = _deep(random, holder[key])
        case _:
            holder[key] = random.choice((*mutate.ODD, *mutate.NUMBERS, "x" * random.choice((300, 20_000))))


def _deep(random: Random, value: Any) -> Any:
    for _ in range(random.choice((1, 3, 40, 150))):
        value = [value] if random.random() < 0.5 else {"x": value}
    return value


def toml(tables: dict[str, Any]) -> str:
    """Return tables as TOML; a null, which it has not, is left out."""
    lines: list[str] = []
    _tables(tables, "", lines)
    return "\n".join(lines) + "\n"


def _tables(tables: dict[str, Any], above: str, lines: list[str]) -> None:
    later = []
    for key, one in tables.items():
        name = above + _string(key)
        if isinstance(one, dict):
            later.append((f"[{name}]", name, one))
        elif isinstance(one, list) and one and all(isinstance(row, dict) for row in one):
            later += [(f"[[{name}]]", name, row) for row in one]
        elif one is not None:
            lines.append(f"{_string(key)} = {_inline(one)}")
    for head, name, table in later:
        lines += ["", head]
        # beyond this depth a table stands on its line, as nobody writes it, but everybody may
        if name.count(".") > 20:
            lines.append(f"x = {_inline(table)}")
        else:
            _tables(table, f"{name}.", lines)


def _inline(one: Any) -> str:
    if isinstance(one, bool):
        return str(one).lower()
    if isinstance(one, str):
        return _string(one)
    if isinstance(one, list):
        return f"[{', '.join(_inline(item) for item in one if item is not None)}]"
    if isinstance(one, dict):
        return "{" + ", ".join(f"{_string(k)} = {_inline(v)}" for k, v in one.items() if v is not None) + "}"
    return repr(one)


def _string(text: str) -> str:
    if text.isascii() and text.replace("-", "").replace("_", "").isalnum():
        return f'"{text}"'
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
