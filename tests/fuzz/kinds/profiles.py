"""Profiles: their schema, what they come to for a workload, and the verbs that take them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hosttune.errors import HosttuneError
from hosttune.model import Machine
from hosttune.profile import contradictions, load, merge
from hosttune.profile.demand import FUNCTIONS
from tests.fuzz import mutate, outcome, tree
from tests.fuzz.kinds import sysctls
from tests.fuzz.part import Given, Part

WANTS: dict[str, tuple[Any, ...]] = {
    "equals": (1, 0, "bbr", [1024, 65535], [4096, 131072, 6291456], -1, "", 2**63 - 1),
    "at_least": (65535, [1, 2, 3], 0, 2**40),
    "at_most": (120, [4, 5], 0),
    "covers": ([1024, 65535], [1, 1], "1883,8883", "8000-8010", [0, 2**40]),
    "one_of": ([1, 2], ["bbr", "cubic"], [[1, 2], [3, 4]], [0]),
    "between": ([1, 5], [[1, 2], [3, 4]], [5, 1], [0, 2**62]),
    "not_below_now": (None,),
}
SUBJECTS = (
    *(f"sysctl:{key}" for key in sysctls.KEYS if key[0] not in "-/" and "*" not in key and ".." not in key),
    *("sysctl:net.ipv4.conf.eth0/1.rp_filter", "sysctl:a.b", "nofile:service", "nofile:login", "nofile:process"),
    *("nofile:manager", "nofile:unit/haproxy.service", "nofile:login/bob", "sysctl:net.ipv4.tcp_mem"),
)
TEXTS = (
    "because",
    "tcp(7)",
    "a\u202eb",
    "ä ö",
    "100 % of {x} $(id)",
    "x" * 600,
    "\u200b",
    "<b>&amp;",
    "|a|`b`",
    "%s %n",
)
LOADS: dict[str, tuple[Any, ...]] = {
    "connections": (1, 1000, 1_000_000, 10**9),
    "rate": (1, 1000, 10**7),
    "sockets_per_connection": (1, 2, 16),
    "descriptors_per_connection": (1, 2, 16),
    "tuples_per_connection": (0, 1, 16),
    "own_descriptors": (0, 200, 10**12),
    "own_descriptors_exact": (True, False),
    "stall": (0, 1.0, 3600, 1e-300, 0.5),
    "hold": (0, 60, 10**12),
    "bytes_in_flight": (0, 4096, 10**12),
    "bind_mode": ("connect", "no-port", "bind", "explicit"),
    "backends": (
        ["10.0.0.5:1883"],
        ["[2001:db8::1]:1883", {"backend": "10.0.0.6:1", "name": "b", "sources": ["10.0.0.1"]}],
        [],
    ),
    "sources": (["all"], ["10.0.0.1", "10.0.0.2"], [], ["::1"]),
    "pipes_per_connection": (0, 0.5, 16),
    "threads_per_connection": (0, 1, 1000),
    "application_memory": (0, 10**12),
    "backlog": (0, 1, 2**31 - 1),
    "disconnect": (0.0, 0.5, 1),
}


def tables(random: Random) -> dict[str, Any]:
    """Return a profile of its own that holds to the schema."""
    head: dict[str, Any] = {"name": "fuzz", "title": random.choice(TEXTS)}
    if random.random() < 0.5:
        head["extends"] = random.sample(("linux-server", "lb", "broker", "app"), random.choice((1, 1, 2)))
    if random.random() < 0.3:
        head["service"] = random.choice(("haproxy.service", "", "a@b:c.service"))
    chosen = random.sample(sorted(LOADS), random.randint(0, 6))
    load = {key: random.choice(LOADS[key]) for key in chosen}
    load["why"] = {key: random.choice(TEXTS) or "x" for key in chosen if random.random() < 0.9}
    return {"profile": head, "workload": load, "require": [row(random) for _ in range(random.randint(0, 5))]}


def row(random: Random) -> dict[str, Any]:
    """Return one requirement that holds to the schema."""
    subject = random.choice(SUBJECTS)
    if random.random() < 0.1:
        return (
            {"subject": subject, "drop": True}
            if random.random() < 0.5
            else {"subject": subject, "waive": random.choice(TEXTS)}
        )
    operator = random.choice(sorted(WANTS))
    made: dict[str, Any] = {"subject": subject, "operator": operator, "why": random.choice(TEXTS), "source": "tcp(7)"}
    if operator in ("at_least", "covers") and random.random() < 0.4:
        made["demand"] = random.choice(sorted(FUNCTIONS))
        made["params"] = {random.choice(("spare", "time_wait", "share", "x")): random.choice((0, 0.5, 1e12, 1e-300))}
    elif operator != "not_below_now":
        made["values" if operator in ("one_of", "between") else "value"] = random.choice(WANTS[operator])
    if random.random() < 0.3:
        made["severity"] = random.choice(("info", "warning", "error"))
    if random.random() < 0.2:
        made["when"] = {"kernel": random.choice((">=5.10", "<4", ">=6.8.1")), "container": random.random() < 0.5}
    return made


def text(random: Random) -> str:
    """Return a profile's file: right, with values changed, or with its text changed."""
    made = tables(random)
    chance = random.random()
    if chance < 0.35:
        made = tree.change(random, made, wild=0.05, kept=("profile",), times=1)
    elif chance < 0.5:
        made = tree.change(random, made, wild=0.4)
    elif chance < 0.6:
        made = random.choice(_shipped())
    found = tree.toml(made)
    return mutate.text(random, found, sysctls.KEYS) if random.random() < 0.15 else found


