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
    "NetworkManager only noticed what another gave it": (
        {
            "/run/NetworkManager/devices/2": "[device]\nmanaged=true\nconnection-uuid=1234\n",
            "/run/NetworkManager/system-connections/eth0.nmconnection": "[connection]\nuuid=1234\n\n[.nmmeta]\n"
            "nm-generated=true\nvolatile=true\nexternal=true\n",
        },
        "",
        "",
    ),
    "NetworkManager made the connection itself": (
        {
            "/run/NetworkManager/devices/2": "[device]\nmanaged=true\nconnection-uuid=1234\n",
            "/run/NetworkManager/system-connections/w.nmconnection": "uuid=1234\n[.nmmeta]\nnm-generated=true\n",
            "/run/NetworkManager/system-connections/eth1.nmconnection": "uuid=5\n[.nmmeta]\nexternal=true\n",
        },
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
    "ifupdown, by a pattern": (
        {"/etc/network/interfaces": "allow-hotplug /eth*\niface eth0 inet dhcp\n", "/sbin/ifup": ""},
        "ifupdown",
        "/etc/network/interfaces",
    ),
    "ifupdown, in a file that is sourced": (
        {
            "/etc/network/interfaces": "auto lo \\\n eth0\nsource interfaces.d/*\n",
            "/etc/network/interfaces.d/50-cloud": "iface eth0 inet dhcp\n",
            "/sbin/ifup": "",
        },
        "ifupdown",
        "/etc/network/interfaces.d/50-cloud",
    ),
    "ifupdown, in a directory that is sourced": (
        {
            "/etc/network/interfaces": "source-directory /etc/network/more\n",
            "/etc/network/more/lan": "auto eth0\niface eth0 inet dhcp\n",
            "/sbin/ifup": "",
        },
        "ifupdown",
        "/etc/network/more/lan",
    ),
    "a file beside ifupdown's that nothing sources": (
        {
            "/etc/network/interfaces": "# source /etc/network/interfaces.d/*\n",
            "/etc/network/interfaces.d/50-cloud": "auto eth0\niface eth0 inet dhcp\n",
            "/sbin/ifup": "",
        },
        "",
        "",
    ),
    "a stanza that nothing brings up": (
        {"/etc/network/interfaces": "auto eth1\niface eth0 inet dhcp\n", "/sbin/ifup": ""},
        "",
        "",
    ),
    "files that source each other": (
        {"/etc/network/interfaces": "source /etc/network/interfaces\n", "/sbin/ifup": ""},
        "",
        "",
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
    "netplan has it where a few lines will not do": (
        {
            "/run/systemd/netif/links/2": "NETWORK_FILE=/run/systemd/network/10-netplan-he.network\n",
            "/etc/netplan/50.yaml": "network:\n  ethernets:\n    eth1: {}\n  tunnels:\n    he:\n      mode: sit\n",
        },
        "networkd",
        "/run/systemd/network/10-netplan-he.network",
    ),
    "netplan has several by one definition": (
        {
            "/run/systemd/netif/links/2": "NETWORK_FILE=/run/systemd/network/10-netplan-all.network\n",
            "/run/systemd/netif/links/3": "NETWORK_FILE=/run/systemd/network/10-netplan-all.network\n",
            "/etc/netplan/50.yaml": 'network:\n  ethernets:\n    all:\n      match: {name: "e*"}\n',
        },
        "",
        "",
    ),
    "an image of netplan": (
        {"/etc/netplan/50.yaml": "network:\n  dummy-devices:\n    eth0:\n      addresses: []\n"},
        "",
        "",
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
    "several lines of names, of which all count": (
        {
            "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "",
            "/etc/systemd/network/10-a.network": "[Match]\nName=eth0\nName=eth1\n",
            "/etc/systemd/network/20-b.network": "[Match]\nName=eth0\n",
        },
        "",
        "",
    ),
    "names of which a line forgets those before it": (
        {
            "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "",
            "/etc/systemd/network/10-a.network": "[Match]\nName=eth1\nName=\nName=eth0\n",
        },
        "networkd",
        "/etc/systemd/network/10-a.network",
    ),
    "a name that a later line takes out": (
        {
            "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "",
            "/etc/systemd/network/10-a.network": "[Match]\nName=e*\nName=!eth0\n",
            "/etc/systemd/network/20-b.network": "[Match]\nName=eth0\n",
        },
        "networkd",
        "/etc/systemd/network/20-b.network",
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
