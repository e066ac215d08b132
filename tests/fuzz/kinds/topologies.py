"""Topologies, as `hosttune plan` reads and sizes them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hosttune.errors import HosttuneError
from hosttune.profile import load as profiles
from hosttune.topology import load
from tests.fuzz import mutate, outcome, tree
from tests.fuzz.part import Given, Part

PROGRAMS = ("tsung", "haproxy", "nginx", "envoy", "mosquitto", "emqtt-bench", "k6", "other-1.0")
KEYS: dict[str, tuple[Any, ...]] = {
    "memory": ("32GiB", "512 MiB", 2**40, 2**50, 1, "?"),
    "memory_kept": (0, 1, "1GiB"),
    "cores": (1, 16, 8192),
    "sources": (1, 2, 24, 65536, "?"),
    "sources_each": (1, 4, 65536),
    "bind_mode": ("connect", "no-port", "bind", "explicit"),
    "port_range": ([1024, 65535], [1024, 1024], [32768, 60999], [65535, 65535]),
    "reserved_ports": ("", "1883", "8000-9000", "1024-65534"),
    "connections_max": (1, 64_000, 10**12),
    "nofile": (64, 1024, 1_048_576, 2147483584),
    "processes": (1, 4, 4096),
    "backlog": (1, 65535, 2**31 - 1),
    "stall": (0, 0.5, 3600),
    "application_memory": (0, 4096, "1MiB", 2**50),
    "conntrack": (True, False),
    "cloud": ("", "aws", "gcp", "azure", "openstack"),
    "tracked_max": (1, 10**6, 10**12),
    "spare": (0, 1),
    "interface": ("ens5", "eth0"),
}


def tables(random: Random) -> dict[str, Any]:
    """Return a topology that is right, or nearly."""
    count = random.choice((2, 2, 3, 3, 4, 6))
    names = ["client", "lb", "broker", "db", "edge", "app"][:count]
    roles = {"client": "client", "lb": "lb", "broker": "broker", "db": "broker", "edge": "lb", "app": "broker"}
    wanted = random.choice((1, 1000, 200_000, 1_000_000, 100_000_000))
    top = {"name": "fuzz", "title": "x", "connections": wanted, "rate": random.choice((1, 1000, 10**7))}
    if random.random() < 0.4:
        top |= {"hold": random.choice((0, 60, 10**8)), "headroom": random.choice((0, 0.2, "20%", 0.9)), "below_knee": random.random() < 0.5}
    tiers: dict[str, dict[str, Any]] = {}
    for at, name in enumerate(names):
        last = at == count - 1
        tier: dict[str, Any] = {"role": roles[name] if not last else "broker", "hosts": random.choice((1, 2, 24, 65536, "?"))}
        if at:
            tier["ports"] = random.choice(([1883], [1883, 8883], [1], [65535]))
        if not last:
            tier["to"] = [names[at + 1]] if random.random() < 0.7 else {names[at + 1]: random.choice((1, 2, 64))}
            tier["role"] = "client" if not at else "lb"
        if random.random() < 0.5:
            tier["program"] = random.choice(PROGRAMS)
        if random.random() < 0.3 and isinstance(tier["hosts"], int) and tier["hosts"] <= 24:
            tier["addresses"] = [f"10.0.{at}.1-10.0.{at}.{tier['hosts']}"]
        for key in random.sample(sorted(KEYS), random.choice((0, 1, 2, 4))):
            tier.setdefault(key, random.choice(KEYS[key]))
        tiers[name] = tier
    message = {"size": random.choice((0, 52, "1MiB")), "count": random.choice((0, 100, 10**9)), "interval": random.choice((0.001, 10, 1e8))}
    return {"topology": top, "message": message, "tier": tiers} if random.random() < 0.5 else {"topology": top, "tier": tiers}


def text(random: Random) -> str:
    """Return a file: right, with values changed, or with its text changed."""
    made = tables(random) if random.random() < 0.8 else _shipped()
    chance = random.random()
    if chance < 0.3:
        made = tree.change(random, made, wild=0.05, times=1)
    elif chance < 0.42:
        made = tree.change(random, made, wild=0.3)
    found = tree.toml(made)
    return mutate.text(random, found, ("hosts", "to", "lb", "?", '"?"', "10.0.0.0/8")) if random.random() < 0.1 else found


@cache
def _shipped() -> dict[str, Any]:
    return tomllib.loads((profiles.shipped() / "topologies/whitepaper-2019.toml").read_text())


def _make(random: Random) -> Given:
    wanted = ["lb.sources=?", "connections=2,000,000", "client.hosts=3", "lb.memory=1GiB", "broker.nofile=65536", "rate=1e9"]
    sets = [mutate.word(random, one) for one in random.sample(wanted, random.choice((0, 0, 0, 1, 2)))]
    return {"text": text(random), "set": sets}


def _run(given: Given) -> bool:
    try:
        found = tomllib.loads(given["text"])
    except (ValueError, RecursionError):
        return False
    try:
        load.of_tables(found, Path("t.toml"), given["set"])
    except HosttuneError:
        return False
    return True


def _verb_make(random: Random) -> Given:
    made = _make(random)
    args = ["--solve"] if random.random() < 0.5 else []
    args += random.choice(([], ["-v"], ["--format", "json"], ["--format", "markdown"], ["--emit", "OUT"], ["--svg", "OUT.svg"]))
    return {**made, "args": args}


def _verb_run(given: Given) -> bool:
    with outcome.folder({"t.toml": given["text"]}) as root:
        sets = [f"--set={one}" for one in given["set"]]
        args = [f"{root}/{one}" if one.startswith("OUT") else one for one in given["args"]]
        return outcome.run(["plan", f"{root}/t.toml", *args, *sets]).code != 2


PARTS = (
    Part("topology", _make, _run, schema=True, share=60),
    Part("plan", _verb_make, _verb_run, schema=True, share=1.6),
)