@cache
def _shipped() -> tuple[dict[str, Any], ...]:
    return tuple(tomllib.loads(path.read_text()) for path in sorted(load.shipped().glob("*.toml")))


def machine(name: str = "lb01") -> Machine:
    """Return a machine that profiles are merged for."""
    return Machine(
        name, "debian", "12", "Debian 12", "6.1", 8, 1 << 34, 1 << 33, "kvm", "", "", False, True, True, "initial"
    )


def _make(random: Random) -> Given:
    return {"text": text(random)}


def _run(given: Given) -> bool:
    with outcome.folder({"p.toml": given["text"]}) as root:
        try:
            profile = load.load_file(Path(root, "p.toml"))
            active, _ = merge.requirements([profile], merge.workload([profile]), machine())
            contradictions.refuse(active)
        except HosttuneError:
            return False
    return True


def _verb_make(random: Random) -> Given:
    args = random.choice(
        (
            ["profile", "validate", "p.toml"],
            [
                "check",
                "--profile",
                "p.toml",
                "--format",
                random.choice(("table", "json", "markdown", "tap", "junit", "nagios", "prometheus")),
            ],
            ["check", "--role", "lb", "--profile", "p.toml", "-v"],
            ["apply", "--profile", "p.toml", "--dry-run"],
            ["apply", "--profile", "p.toml", "--script", "--format", "json"],
            ["capacity", "--profile", "p.toml", "--format", random.choice(("table", "json", "markdown"))],
            ["explain", "net.core.somaxconn", "--profile", "p.toml"],
        )
    )
    return {"text": text(random), "args": args}


def _verb_run(given: Given) -> bool:
    with outcome.folder({"p.toml": given["text"], **HOST}) as root:
        args = [f"{root}/p.toml" if one == "p.toml" else one for one in given["args"]]
        more = [] if args[0] in ("profile", "explain") else ["--root", root]
        return outcome.run([*args, *more]).past


HOST = {
    "/etc/os-release": sysctls.RELEASES[0],
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "/etc/sysctl.d/50.conf": "net.core.somaxconn = 4096\nnet.ipv4.ip_local_port_range = 32768 60999\n",
    "/usr/lib/systemd/system/haproxy.service": "[Service]\nExecStart=/bin/true\n",
    "/etc/security/limits.conf": "* soft nofile 4096\n",
    "/etc/pam.d/sshd": "session required pam_limits.so\n",
}

PARTS = (
    Part("profile", _make, _run, schema=True, share=40),
    Part("profile verbs", _verb_make, _verb_run, schema=True, share=1.6),
)
