"""Files that give an interface its addresses: netplan, networkd, ifupdown, NetworkManager."""

from __future__ import annotations

from random import Random

from hosttune.facts import address_lines, interface, netplan
from tests.fuzz import mutate
from tests.fuzz.memory import Memory
from tests.fuzz.part import Given, Part

NETPLAN = (
    "# cloud\nnetwork:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n      match:\n"
    "        macaddress: '02:00:00:00:00:01'\n"
    '      set-name: eth0\n      addresses: [10.0.0.5/24, "2001:db8::1/64"]\n',
    "network:\n  renderer: networkd\n  bonds:\n    bond0: {interfaces: [eth0, eth1], parameters: {mode: 802.3ad}}\n"
    "  vlans:\n    eth0.5:\n      id: 5\n      link: eth0\n      addresses:\n      - 10.0.5.1/24\n"
    "      - 10.0.5.2/24:\n          label: x\n",
    'network: {ethernets: {eth0: {addresses: ["10.0.0.5/24"]}}}\n',
    "network:\n  ethernets:\n    'eth0' : # here\n      match: {name: e*}\n    a: |\n      eth0:\n"
    "    b: &x {c: d}\n    e: *x\n",
)
NETWORKD = (
    "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.0.5/24\nDHCP=yes\n\n[Address]\nAddress=10.0.0.6/24\n",
    "[Match]\nName=e* !eth1\nName=\nMACAddress=02:00:00:00:00:01\n[Network]\nAddress=2001:db8::5/64\n",
    "[Match]\nName=!lo\nType=ether\n\n[Route]\nDestination=10.9.0.0/27\nType=local\nTable=local\n",
)
IFUPDOWN = (
    "auto lo eth0\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet static\n  address 10.0.0.5/24\n"
    "  up ip addr add 10.0.0.6/24 dev $IFACE\n  gateway 10.0.0.1\nsource /etc/network/interfaces.d/*\n",
    "auto /e*=x\niface eth0 inet dhcp\n# end\nsource-directory interfaces.d\nsource interfaces\n"
    "mapping eth0\n script \\\n x\n",
)
NMCONNECTION = (
    "[connection]\nid=x\nuuid=0a-1b\ntype=ethernet\n[ipv4]\naddress1=10.0.0.5/24,10.0.0.1\n"
    "method=manual\n[x]\nexternal=true\n"
)
WORDS = (
    *(
        "eth0",
        "eth1",
        "ethernets",
        "bridges",
        "match",
        "name:",
        "addresses:",
        "10.0.0.5/24",
        "10.0.0.5",
        "2001:db8::5/64",
        "::",
    ),
    *(
        "[Match]",
        "Name=",
        "Address=",
        "iface",
        "auto",
        "inet6",
        "source",
        "source-directory",
        "{",
        "}",
        "- ",
        "&a",
        "*a",
        "!!x",
    ),
)
LINES = (
    "  - 10.0.0.7/24",
    "    eth0: {}",
    "Name=eth0",
    "iface eth0 inet manual",
    "source *",
    "auto eth0",
    "      '':",
    "? x",
    "%YAML 1.1",
)
LINK = "ADMIN_STATE=configured\nOPER_STATE=routable\nNETWORK_FILE=/run/systemd/network/10-netplan-eth0.network\n"


def files(random: Random) -> dict[str, str]:
    """Return some of the files that may be there, of one manager or of all."""
    made = {
        "/etc/netplan/50-cloud-init.yaml": NETPLAN,
        "/etc/netplan/60.yaml": NETPLAN,
        "/etc/systemd/network/10-eth0.network": NETWORKD,
        "/etc/systemd/network/10-eth0.network.d/x.conf": NETWORKD,
        "/run/systemd/network/10-netplan-eth0.network": NETWORKD,
        "/etc/network/interfaces": IFUPDOWN,
        "/etc/network/interfaces.d/eth0": IFUPDOWN,
        "/etc/NetworkManager/system-connections/x.nmconnection": (NMCONNECTION,),
        "/run/NetworkManager/system-connections/x.nmconnection": (NMCONNECTION,),
        "/run/systemd/netif/links/2": (LINK,),
        "/run/NetworkManager/devices/2": ("[device]\nconnection-uuid=0a-1b\nmanaged=true\n",),
        "/etc/rc.local": ("#!/bin/sh\nip addr add 10.0.0.5/24 dev eth0 # 10.0.0.9\n",),
    }
    chosen = random.sample(sorted(made), random.randint(1, 5))
    found = {path: mutate.text(random, random.choice(made[path]), WORDS, LINES) for path in chosen}
    return found | {
        "/sbin/ifup": "",
        "/etc/systemd/system/network-online.target.wants/systemd-networkd.service": "",
    }


def _make(random: Random) -> Given:
    found = files(random)
    if random.random() < 0.6:
        found["/sys/class/net/eth0/ifindex"] = random.choice(("2\n", "2", mutate.number(random)))
    name = "eth0" if random.random() < 0.8 else mutate.word(random, random.choice(("eth0.5", "bond0", "e*")))
    return {"files": found, "name": name}


def _run(given: Given) -> bool:
    host = Memory(given["files"])
    interface.runner(host, given["name"])
    netplan.find(host, given["name"], "eth0")
    address_lines.naming(host, {"10.0.0.5", "2001:db8::5"}, set())
    return True


PARTS = (Part("address files", _make, _run, share=90),)
