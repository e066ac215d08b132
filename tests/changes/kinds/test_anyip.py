"""Local prefixes are kept in a file of our own for whoever runs the loopback, and come off to the byte."""

from __future__ import annotations

import errno
import json
import subprocess
from pathlib import Path

import pytest

from hosttune.changes import backends
from hosttune.changes.backends import anyip
from hosttune.host.live import LiveHost
from tests.changes import acts, addressed, tree

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

ROUTE = "\n[Route]\nDestination={}\nType=local\n"
RUNNERS: dict[str, tuple[dict[str, str], str, str]] = {
    "networkd, which has no file of lo": (
        addressed.NETWORKD | {"/run/systemd/netif/links/1": "ADMIN_STATE=unmanaged\n"},
        "etc/systemd/network/90-hosttune-lo.network",
        "[Match]\nName=lo\n\n[Network]\nKeepConfiguration=static\n" + ROUTE.format("10.9.0.0/24"),
    ),
    "networkd, which has one": (
        addressed.NETWORKD | {"/run/systemd/netif/links/1": "NETWORK_FILE=/etc/systemd/network/05-lo.network\n"},
        "etc/systemd/network/05-lo.network.d/91-hosttune-anyip.conf",
        ROUTE.format("10.9.0.0/24") + ROUTE.format("2001:db8:9::/64"),
    ),
    "netplan": (
        {"/etc/netplan/50.yaml": "network:\n  version: 2\n  ethernets:\n    lo:\n      addresses: [10.1.1.1/32]\n"},
        "etc/netplan/91-hosttune-anyip.yaml",
        '    lo:\n      routes:\n        - to: "10.9.0.0/24"\n          type: local\n',
    ),
    "ifupdown": (
        {"/etc/network/interfaces": "auto lo\niface lo inet loopback\n", "/sbin/ifup": ""},
        "etc/network/if-up.d/hosttune-anyip",
        "ip route replace local 10.9.0.0/24 dev lo\nip route replace local 2001:db8:9::/64 dev lo\n",
    ),
}


@pytest.mark.parametrize("name", RUNNERS)
def test_the_file_is_made_merged_and_comes_off(name: str, tmp_path: Path) -> None:
    files, path, text = RUNNERS[name]
    root = addressed.make(tmp_path, files)
    old = tree.look(root)
    assert addressed.add(root, anyip=["10.9.0.0/24", "2001:db8:9::/64"]) == 0
    found = (root / path).read_text()
    assert text in found and "# Written by hosttune" in found
    first = tree.look(root)
    assert addressed.add(root, anyip=["10.9.0.0/24", "10.10.0.0/24"]) == 0
    assert (root / path).read_text().count("10.9.0.0/24") == 1 and "10.10.0.0/24" in (root / path).read_text()
    assert addressed.remove(root, anyip=["10.10.0.0/24"]) == 0
    assert tree.look(root) == first
    assert addressed.remove(root, anyip=["10.9.0.0/24", "2001:db8:9::/64"]) == 0
    assert not (root / path).exists()
    for _ in range(4):
        assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert tree.look(root) == old


def test_the_script_is_one_that_a_shell_takes(tmp_path: Path) -> None:
    root = addressed.make(tmp_path, RUNNERS["ifupdown"][0])
    assert addressed.add(root, anyip=["10.9.0.0/24"]) == 0
    script = root / RUNNERS["ifupdown"][1]
    assert script.stat().st_mode & 0o777 == 0o755
    done = subprocess.run(["sh", str(script)], env={"IFACE": "eth0", "PATH": "/bin"}, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no file or daemon"),
        ({"/run/NetworkManager/devices/1": "connection-uuid=1\n"}, "no local routes"),
        (
            RUNNERS["netplan"][0] | {"/etc/netplan/91-hosttune-anyip.yaml": "network: {}\n"},
            "did not write it",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(
    files: dict[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = addressed.make(tmp_path, files)
    old = tree.look(root)
    assert addressed.add(root, anyip=["10.9.0.0/24"]) == 5
    said = json.loads(capsys.readouterr().out)["refused"]
    assert says in said[0] and "--runtime-only" in said[0]
    assert tree.look(root) == old


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.9.0.0", "has no length"),
        ("10.9.0.1/24", "write 10.9.0.0/24"),
        ("10.9.0.1/32", "is one address"),
        ("0.0.0.0/0", "too wide"),
        ("10.0.0.0/8", "too wide"),
        ("::/0", "too wide"),
        ("127.9.0.0/16", "no prefix that connections can come from"),
        ("224.0.0.0/24", "no prefix that connections can come from"),
        ("fe80::/64", "no prefix that connections can come from"),
        ("10.9.0.0/24\n[Route]", "not appear to be"),
        ("10.9.0.0/33", "not appear to be"),
        ("x/24", "not appear to be"),
    ],
)
def test_what_is_no_prefix_to_make_local(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        anyip.parse(text)
    with pytest.raises(ValueError, match=says):
        anyip.check(text, backends.PRESENT)
    for ask in (
        lambda: backends.read(LiveHost(), "anyip", text),
        lambda: backends.write(LiveHost(), "anyip", text, backends.PRESENT),
    ):
        with pytest.raises(OSError) as caught:
            ask()
        assert caught.value.errno == errno.EINVAL
