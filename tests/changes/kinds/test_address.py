"""Source addresses are kept in a file of our own, for whoever runs the interface, and come off to the byte."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hosttune.changes.backends import address
from hosttune.errors import UsageError
from hosttune.workflows import addressing
from tests.changes import acts, tree

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

ADDRESSES = ["10.0.0.21-10.0.0.22/24@eth0", "2001:db8::5/64@eth0"]
RUNNERS: dict[str, tuple[dict[str, str], str, str]] = {
    "networkd": (
        {"/run/systemd/netif/links/2": "NETWORK_FILE=/usr/lib/systemd/network/10-lan.network\n"},
        "etc/systemd/network/10-lan.network.d/90-hosttune.conf",
        "[Network]\nAddress=10.0.0.21/24\nAddress=10.0.0.22/24\nAddress=2001:db8::5/64\n",
    ),
    "networkd, an odd name": (
        {"/run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/10-a+b,c.network\n"},
        "etc/systemd/network/10-a+b,c.network.d/90-hosttune.conf",
        "[Network]\nAddress=10.0.0.21/24\n",
    ),
    "netplan": (
        {"/etc/netplan/50.yaml": "network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n"},
        "etc/netplan/90-hosttune-eth0.yaml",
        '  ethernets:\n    eth0:\n      addresses:\n        - "10.0.0.21/24"\n        - "10.0.0.22/24"\n',
    ),
    "ifupdown": (
        {"/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\n", "/sbin/ifup": ""},
        "etc/network/if-up.d/hosttune-eth0",
        "ip address replace 10.0.0.22/24 dev eth0\nip address replace 2001:db8::5/64 dev eth0 nodad\n",
    ),
    "networkmanager": (
        {"/run/NetworkManager/devices/2": "connection-uuid=1\n"},
        "etc/NetworkManager/dispatcher.d/90-hosttune-eth0",
        "ip address replace 10.0.0.22/24 dev eth0\n",
    ),
}


def make(tmp_path: Path, files: dict[str, str]) -> Path:
    return tree.make(tmp_path / "host", {"/sys/class/net/eth0/ifindex": "2\n", **files})


def add(root: Path, *addresses: str) -> int:
    return acts.apply(tree.Host(root), tree.asked(only="addresses", persist_only=True, add_address=list(addresses)))


@pytest.mark.parametrize("name", RUNNERS)
def test_the_file_is_made_merged_and_comes_off(name: str, tmp_path: Path) -> None:
    files, path, text = RUNNERS[name]
    root = make(tmp_path, files)
    old = tree.look(root)
    assert add(root, *ADDRESSES) == 0
    found = (root / path).read_text()
    assert text in found and "# Written by hosttune" in found
    first = tree.look(root)
    assert add(root, "10.0.0.22/24@eth0", "10.0.0.30/24@eth0") == 0
    merged = (root / path).read_text()
    assert merged.count("10.0.0.22/24") == 1 and "10.0.0.30/24" in merged and "10.0.0.21/24" in merged
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert tree.look(root) == first
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert tree.look(root) == old


def test_modes_and_a_script_that_a_shell_takes(tmp_path: Path) -> None:
    root = make(tmp_path, RUNNERS["networkmanager"][0])
    assert add(root, *ADDRESSES) == 0
    script = root / RUNNERS["networkmanager"][1]
    assert script.stat().st_mode & 0o777 == 0o755
    assert script.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", str(script), "eth1", "up"], check=False).returncode == 0
    other = make(tmp_path / "b", RUNNERS["netplan"][0])
    assert add(other, *ADDRESSES) == 0
    assert (other / RUNNERS["netplan"][1]).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no file or daemon"),
        ({"/etc/network/interfaces": "iface eth0 inet dhcp\n"}, "no file or daemon"),
        ({**RUNNERS["netplan"][0], "/etc/netplan/90-hosttune-eth0.yaml": "network: {}\n"}, "did not write it"),
        (
            {f"/run/systemd/netif/links/{n}": "NETWORK_FILE=/etc/systemd/network/1.network\n" for n in (2, 3)},
            "is shared with other interfaces",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(
    files: dict[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(make(tmp_path, files), *ADDRESSES) == 5
    assert says in json.loads(capsys.readouterr().out)["refused"][0]


def test_the_kernel_has_an_ipv6_address_once_and_an_ipv4_one_for_each_prefix() -> None:
    there = ["10.0.0.1/24", "2001:db8::5/64", "fe80::1/64"]
    assert address.under_another_prefix("2001:db8::5/128", there) == "2001:db8::5/64"
    assert address.under_another_prefix("2001:0db8::5/64", there) == ""
    assert address.under_another_prefix("10.0.0.1/32", there) == ""


@pytest.mark.parametrize(
    "text",
    ["10.0.0.1", "10.0.0.1@eth0", "10.0.0.9-10.0.0.1/24@eth0", "fe80::1%x/64@eth0", "x/24@eth0", "10.0.0.1/24@a/b"],
)
def test_a_wrong_address_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="--add-address") as caught:
        addressing.addresses([text])
    assert "\n" not in str(caught.value)
