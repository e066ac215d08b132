"""Source addresses on a real machine: they are there at once and after a reboot, whoever runs the interface; local
prefixes too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm import ahead
from tests.vm.guest import NO_CLOUD, Guest, need_guest

SCENES = f"{__name__}:scenes"
INTERFACES = """\
source /etc/network/interfaces.d/*
auto lo
iface lo inet loopback
auto d1
iface d1 inet manual
    pre-up ip link add d1 type dummy
    up ip link set d1 up
"""
FILES = {
    "/etc/systemd/network/10-d0.netdev": "[NetDev]\nName=d0\nKind=dummy\n",
    "/etc/systemd/network/10-d0.network": "[Match]\nName=d0\n[Network]\nAddress=10.9.0.1/24\n",
    "/etc/network/interfaces": INTERFACES,
    "/srv/etc/netplan/50-lan.yaml": "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [10.9.2.1/24]\n",
    "/srv/etc/os-release": "ID=debian\nVERSION_ID=12\n",
}
ENABLED = "systemd.wants=systemd-networkd.service systemd.wants=networking.service"
"""On the kernel's command line: what manages the interfaces of this machine."""
LOOK = """
look() { for i in d0 d1; do ip -o address show dev $i | awk '$4 !~ /^fe80/ {print $2, $4}'; done | sort | keep "$1"; }
"""
APPLY = """
for i in $(seq 50); do ip -o address show dev d0 | grep -q 10.9.0.1 && break; sleep 0.2; done
look stock
hosttune apply --only addresses --yes --add-address 10.9.0.21-10.9.0.22/24@d0 --add-address 2001:db8::21/64@d0 \
    --add-address 10.9.1.21-10.9.1.22/24@d1 --add-address 2001:db8:1::21/64@d1 2>&1 | keep said
look applied
hosttune sources add --anyip 10.9.3.0/24 --yes 2>&1 | keep said-anyip
ip route show table local type local | grep 10.9.3 | keep anyip
hosttune apply --only addresses --yes --root /srv --add-address 10.9.2.21/24@eth0 2>&1 | keep said-netplan
chmod 600 /srv/etc/netplan/*
netplan generate --root-dir /srv 2>&1 | keep netplan-said
cat /srv/run/systemd/network/*eth0.network | keep netplan
"""
LATER = """
for i in $(seq 50); do ip -o address show dev d0 | grep -q 10.9.0.22 && break; sleep 0.2; done
look rebooted
ip route show table local type local | grep 10.9.3 | keep anyip
hosttune sources remove --anyip 10.9.3.0/24 --yes 2>&1 | keep removed
ip route show table local type local | grep 10.9.3 | keep anyip-removed
for i in 1 2 3; do hosttune rollback --yes; done 2>&1 | keep back
ip route show table local type local | grep 10.9.3 | keep anyip-after
look after
find /etc -name '*hosttune*' | keep left
"""


def scenes(directory: Path) -> list[dict[str, str]]:
    """Boot once to add addresses, once to look for them and take them back."""
    guest = Guest(directory, FILES)
    seen = [guest.boot(LOOK + script, append=f"{NO_CLOUD} {ENABLED}") for script in (APPLY, LATER)]
    guest.disk.unlink()
    return seen


@pytest.mark.guest(SCENES)
def test_addresses_come_back_after_a_reboot(tmp_path: Path) -> None:
    need_guest()
    first, second = ahead.played(SCENES, tmp_path)
    added = {f"d{n} {address}" for n in (0, 1) for address in (f"10.9.{n}.21/24", f"10.9.{n}.22/24")}
    added |= {"d0 2001:db8::21/64", "d1 2001:db8:1::21/64"}
    assert "d0 10.9.0.1/24" in first["stock"], first["console"]
    assert set(first["applied"].splitlines()) == set(first["stock"].splitlines()) | added, first["said"]
    assert set(second["rebooted"].splitlines()) == set(first["applied"].splitlines()), second["console"]
    assert second["after"] == first["stock"], second["back"]
    assert second["left"] == ""
    assert "local 10.9.3.0/24 dev lo" in first["anyip"], first["said-anyip"]
    assert "local 10.9.3.0/24 dev lo" in second["anyip"], second["console"]
    assert second["anyip-removed"] == second["anyip-after"] == "", second["removed"] + second["back"]
    lines = first["netplan"].splitlines()
    assert {"Address=10.9.2.1/24", "Address=10.9.2.21/24"} <= set(lines), first["netplan-said"] + first["said-netplan"]
