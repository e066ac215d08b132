"""Arguments of options: addresses, ports, ranges, times, sizes, numbers, and whole command lines."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import typer

from hosttune import addresses as runs
from hosttune import ports
from hosttune.errors import HosttuneError
from hosttune.facts import backends
from hosttune.planning.topology import addresses, sizes
from hosttune.terminal import amounts, usage
from hosttune.workflows import addressing, sources_plan
from tests.fuzz import mutate, outcome
from tests.fuzz.kinds import profiles, sysctls
from tests.fuzz.memory import Memory
from tests.fuzz.part import Given, Part

_HOST = Memory({}, {"names": ["10.0.9.9"]})
_PARSERS: dict[str, tuple[Callable[[str], Any], tuple[str, ...]]] = {
    "count": (lambda text: usage.count(text, 10**9), ("1000000", "1,000,000", "1_000_000", "1", "999999999")),
    "backend": (
        lambda text: backends.parse(_HOST, text),
        ("10.0.0.5:1883", "[2001:db8::5]:1883", "b.example:80", "localhost:1"),
    ),
    "sources": (
        lambda text: backends.parse_sources(text.split(";")),
        ("10.0.0.9", "all", "10.0.0.9;::1", "fe80::1%eth0"),
    ),
    "bind mode": (backends.parse_bind_mode, ("connect", "no-port", "bind:1024-65535", "explicit:5-5", "bind")),
    "time": (amounts.seconds, ("10s", "1m", "1h", "0.5s", "300ms", "10", " 2 s ")),
    "record size": (amounts.a_size("--max-size", 128 << 10, 64 << 20), ("64M", "128K", "1G", "64 MiB", "200000")),
    "addresses": (
        lambda text: addressing.addresses([text]),
        ("10.0.0.21-10.0.0.44/24@eth0", "10.0.0.5/32@lo", "2001:db8::1-2001:db8::f/64@eth0.5", "10.0.0.9/24@eth0"),
    ),
    "prefixes": (lambda text: addressing.prefixes([text]), ("10.9.0.0/27", "2001:db8:9::/64", "10.9.0.1/32")),
    "list of addresses": (
        lambda text: list(runs.runs(addresses.expand([text], 5000))),
        ("10.0.0.1-10.0.0.9", "10.0.0.0/28", "fd00::1", "fd00::/120", "10.0.0.1"),
    ),
    "size": (sizes.size, ("32GiB", "512 MiB", "32 GB", "1.5kB", "7B", "0.000001TiB")),
    "share": (sources_plan.share, ("0.2", "20%", "0", "90%", "0.9")),
    "ports": (lambda text: ports.text_of(ports.mask_of(text)), ("1-5,8", "1024-65535", "0", "8000,8001-8002", "65535")),
}
_ODD = ("@", "/", "-", ":", "%", "[", "]", "::", "eth0", "all", ".", ",", "_", "s", "ms", "K", "GiB", "\u0661", "²")


def _make(random: Random) -> Given:
    name = random.choice(list(_PARSERS))
    text = random.choice(_PARSERS[name][1])
    text = mutate.word(random, text, _ODD) if random.random() < 0.5 else text
    return {"parser": name, "text": mutate.word(random, text, _ODD) if random.random() < 0.3 else text}


def _run(given: Given) -> bool:
    try:
        _PARSERS[given["parser"]][0](given["text"])
    except (HosttuneError, ValueError, typer.BadParameter):
        return False
    return True


VALUES: dict[str, tuple[str, ...]] = {
    "--role": ("lb", "broker", "client", "app", "linux-server", "whitepaper-2019"),
    "--connections": ("1000000", "1", "1,000,000", "1_000"),
    "--rate": ("1000", "1"),
    "--hold": ("0", "1300"),
    "--backend": ("10.0.0.5:1883", "[::1]:1", "127.0.0.1:1883"),
    "--source": ("10.0.0.9", "all", "::1"),
    "--bind-mode": ("bind", "no-port", "explicit:1024-65535"),
    "--service": ("haproxy", "haproxy.service"),
    "--user": ("root", "bob"),
    "--format": ("table", "json", "markdown", "tap", "junit", "nagios", "prometheus"),
    "--fail-on": ("info", "warning", "error"),
    "--add-address": ("10.0.0.21-10.0.0.24/24@eth0", "10.0.0.5/32@lo"),
    "--anyip": ("10.9.0.0/27", "2001:db8::/64"),
    "--only": ("sysctl", "limits,units"),
    "--except": ("net.core.somaxconn", "fs.nr_open"),
    "--unit": ("haproxy.service", "haproxy"),
    "KEY": ("net.core.somaxconn", "fs.nr_open", "nofile", "net/ipv4/tcp_mem"),
    "ID": ("1", "000001"),
    "ADDRESS": ("10.0.0.21-10.0.0.24/24@eth0", "10.0.0.5"),
    "-v": ("",),
    "--strict": ("",),
    "--reserve-listeners": ("",),
    "--key": ("net.core.somaxconn=4096", "net.ipv4.ip_local_port_range=1024 65535"),
}
_AIM = (
    "--role",
    "--role",
    "--connections",
    "--rate",
    "--hold",
    "--backend",
    "--source",
    "--bind-mode",
    "--service",
    "--user",
)
_LOOKS = (*_AIM, "--format", "-v")
VERBS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("check",): (*_LOOKS, "--fail-on", "--strict"),
    ("capacity",): _LOOKS,
    ("apply", "--dry-run"): (*_AIM, "--format", "--add-address", "--only", "--except", "--reserve-listeners"),
    ("apply", "--script"): (*_AIM, "--only", "--except"),
    ("resolve",): ("KEY", "--user", "--unit", "--format"),
    ("rollback", "--dry-run"): ("ID", "--format"),
    ("history",): ("--format",),
    ("sources", "add", "--dry-run"): ("ADDRESS", "--anyip", "--format"),
    ("sources", "remove", "--dry-run"): ("ADDRESS", "--anyip", "--format"),
    ("explain",): ("KEY",),
}
"""What may stand behind each verb; none of them writes anything, and all look at a directory."""


def _line_make(random: Random) -> Given:
    verb = random.choice(list(VERBS))
    args = list(verb)
    changed = False
    for name in random.sample(VERBS[verb], min(len(VERBS[verb]), random.choice((1, 2, 3, 5)))):
        value = random.choice(VALUES[name])
        if name == "--format" and random.random() < 0.9:
            value = random.choice(_FORMATS.get(verb[0], ("table", "json")))
        # one wrong argument is enough: the first ends it
        if value and not changed and random.random() < 0.25:
            value, changed = mutate.word(random, value, _ODD).replace("\x00", ""), True
        args += [value] if name.isupper() else [f"{name}={value}" if value else name]
    return {"args": args}


def _line_run(given: Given) -> bool:
    with outcome.folder(_FILES) as root:
        root_option = [] if given["args"][0] == "explain" else [f"--root={root}"]
        # an argument that begins with a dash would be another option
        args = [one for one in given["args"] if not one.startswith("-") or one.partition("=")[0] in _KNOWN]
        return outcome.run([*args, *root_option]).past


_FORMATS = {"check": VALUES["--format"], "capacity": ("table", "json", "markdown")}
_FILES = {
    **profiles.HOST,
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n",
    "/etc/sysctl.d/60.conf": "\n".join(sysctls.LINES),
    "/etc/netplan/50.yaml": "network:\n  ethernets:\n"
    "    eth0:\n      dhcp4: true\n    lo:\n      addresses: [10.0.0.5/32]\n",
}
_KNOWN = {"--dry-run", "--script", *(name for name in VALUES if name[0] == "-")}

PARTS = (
    Part("option", _make, _run, schema=True, share=120),
    Part("command line", _line_make, _line_run, schema=True, share=2.0),
)
