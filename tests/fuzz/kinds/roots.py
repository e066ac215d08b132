"""Whole verbs over a directory whose files are all nearly right at once."""

from __future__ import annotations

from random import Random

from tests.fuzz import outcome
from tests.fuzz.kinds import addresses, limits, profiles, proxies, sysctls, units
from tests.fuzz.part import Given, Part

_VERBS = (
    ["check", "--role", "lb", "--user", "bob"],
    ["check", "--role", "broker", "-v", "--format", "json"],
    ["capacity", "--role", "lb", "--service", "haproxy"],
    ["resolve", "--user", "bob", "--user", "root", "--unit", "haproxy.service"],
    ["resolve", "net.core.somaxconn", "--unit", "lb.service", "--format", "json"],
    ["apply", "--role", "lb", "--dry-run"],
    ["apply", "--role", "broker", "--dry-run", "--format", "json"],
    ["apply", "--role", "lb", "--script", "--add-address", "10.0.0.21-10.0.0.24/24@eth0"],
    ["apply", "--role", "lb", "--yes"],
    ["sources", "add", "10.0.0.21-10.0.0.24/24@eth0", "--dry-run"],
    ["sources", "remove", "10.0.0.5/24@eth0", "--dry-run"],
)


def _make(random: Random) -> Given:
    found = {**profiles.HOST, **sysctls.files(random), **limits.files(random), **units.files(random)}
    found |= addresses.files(random) if random.random() < 0.5 else {}
    return {
        "files": {path: text for path, text in found.items() if not path.startswith("/proc/")},
        "args": random.choice(_VERBS),
    }


def _run(given: Given) -> bool:
    with outcome.folder(given["files"]) as root:
        return outcome.run([*given["args"], "--root", root]).past


def _proxy_make(random: Random) -> Given:
    text = random.choice((proxies.haproxy, proxies.nginx))(random)
    args = random.choice(
        (["check", "--role", "lb"], ["capacity", "--role", "lb", "--format", "json"], ["check", "--role", "app", "-v"])
    )
    return {"text": text, "args": args}


def _proxy_run(given: Given) -> bool:
    with outcome.folder({**profiles.HOST, "/etc/x.cfg": given["text"]}) as root:
        return outcome.run([*given["args"], "--root", root, "--backends-from", "/etc/x.cfg"]).past


PARTS = (
    Part("root verbs", _make, _run, share=2.5),
    Part("--backends-from", _proxy_make, _proxy_run, share=0.8),
)
