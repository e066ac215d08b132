"""The files that keep local prefixes, read by the programs that they are for: the kernel then has the routes."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from tests.changes import acts, addressed, tree
from tests.differential.test_addresses_differential import root, run  # noqa: F401

PREFIXES = ["10.9.0.0/24", "2001:db8:9::/64"]
_LOCAL = "ip route show table local type local dev lo; ip -6 route show table local type local dev lo"
_NETWORKD = f"""
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network: /run/systemd/netif
ip address add 10.20.0.1/32 dev lo
/lib/systemd/systemd-networkd >/run/said 2>&1 & pid=$!
for i in $(seq 100); do
    ip -6 route show table local | grep -q 2001:db8:9:: && ip address show dev eth0 | grep -q 10.0.0.10 && break
    sleep 0.1
done
cat /run/systemd/netif/links/1 >&2
kill $pid; wait $pid || true
ip -o address show dev lo
{_LOCAL}
"""
LAN = {"/etc/systemd/network/10-lan.network": "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.0.10/24\n"}
OWN = {**addressed.NETWORKD, "/run/systemd/netif/links/1": "ADMIN_STATE=unmanaged\n"}
LOOPBACK = {
    **addressed.NETWORKD,
    "/run/systemd/netif/links/1": "NETWORK_FILE=/etc/systemd/network/05-lo.network\n",
    "/etc/systemd/network/05-lo.network": "[Match]\nName=lo\n\n[Network]\nAddress=10.20.0.9/32\n\n"
    "[Route]\nDestination=10.30.0.0/24\nType=local\n",
}


def kept(tmp_path: Path, files: dict[str, str]) -> Path:
    """Return a machine of files onto which `sources add --anyip` has put the prefixes."""
    made = addressed.make(tmp_path, files)
    with contextlib.redirect_stdout(io.StringIO()):
        assert acts.change(tree.Host(made), addressed.asked(anyip=PREFIXES)) == 0
    return made


def routes(text: str) -> set[str]:
    return set(re.findall(r"^local (\S+/\d+) ", text, re.M)) - {"127.0.0.0/8"}


def test_networkd_takes_a_file_of_the_loopback_and_leaves_what_others_put_there(root: Path, tmp_path: Path) -> None:  # noqa: F811
    done = run(root, kept(tmp_path, {**LAN, **OWN}), _NETWORKD)
    assert routes(done.stdout) == set(PREFIXES), done.stderr
    assert {"127.0.0.1/8", "10.20.0.1/32"} <= set(re.findall(r"inet (\S+)", done.stdout))
    # what `runner` goes by on the next apply
    assert "NETWORK_FILE=/etc/systemd/network/90-hosttune-lo.network" in done.stderr


def test_networkd_adds_the_drop_in_of_the_loopback(root: Path, tmp_path: Path) -> None:  # noqa: F811
    done = run(root, kept(tmp_path, {**LAN, **LOOPBACK}), _NETWORKD)
    assert routes(done.stdout) == {*PREFIXES, "10.30.0.0/24"}, done.stderr
    assert "10.20.0.9/32" in done.stdout


def test_ifup_runs_the_script(root: Path, tmp_path: Path) -> None:  # noqa: F811
    host = kept(tmp_path, {"/etc/network/interfaces": "auto lo\niface lo inet loopback\n", "/sbin/ifup": ""})
    assert routes(run(root, host, f"ifup lo >&2; {_LOCAL}").stdout) == set(PREFIXES)


def test_netplan_gives_networkd_the_routes(root: Path, tmp_path: Path) -> None:  # noqa: F811
    text = "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    lo:\n      addresses: [10.20.0.9/32]\n"
    text += "      routes:\n        - to: 10.30.0.0/24\n          type: local\n"
    host = kept(tmp_path, {"/etc/netplan/50-lo.yaml": text})
    (host / "etc/netplan/50-lo.yaml").chmod(0o600)
    done = run(root, host, "netplan generate --root-dir /mnt")
    assert not re.search("error|warning|permissions", done.stderr, re.I), done.stderr
    made = (host / "run/systemd/network/10-netplan-lo.network").read_text()
    sections = made.split("[Route]\n")[1:]
    assert {re.findall(r"^Destination=(.*)$", one, re.M)[0] for one in sections} == {*PREFIXES, "10.30.0.0/24"}
    assert all("Type=local" in one for one in sections), made
