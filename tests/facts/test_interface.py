"""Who runs an interface, by what the host shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.facts.interface import runner
from tests.running import Running

CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "networkd runs it": (
        {"/run/systemd/netif/links/2": "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-lan.network\n"},
        "networkd",
        "/etc/systemd/network/10-lan.network",
    ),
    "netplan had networkd run it": (
        {
            "/run/systemd/netif/links/2": "NETWORK_FILE=/run/systemd/network/10-netplan-lan.network\n",
            "/etc/netplan/50-cloud.yaml": "network:\n  version: 2\n  bonds:\n    lan:\n      dhcp4: true\n",
        },
        "netplan",
        "/etc/netplan/50-cloud.yaml",
    ),
    "NetworkManager runs it": (
        {"/run/NetworkManager/devices/2": "[device]\nmanaged=true\nconnection-uuid=1234\n"},
        "networkmanager",
        "",
    ),
    "NetworkManager has it and leaves it alone": (
        {"/run/NetworkManager/devices/2": "[device]\nmanaged=false\n"},
        "",
        "",
    ),
    "ifupdown": (
        {"/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\n", "/sbin/ifup": ""},
        "ifupdown",
        "/etc/network/interfaces",
    ),
    "another one of ifupdown": ({"/etc/network/interfaces": "iface eth01 inet dhcp\n", "/sbin/ifup": ""}, "", ""),
    "ifupdown has gone": ({"/etc/network/interfaces": "iface eth0 inet dhcp\n"}, "", ""),
    "netplan names it, networkd runs it by another file": (
        {
            "/run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/05-lan.network\n",
            "/etc/netplan/50.yaml": "network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n",
        },
        "networkd",
        "/etc/systemd/network/05-lan.network",
    ),
    "an image of networkd": (
        {
            "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "",
            "/etc/systemd/network/20-all.network": "[Match]\nName=eth0\n",
            "/usr/lib/systemd/network/10-not.network": "[Match]\nName=!eth* lo\n",
        },
        "networkd",
        "/etc/systemd/network/20-all.network",
    ),
    "a file that would give all of them the same": (
        {
            "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "",
            "/etc/systemd/network/20-all.network": "[Match]\nName=e*\n",
        },
        "",
        "",
    ),
    "networkd is not enabled": ({"/etc/systemd/network/20-all.network": "[Match]\nName=e*\n"}, "", ""),
    "nobody": ({}, "", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_who_runs_it(name: str, tmp_path: Path) -> None:
    files, kind, path = CASES[name]
    for file, text in {"/sys/class/net/eth0/ifindex": "2\n", **files}.items():
        target = tmp_path / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    found = runner(Running(str(tmp_path)), "eth0")
    assert (found.kind, found.path) == (kind, path)
    assert found.because
