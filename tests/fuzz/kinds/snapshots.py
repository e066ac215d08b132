"""Snapshots of hosts, which anybody may have written, under every verb that takes one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hosttune.errors import HosttuneError
from hosttune.host import redact
from hosttune.host.recorded import Recorded
from tests.fuzz import outcome, tree
from tests.fuzz.part import Given, Part

_HERE = Path(__file__).resolve().parents[1]
SAMPLES = (_HERE / "samples/stalled.json", *sorted((_HERE.parent / "hosts").glob("*.json")))
"""A client whose ports run out, looked at twice in a namespace (an interface, NAT and a log were added by hand), and
the recorded hosts."""

_VERBS = (
    *(
        ["check", "--role", "lb", "--format", name]
        for name in ("table", "json", "markdown", "tap", "junit", "nagios", "prometheus")
    ),
    ["check", "--role", "lb", "--backend", "10.0.0.5:1883", "--connections", "1000000", "-v"],
    ["check", "--role", "client", "--backend", "127.0.0.1:1883", "--source", "all", "--bind-mode", "bind"],
    *(
        ["capacity", "--role", "lb", "--backend", "10.0.0.5:1883", "--format", name]
        for name in ("table", "json", "markdown")
    ),
    ["capacity", "--role", "broker", "-v", "--rate", "1000000", "--hold", "0"],
    *(["diagnose", "--backend", "127.0.0.1:1883", "--format", name] for name in ("table", "json")),
    ["diagnose", "-v"],
    [
        "diagnose",
        "--role",
        "lb",
        "--pid",
        "1",
        "--stalled-at",
        "28232",
        "--errno",
        "EADDRNOTAVAIL",
        "--call",
        "connect",
    ],
    *(["resolve", "--user", "root", "--unit", "haproxy.service", "--format", name] for name in ("table", "json")),
    ["sources", "plan", "--role", "lb", "--backend", "10.0.0.5:1883"],
    ["sources", "plan", "--role", "lb", "--backend", "10.0.0.5:1883", "--connections", "9000000", "--format", "json"],
    ["apply", "--role", "lb", "--connections", "1000000", "--dry-run"],
)


@cache
def samples() -> tuple[dict[str, Any], ...]:
    """Return the recordings, without the questions that found nothing, which are most of them."""
    found = []
    for path in SAMPLES:
        told = json.loads(path.read_text())
        for tables in (told, told.get("again", {})):
            if tables:
                tables["globs"] = {pattern: paths for pattern, paths in tables["globs"].items() if paths}
        found.append(told)
    return tuple(found)


def snapshot(random: Random) -> Given:
    """Return one whose tables were changed in a few places: what is found, less often how it is written."""
    told = samples()[0] if random.random() < 0.6 else random.choice(samples())
    made = tree.change(random, {}, times=1) if random.random() < 0.002 else dict(told)
    if not isinstance(made, dict):
        return made
    wild = random.choice((0.0, 0.0, 0.02, 0.3))
    for _ in range(random.choice((1, 2, 4, 8, 16))):
        where = random.choice(
            [kind for kind in ("reads", "reads", "probes", "probes", "again", "globs", "links") if made.get(kind)]
            or [""]
        )
        if where == "again":
            again = dict(made["again"])
            kind = random.choice(("reads", "probes"))
            made["again"] = {**again, kind: _one(random, again[kind], wild)}
        elif where == "globs" and random.random() > wild:
            made[where] = _fewer(random, made[where])
        elif where:
            made[where] = _one(random, made[where], wild)
    return made


def _fewer(random: Random, globs: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return answers to patterns of which one has its paths in another order, fewer, or twice."""
    key = random.choice(list(globs))
    paths = (
        random.choices(globs[key], k=random.choice((0, 1, len(globs[key]), 2 * len(globs[key])))) if globs[key] else []
    )
    return {**globs, key: paths}


def _one(random: Random, answers: Any, wild: float) -> Any:
    """Return answers of which one is changed; "is" keeps its name, and an error is one of the model's."""
    if not isinstance(answers, dict) or not answers:
        return answers
    key = random.choice(list(answers))
    one = answers[key]
    if isinstance(one, dict) and "is" in one and random.random() > wild:
        return {**answers, key: {"is": tree.change(random, one["is"], wild, times=random.choice((1, 1, 3)))}}
    if isinstance(one, dict) and random.random() > wild:
        why = random.choice(("ABSENT", "UNREADABLE", "INVISIBLE", "UNDECIDED", "MALFORMED", "NOT_RECORDED"))
        return {**answers, key: {"error": why, "detail": random.choice(("x", "", "a\u202eb\n", "\x1b[1m"))}}
    return {**answers, key: tree.change(random, one, max(wild, 0.3), times=1)}


def _make(random: Random) -> Given:
    return {"snapshot": snapshot(random), "args": random.choice(_VERBS)}


def _run(given: Given) -> bool:
    with outcome.folder({"s.json": json.dumps(given["snapshot"])}) as root:
        return outcome.run([*given["args"], "--snapshot", f"{root}/s.json"]).past


def _shape_run(given: Given) -> bool:
    with outcome.folder({"s.json": json.dumps(given["snapshot"])}) as root:
        try:
            Recorded.load(f"{root}/s.json")
        except HosttuneError:
            return False
    return True


_NODE = (
    *(
        ["check", "--all-namespaces", "--format", name]
        for name in ("table", "json", "markdown", "html", "svg", "prometheus")
    ),
    ["check", "--all-namespaces", "-v", "--strict", "--fail-on", "warning"],
    ["diagnose"],
)


@cache
def _node() -> dict[str, Any]:
    """Return the recording of a node with containers that the page `check` shows."""
    told: dict[str, Any] = json.loads((_HERE.parent / "docs/node.json").read_text())
    return told


def _node_make(random: Random) -> Given:
    made = dict(_node())
    for _ in range(random.choice((1, 2, 4, 8))):
        where = random.choice(("reads", "probes", "probes", "probes"))
        made[where] = _one(random, made[where], random.choice((0.0, 0.0, 0.1)))
    return {"snapshot": made, "args": random.choice(_NODE)}


@cache
def _few() -> dict[str, Any]:
    """Return a recording with the few files that have names and addresses in them."""
    told = samples()[0]
    wanted = (
        "/etc/passwd",
        "/etc/hostname",
        "/proc/sys/kernel/hostname",
        "/proc/net/tcp",
        "/proc/version",
        "/etc/os-release",
    )
    reads = {path: told["reads"].get(path, {"is": "alice:x:1000:1000:Alice:/home/alice:/bin/sh\n"}) for path in wanted}
    return {
        "reads": reads,
        "globs": {"/etc/*": ["/etc/passwd"]},
        "probes": told["probes"],
        "links": {"/etc/a": "10.0.0.1"},
    }


def _redact_make(random: Random) -> Given:
    made = dict(_few())
    for _ in range(random.choice((1, 2, 4))):
        where = random.choice(("reads", "reads", "probes"))
        made[where] = _one(random, made[where], 0.0)
    return {"answers": made}


def _redact_run(given: Given) -> bool:
    redact.redact(given["answers"], "salt")
    return True


PARTS = (
    Part("snapshot", lambda random: {"snapshot": snapshot(random)}, _shape_run, schema=True, share=4),
    Part("snapshot verbs", _make, _run, schema=True, share=5),
    Part("snapshot of a node", _node_make, _run, schema=True, share=1),
    Part("redact", _redact_make, _redact_run, share=4),
)
