"""Units of systemd with their drop-ins, and the manager's own configuration."""

from __future__ import annotations

from random import Random

from hosttune.resolve import systemd_limits, systemd_units
from tests.fuzz import mutate
from tests.fuzz.memory import Memory
from tests.fuzz.part import Given, Part

SAMPLES = (
    "[Unit]\nDescription=HAProxy\nAfter=network-online.target\n\n[Service]\n"
    "ExecStart=/usr/sbin/haproxy -Ws \\\n  -f x\n"
    "LimitNOFILE=65536:524288\nLimitNOFILE=infinity\n\n[Install]\nWantedBy=multi-user.target\nAlias=lb.service\n",
    "[Service]\nLimitNOFILE=\nLimitNOFILE=1048576\n# a comment\n; another\nLimitNPROC=7\n",
    "\ufeff[Service]\nLimitNOFILE = 1K\n LimitNOFILE=2M:4M\n\\\n[X]\n",
    "[Manager]\nDefaultLimitNOFILE=1024:524288\nDefaultLimitNOFILESoft=1\n",
)
WORDS = (
    *("[Service]", "[Unit]", "[Manager]", "[Install]", "LimitNOFILE", "DefaultLimitNOFILE", "infinity", "1024:524288"),
    *("64K", "1G", "16E", "0x7f", "LimitNOFILESoft", "ExecStart=", "%i", "%%", "Alias=", "User=bob"),
)
LINES = (
    "LimitNOFILE=",
    "LimitNOFILE=infinity",
    "LimitNOFILE=1:2:3",
    "LimitNOFILE=5 6",
    "[Service",
    "Service]",
    "\\",
    "#\\",
    "=",
)
UNITS = ("haproxy.service", "haproxy@1.service", "lb.service", "foo-bar-baz.service")
PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")


def text(random: Random) -> str:
    """Return a unit, a drop-in or a system.conf, nearly right."""
    return mutate.text(random, random.choice(SAMPLES), WORDS, LINES)


def files(random: Random) -> dict[str, str]:
    """Return a unit, drop-ins for it and its kind, links that stand for it, and the manager's configuration."""
    found = {}
    for place in random.sample(PLACES, random.randint(1, 2)):
        unit = random.choice((*UNITS, "haproxy@.service"))
        odd = random.random() < 0.2
        found[f"{place}/systemd/system/{unit}"] = (
            random.choice(("-> /dev/null", "-> haproxy.service", "-> lb.service", "")) if odd else text(random)
        )
    for _ in range(random.randint(0, 3)):
        unit = random.choice((*UNITS, "service", "haproxy@.service", "foo-.service", "foo-bar-.service"))
        drop_in = f"{random.choice(PLACES)}/systemd/system/{unit}.d/{random.choice('123')}0-x.conf"
        found[drop_in] = text(random)
    if random.random() < 0.4:
        found["/etc/systemd/system.conf"] = text(random)
    if random.random() < 0.2:
        found["/etc/systemd/system.conf.d/10.conf"] = text(random)
    return found


def _make(random: Random) -> Given:
    unit = random.choice(UNITS)
    if random.random() < 0.1:
        unit = mutate.word(random, unit)
    found = files(random)
    if random.random() < 0.3:
        found["/proc/sys/fs/nr_open"] = mutate.number(random)
    return {"files": found, "unit": unit}


def _run(given: Given) -> bool:
    host = Memory(given["files"])
    for now in (False, True):
        systemd_limits.resolve_unit(host, given["unit"], now=now)
        systemd_limits.manager_default(host, now=now)
    systemd_units.list_units(host)
    for text in given["files"].values():
        list(systemd_limits.settings(text))
    return True


PARTS = (Part("systemd units", _make, _run, share=80),)
