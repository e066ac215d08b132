"""Topologies, as `hosttune plan` reads and sizes them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hosttune.errors import HosttuneError
from hosttune.planning.topology import load
from hosttune.profile import load as profiles
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
    "nofile": (4096, 65536, 1_048_576, 2147483584),
    "processes": (1, 4, 4096),
    "backlog": (1, 65535, 2**31 - 1),
    "stall": (0, 0.5, 3600),
    "application_memory": (0, 4096, "1MiB", 2**50),
    "conntrack": (True, False),
    "cloud": ("", "aws", "gcp", "azure"),
    "tracked_max": (1, 10**6, 10**12),
    "spare": (0, 1),
    "source_addresses": (["10.1.0.0/22"], ["fd00::1-fd00::20"]),
    "interface": ("ens5", "eth0"),
}


def tables(random: Random, named: bool = False) -> dict[str, Any]:
    """Return a topology that is right, or nearly; `named`: each host by its address."""
    names = ["client", "lb", "edge", "app", "db", "broker"]
    names = [*names[: random.choice((1, 1, 2, 2, 3, 5))], "broker"]
    top = {"name": "fuzz", "title": "x", "connections": random.choice((1, 1000, 200_000, 1_000_000, 100_000_000))}
    top["rate"] = random.choice((1, 1000, 10**7))
    if random.random() < 0.4:
        share = random.choice((0, 0.2, "20%", 0.9))
        top |= {"hold": random.choice((0, 60, 10**8)), "headroom": share, "below_knee": random.random() < 0.5}
    tiers = {name: _tier(random, names, at, named) for at, name in enumerate(names)}
    if random.random() < 0.5:
        size = random.choice((0, 52, "1MiB"))
        message = {"size": size, "count": random.choice((0, 100, 10**9)), "interval": random.choice((0.001, 10, 1e8))}
        return {"topology": top, "message": message, "tier": tiers}
    return {"topology": top, "tier": tiers}


def _tier(random: Random, names: list[str], at: int, named: bool) -> dict[str, Any]:
    """Return one tier of a chain."""
    hosts = random.choice((1, 2, 24) if named else (1, 2, 24, 24, 65536, "?"))
    tier: dict[str, Any] = {"role": "client" if not at else "lb", "hosts": hosts}
    if at:
        tier["ports"] = random.choice(([1883], [1883, 8883], [1], [65535]))
    if at < len(names) - 1:
        tier["to"] = [names[at + 1]] if random.random() < 0.7 else {names[at + 1]: random.choice((1, 2, 64))}
    else:
        tier["role"] = "broker"
    if random.random() < 0.5:
        tier["program"] = random.choice(PROGRAMS)
    if named:
        tier["addresses"] = [f"10.0.{at}.1-10.0.{at}.{hosts}"]
    for key in random.sample(sorted(KEYS), random.choice((0, 1, 2, 4))):
        tier[key] = random.choice(KEYS[key])
    if random.random() < 0.95:
        _agree(tier)
    return tier


def _agree(tier: dict[str, Any]) -> None:
    """Leave out what goes against the rest of a tier."""
    sources = tier.get("sources", 1)
    if sources == "?" or tier.get("sources_each", 1) > sources:
        tier.pop("sources_each", None)
    if tier["hosts"] in (1, "?"):
        tier.pop("spare", None)
    if "sources" not in tier or sources == "?" or sources * (tier["hosts"] if tier["hosts"] != "?" else 1) > 30:
        tier.pop("source_addresses", None)


def text(random: Random, made: dict[str, Any]) -> str:
    """Return a file: right, with values changed, or with its text changed."""
    chance = random.random()
    if chance < 0.3:
        made = tree.change(random, made, wild=0.03, times=1)
    elif chance < 0.36:
        made = tree.change(random, made, wild=0.3)
    found = tree.toml(made)
    return (
        mutate.text(random, found, ("hosts", "to", "lb", "?", '"?"', "10.0.0.0/8")) if random.random() < 0.06 else found
    )


@cache
def _shipped() -> dict[str, Any]:
    return tomllib.loads((profiles.shipped() / "topologies/whitepaper-2019.toml").read_text())


def _make(random: Random, named: bool = False) -> Given:
    made = tables(random, named) if random.random() < 0.85 else _shipped()
    sets: list[str] = []
    if random.random() < 0.15:
        sets = [
            random.choice(
                ("lb.sources=?", "connections=2,000,000", "client.hosts=3", "lb.memory=1GiB", "broker.nofile=65536")
            )
        ]
        sets = [mutate.word(random, sets[0])] if random.random() < 0.5 else sets
    return {"text": text(random, made), "set": sets}


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
    args = random.choice(
        ([], ["-v"], ["--format", "json"], ["--format", "markdown"], ["--emit", "OUT"], ["--svg", "OUT.svg"])
    )
    made = _make(random, named="--emit" in args)
    open_ = '"?"' in made["text"] or any("?" in one for one in made["set"])
    solve = ["--solve"] if open_ is (random.random() < 0.95) else []
    return {**made, "args": [*args, *solve]}


def _verb_run(given: Given) -> bool:
    with outcome.folder({"t.toml": given["text"]}) as root:
        sets = [f"--set={one}" for one in given["set"]]
        args = [f"{root}/{one}" if one.startswith("OUT") else one for one in given["args"]]
        return outcome.run(["plan", f"{root}/t.toml", *args, *sets]).past


PARTS = (
    Part("topology", _make, _run, schema=True, share=15),
    Part("plan", _verb_make, _verb_run, schema=True, share=1.6),
)
