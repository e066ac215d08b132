"""Journals below --root: whatever stands there, history and rollback say in a line what they make of it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hosttune.changes import codec
from tests.fuzz import mutate, outcome, tree
from tests.fuzz.kinds import profiles
from tests.fuzz.part import Given, Part, Wrong

NAME = "/var/lib/hosttune/{:06d}.json"
_FIELDS = (
    "made", "reload", "restarts", "one_way", "where", "left", "request", "changes", "rollbacks", "confirm", "pending",
)  # fmt: skip


@cache
def samples() -> tuple[dict[str, str], ...]:
    """Return roots as two applies and a rollback leave them: the files by name."""
    found = []
    with outcome.folder(profiles.HOST) as root:
        for args in (
            ["apply", "--role", "lb", "--yes"],
            ["apply", "--role", "client", "--connections", "2000000", "--yes"],
            ["rollback", "2", "--yes"],
        ):
            outcome.run([*args, "--root", root])
            paths = [path for path in Path(root).rglob("*") if path.is_file() and path.name != "lock"]
            found.append({f"/{path.relative_to(root)}": path.read_text() for path in paths})
    return tuple(found)


def files(random: Random) -> dict[str, str]:
    """Return a root of which a record was changed, seldom another file."""
    found = dict(random.choice(samples()))
    records = [name for name in found if name.startswith("/var/lib/hosttune/")]
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice(records)
        found[name] = record(random, found[name])
    if random.random() < 0.3:
        name = random.choice([name for name in found if name not in records])
        found[name] = mutate.text(random, found[name])
    return found


def record(random: Random, text: str) -> str:
    """Return a record: some of its values changed, or its text."""
    chance = random.random()
    if chance < 0.08:
        return mutate.text(random, text)
    try:
        told = json.loads(text)
    except ValueError:
        return text
    if not isinstance(told, dict):
        return text
    wild = 0.0 if chance < 0.8 else 0.3
    keys = [
        key
        for key in (
            "made",
            "reload",
            "restarts",
            "one_way",
            "where",
            "left",
            "request",
            "changes",
            "rollbacks",
            "confirm",
            "pending",
        )
        if key in told
    ]
    for _ in range(random.choice((1, 1, 2))):
        key = random.choice(keys)
        told[key] = (
            _texts(random, told[key])
            if not wild and key in ("request", "changes")
            else tree.change(random, told[key], wild, times=1)
        )
    told.pop("sha256", None)
    # without a sum that is right it would get no further
    return codec.sealed(told) if random.random() < 0.95 else json.dumps(told)


def _texts(random: Random, value: Any) -> Any:
    """Change a text that people may write, so that the record stays one that can be read."""
    if isinstance(value, dict):
        key = random.choice(
            [k for k in ("why", "source", "text", "requirements", "roles", "after", "before", "serves") if k in value]
            or list(value)
        )
        return {**value, key: _texts(random, value[key])}
    if isinstance(value, list) and value:
        at = random.randrange(len(value))
        return [*value[:at], _texts(random, value[at]), *value[at + 1 :]]
    return mutate.word(random, value) if isinstance(value, str) and " " in value else value


def _make(random: Random) -> Given:
    return {"record": record(random, random.choice([t for n, t in samples()[1].items() if n.startswith("/var/lib")]))}


def _run(given: Given) -> bool:
    try:
        found = codec.record_of(given["record"])
    except ValueError:
        return False
    try:
        codec.proven(found)
    except ValueError as error:
        raise Wrong(f"what was read cannot be written: {error}", "not the same again") from error
    return True


_VERBS = (
    ["history"],
    ["history", "--format", "json"],
    ["rollback", "--dry-run"],
    ["rollback", "1", "--dry-run", "--force"],
    ["rollback", "2", "--dry-run", "--format", "json"],
    ["apply", "--role", "lb", "--dry-run"],
)


def _verb_make(random: Random) -> Given:
    return {"files": files(random), "args": random.choice(_VERBS)}


def _verb_run(given: Given) -> bool:
    with outcome.folder(given["files"]) as root:
        answer = outcome.run([*given["args"], "--root", root])
        return "is damaged" not in answer.err


PARTS = (
    Part("journal", _make, _run, schema=True, share=60),
    Part("journal verbs", _verb_make, _verb_run, schema=True, share=1.2),
)
