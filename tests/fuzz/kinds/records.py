"""Records of `hosttune watch`, as `hosttune report` reads them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hosttune.watching import account, record
from tests.fuzz import mutate, outcome, tree
from tests.fuzz.part import Given, Part

HEAD: dict[str, Any] = {
    "schema": record.SCHEMA,
    "started": 1_700_000_000.0,
    "hostname": "lb01",
    "pretty": "Debian GNU/Linux 12 (bookworm)",
    "kernel": "6.1.0",
    "cpus": 8,
    "memory": 1 << 34,
    "interval": 1.0,
    "command": "hosttune watch --record run.jsonl",
    "settings": {"fs.file-max": "9223372036854775807", "net.ipv4.ip_local_port_range": "32768\t60999"},
}
USES = (
    ("conntrack", "conntrack", "entries", "/proc/sys/net/netfilter/nf_conntrack_count", 262_144, None),
    ("ports:10.0.0.1->10.0.0.5:1883", "ports 10.0.0.1 -> 10.0.0.5:1883", "ports", "sock_diag", 28_232, 14_116),
    ("nofile:7", "descriptors of haproxy (7)", "descriptors", "/proc/7/fd", 1_048_576, None),
    ("memory", "memory", "bytes", "/proc/meminfo", 1 << 34, None),
    ("neighbours", "neighbours", "entries", "arp_cache", "?", None),
)
COUNTERS = (
    "Tcp.ActiveOpens",
    "Tcp.PassiveOpens",
    "Tcp.RetransSegs",
    "TcpExt.ListenDrops",
    "sockstat.TCP.inuse",
    "sockstat.TCP.tw",
)


def _row(id: str, *told: str) -> list[str]:
    kind, _, of = id.partition(":")
    return [*told, kind, *filter(None, of.split("->"))]


def lines(random: Random) -> list[Any]:
    """Return the tables of a record that is right."""
    chosen = random.sample(USES, random.randint(1, len(USES)))
    found: list[Any] = [HEAD, {"names": {id: _row(id, *rest[:3]) for id, *rest in chosen}}]
    for at in range(random.choice((0, 1, 2, 5, 20))):
        uses = [
            [id, random.randint(0, 30_000), limit, knee, random.choice((0, 0.0, 2.5))]
            for id, _, _, _, limit, knee in chosen
        ]
        counters = {name: at * random.randint(0, 10_000) for name in COUNTERS}
        found.append({"time": 1_700_000_000.0 + at, "at": float(at), "counters": counters, "uses": uses, "cost": 0.01})
    return found


def text(random: Random) -> str:
    """Return a record: some of its lines changed as tables, some as text."""
    made = lines(random)
    for _ in range(mutate.times(random)):
        at = random.randrange(len(made))
        made[at] = tree.change(random, made[at], wild=0.2, times=1)
    found = "".join(json.dumps(one) + "\n" for one in made)
    return mutate.text(random, found, ('"?"', "null", "names", "time")) if random.random() < 0.3 else found


def _run(given: Given) -> bool:
    found = record.read(given["text"].splitlines(keepends=True))
    account.account(found)
    list(record.thinned(given["text"].splitlines(keepends=True), 20))
    return bool(found.runs or found.ticks)


def _verb_make(random: Random) -> Given:
    return {"text": text(random), "args": random.choice(([], ["--svg"], ["--markdown"]))}


def _verb_run(given: Given) -> bool:
    with outcome.folder({"run.jsonl": given["text"]}) as root:
        return outcome.run(["report", f"{root}/run.jsonl", *given["args"]]).past


PARTS = (
    Part("record", lambda random: {"text": text(random)}, _run, schema=True, share=60),
    Part("report", _verb_make, _verb_run, schema=True, share=1.2),
)
