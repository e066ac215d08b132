"""JSON reports of the hosts of a fleet, which come from other machines."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hosttune.errors import HosttuneError
from hosttune.workflows import fleet_reports
from tests.fuzz import mutate, outcome, tree
from tests.fuzz.kinds.snapshots import SAMPLES
from tests.fuzz.part import Given, Part

TOPOLOGY = """
[topology]
name = "fuzz"
connections = 200_000
rate = 1_000

[tier.lb]
hosts = 2
addresses = ["10.0.0.9", "10.0.0.10"]
program = "haproxy"
to = ["broker"]
connections = 200_000

[tier.broker]
hosts = 2
ports = [1883]
"""


@cache
def samples() -> tuple[dict[str, Any], ...]:
    """Return reports that hosttune writes."""
    found = []
    for role, path in (("lb", SAMPLES[0]), ("broker", SAMPLES[-1])):
        args = ["check", "--role", role, "--backend", "10.0.0.5:1883", "--format", "json", "--snapshot", str(path)]
        found.append(json.loads(outcome.run(args).out))
    return tuple(found)


def text(random: Random) -> str:
    """Return one report, nearly right."""
    made = random.choice(samples())
    if random.random() < 0.9:
        wild = random.choice((0.0, 0.0, 0.1, 0.4))
        for _ in range(mutate.times(random)):
            key = random.choice(("machine", "workload", "bounds", "findings", "roles", "bounds", "pools", "warnings"))
            made = {**made, key: tree.change(random, made[key], wild, times=1)}
    found = json.dumps(made)
    return mutate.text(random, found) if random.random() < 0.06 else found


def _run(given: Given) -> bool:
    with outcome.folder({"r.json": given["text"]}) as root:
        try:
            fleet_reports.read(Path(root, "r.json"))
        except HosttuneError:
            return False
    return True


def _verb_make(random: Random) -> Given:
    args = random.choice(([], ["-v"], ["--format", "json"], ["--format", "markdown"]))
    return {"texts": [text(random) for _ in range(random.randint(1, 3))], "args": args}


def _verb_run(given: Given) -> bool:
    files = {f"reports/{at}.json": text for at, text in enumerate(given["texts"])}
    with outcome.folder({**files, "t.toml": TOPOLOGY}) as root:
        return outcome.run(["plan", f"{root}/t.toml", "--reports", f"{root}/reports", *given["args"]]).past


PARTS = (
    Part("report of a host", lambda random: {"text": text(random)}, _run, schema=True, share=10),
    Part("plan --reports", _verb_make, _verb_run, schema=True, share=1.0),
)
