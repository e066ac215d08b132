"""Files of sysctl.d, as systemd-sysctl and as procps read them."""

from __future__ import annotations

from random import Random

from hosttune.facts.kinds import sysctl
from hosttune.resolve import sysctl_value
from tests.fuzz import mutate
from tests.fuzz.memory import Memory
from tests.fuzz.part import Given, Part

KEYS = (
    *("fs.file-max", "fs.nr_open", "net.core.somaxconn", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_mem"),
    *("net/ipv4/tcp_rmem", "net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.*.rp_filter", "/net/core/rmem_max"),
    *("-net.ipv4.tcp_tw_reuse", "kernel.pid_max", "vm.max_map_count", "net.netfilter.nf_conntrack_max", "net..core"),
    *("net.ipv4.ip_local_reserved_ports", "kernel.core_pattern", "net.ipv4.neigh.default.gc_thresh3", "n*.[ic]*.s*"),
)
VALUES = (
    *("1", "0", "4096", "65535", "1024 65535", "32768\t60999", "4096 131072 6291456", "0x1000", "010", "-1", ""),
    *("8080,9000-9010", "|/bin/true %p", "1 # not a comment", "18446744073709551615", " 7 ", "1;2", "a = b"),
)
LINES = (
    *("# a comment", "; another", "", "net.core.somaxconn", "-net.ipv4.conf.*.rp_filter", "= 5", "-", "-=", "-*=1"),
    *("net.core.somaxconn=1\r", "net.core.somaxconn = 1\x00net.core.rmem_max = 2", "net.core/../fs.nr_open = 5", "\\"),
)
PLACES = (
    "/etc/sysctl.d/50-lb.conf",
    "/etc/sysctl.d/99-z.conf",
    "/usr/lib/sysctl.d/50-default.conf",
    "/run/sysctl.d/9.conf",
)
RELEASES = (
    'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "ID=debian\nVERSION_ID=11\n",
    'ID=ubuntu\nVERSION_ID="22.04"\nID_LIKE=debian\n',
    "ID='rocky'\nVERSION_ID=9.3\n",
)


def line(random: Random) -> str:
    """Return one line that sets a key."""
    return f"{random.choice(KEYS)}{random.choice((' = ', '=', ' =', chr(9) + '= '))}{random.choice(VALUES)}"


def text(random: Random) -> str:
    """Return a file, nearly right."""
    lines = [line(random) if random.random() < 0.8 else random.choice(LINES) for _ in range(random.randint(1, 8))]
    return mutate.text(random, "\n".join(lines) + "\n", (*KEYS, *VALUES), LINES)


def files(random: Random) -> dict[str, str]:
    """Return files of several directories."""
    found = {path: text(random) for path in random.sample(PLACES, random.randint(1, 3))}
    found["/etc/os-release"] = mutate.text(random, random.choice(RELEASES)) if random.random() < 0.2 else RELEASES[0]
    if random.random() < 0.5:
        found["/etc/sysctl.conf"] = text(random)
    if random.random() < 0.2:
        found["/etc/sysctl.d/50-lb.conf"] = random.choice(("-> /dev/null", "-> ../sysctl.conf", "-> 50-lb.conf"))
    return found


def _make(random: Random) -> Given:
    return {"files": files(random)}


def _run(given: Given) -> bool:
    host = Memory(given["files"])
    found = sysctl.files(host, ("net.core.somaxconn", "net.ipv4.conf.eth0.rp_filter"))
    for resolution in (found.boot, found.reload, found.now):
        for key, value in resolution.values.items() if resolution else ():
            sysctl_value.kernel_value(value.text, None)
            sysctl_value.kernel_value(value.text, 3)
            sysctl_value.valid_key(key)
    sysctl.read(host, ("net.core.somaxconn", "net.ipv4.tcp_mem"))
    return True


PARTS = (Part("sysctl.d", _make, _run, share=100),)
