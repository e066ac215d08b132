"""The files that keep source addresses, read by the programs that they are for: each gives an interface all of them.

Programs of Debian roots run in mount and network namespaces of their own; systemd-networkd runs there without PID 1.
NetworkManager's daemon wants a bus: only the script that its dispatcher would call is run, and what netplan makes for
it is read.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from hosttune.facts import interface
from tests.changes import acts, tree
from tests.differential.roots import needed_root

EXTRA = ("ifupdown", "iproute2", "netplan.io")
OLD = "10.0.0.10/24"
NEW = ("10.0.0.21/24", "10.0.0.22/32", "2001:db8::21/64")
_SANDBOX = r"""
set -e
root=$1 tree=$2 script=$3 name=$4
mount --make-rprivate /
mount -t proc proc "$root/proc"
# read-only: systemd-networkd then knows that no udevd will tell it of links
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount --bind "$tree" "$root/mnt"
for step in pre-up up down post-down; do mkdir -p "$tree/etc/network/if-$step.d"; done
mkdir -p "$tree/etc/systemd/network" "$root/run/network" "$root/etc/systemd/network"
mount --bind "$tree/etc/network" "$root/etc/network"
mount --bind "$tree/etc/systemd/network" "$root/etc/systemd/network"
chroot "$root" sh -ec "
    ip link set lo up
    ip link add $name type veth peer name peer
    ip link set peer up
    $script"
"""
_NETWORKD = r"""
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network: /run/systemd/netif
/lib/systemd/systemd-networkd >/run/said 2>&1 & pid=$!
state=/run/systemd/netif/links/$(cat /sys/class/net/eth0/ifindex)
for i in $(seq 300); do
    if ip address show dev eth0 | grep -q 2001:db8::21 && grep -q ^NETWORK_FILE= $state; then break; fi
    sleep 0.1
done
cat $state >&2
kill $pid; wait $pid || true
ip -j address show dev eth0
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def root(request: pytest.FixtureRequest) -> Path:
    suite = str(request.param)
    return needed_root(suite, EXTRA)


def kept(tmp_path: Path, files: dict[str, str], name: str = "eth0", addresses: tuple[str, ...] = NEW) -> Path:
    """Return a machine of files onto which `apply` has put the addresses."""
    made = tree.make(tmp_path / "host", {f"/sys/class/net/{name}/ifindex": "2\n", **files})
    asked = tree.asked(only="addresses", persist_only=True, add_address=[f"{a}@{name}" for a in addresses])
    with contextlib.redirect_stdout(io.StringIO()):
        assert acts.apply(tree.Host(made), asked) == 0
    return made


def run(root: Path, host: Path, script: str, name: str = "eth0") -> subprocess.CompletedProcess[str]:
    """Run a shell script in a root that has the machine's files, and an interface with a carrier."""
    # in a namespace of processes too: whatever a script starts ends with it
    apart = ["unshare", "-m", "-n", "-p", "--fork", "--kill-child"]
    command = [*apart, "sh", "-c", _SANDBOX, "sh", str(root), str(host), script, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def shown(text: str) -> set[str]:
    """Return the addresses of `ip -j address show`, without those that the kernel makes itself."""
    found = {f"{a['local']}/{a['prefixlen']}" for link in json.loads(text) for a in link.get("addr_info", [])}
    return {one for one in found if not one.startswith("fe80:")}


def netplan(section: str, settings: str, *, id_: str = "eth0", renderer: str = "networkd") -> str:
    head = f"network:\n  version: 2\n  renderer: {renderer}\n  {section}:\n    {id_}:\n"
    return head + "".join(f"      {line}\n" for line in [*settings.splitlines(), f"addresses: [{OLD}]"])


PLANS = {
    "ethernets": (netplan("ethernets", "dhcp6: false"), "eth0", "eth0"),
    "bonds": (netplan("bonds", "parameters: {mode: active-backup}", id_="bond0"), "bond0", "bond0"),
    "bridges": (netplan("bridges", "dhcp4: no", id_="br0"), "br0", "br0"),
    "vlans": (
        netplan("ethernets", "dhcp4: no", id_="eth9") + "  vlans:\n    eth9.100:\n      id: 100\n      link: eth9\n"
        f"      addresses: [{OLD}]\n",
        "eth9.100",
        "eth9.100",
    ),
    "renamed": (
        netplan("ethernets", "match: {macaddress: '02:00:00:00:00:01'}\nset-name: eth0", id_="lan"),
        "eth0",
        "lan",
    ),
}


@pytest.mark.parametrize("plan", PLANS)
def test_netplan_gives_networkd_both_lists(plan: str, root: Path, tmp_path: Path) -> None:
    text, name, id_ = PLANS[plan]
    state = f"NETWORK_FILE=/run/systemd/network/10-netplan-{id_}.network\n"
    host = kept(tmp_path, {"/etc/netplan/50-cloud-init.yaml": text, "/run/systemd/netif/links/2": state}, name)
    (host / "etc/netplan/50-cloud-init.yaml").chmod(0o600)
    done = run(root, host, "netplan generate --root-dir /mnt")
    assert not re.search("error|warning|permissions", done.stderr, re.I), done.stderr
    made = (host / f"run/systemd/network/10-netplan-{id_}.network").read_text()
    assert set(re.findall(r"^Address=(.*)$", made, re.M)) == {OLD, *NEW}


TUNNEL = """\
network:
  version: 2
  renderer: networkd
  ethernets:
    eth0:
      addresses: [10.0.0.10/24]
  tunnels:
    he-ipv6:
      mode: sit
      remote: 192.0.2.1
      local: 192.0.2.2
"""
COST = """\
network:
  version: 2
  renderer: networkd
  bridges:
    br0:
      interfaces: [eth0]
      parameters:
        path-cost:
          eth0: 100
  ethernets:
    eth0:
      addresses: [10.0.0.10/24]
"""
DUMMY = """\
network:
  version: 2
  renderer: networkd
  ethernets: {eth0: {dhcp4: true}}
  dummy-devices:
    dm1:
      addresses: [10.1.1.1/32]
"""
OTHERS = {
    "tunnel": (TUNNEL, "he-ipv6"),
    "path-cost": (COST, "eth0"),
    "dummy": (DUMMY, "dm1"),
    "braces": (DUMMY, "eth0"),
}


@pytest.mark.parametrize("plan", OTHERS)
def test_netplan_still_makes_all_that_it_made(plan: str, root: Path, tmp_path: Path) -> None:
    text, id_ = OTHERS[plan]
    if text is DUMMY and "bookworm" in root.name:
        text = text[: text.index("  dummy-devices")]  # netplan has them since 0.107
        id_ = "eth0"
    state = f"NETWORK_FILE=/run/systemd/network/10-netplan-{id_}.network\n"
    host = kept(tmp_path, {"/etc/netplan/50-cloud-init.yaml": text, "/run/systemd/netif/links/2": state}, id_)
    (host / "etc/netplan/50-cloud-init.yaml").chmod(0o600)
    done = run(root, host, "netplan generate --root-dir /mnt")
    assert not re.search("error|warning|permissions", done.stderr, re.I), done.stderr
    made = [host / f"run/systemd/network/10-netplan-{id_}.network"]
    made += host.glob(f"etc/systemd/network/10-netplan-{id_}.network.d/*.conf")
    found = [address for path in made for address in re.findall(r"^Address=(.*)$", path.read_text(), re.M)]
    assert set(NEW) <= set(found) and len(found) == len(set(found))


def test_netplan_gives_networkmanager_both_lists(root: Path, tmp_path: Path) -> None:
    text = netplan("ethernets", "dhcp4: no", renderer="NetworkManager")
    host = kept(tmp_path, {"/etc/netplan/01-network-manager-all.yaml": text})
    run(root, host, "netplan generate --root-dir /mnt")
    made = (host / "run/NetworkManager/system-connections/netplan-eth0.nmconnection").read_text()
    assert set(re.findall(r"^address\d+=(.*)$", made, re.M)) == {OLD, *NEW}


def test_networkd_adds_the_drop_in(root: Path, tmp_path: Path) -> None:
    files = {
        "/run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/10-lan.network\n",
        "/etc/systemd/network/10-lan.network": f"[Match]\nName=eth0\n\n[Network]\nAddress={OLD}\n",
    }
    host = kept(tmp_path, files)
    done = run(root, host, _NETWORKD)
    assert shown(done.stdout) == {OLD, *NEW}
    # what `runner` goes by is what this networkd leaves behind
    assert "\nNETWORK_FILE=/etc/systemd/network/10-lan.network\n" in done.stderr


def test_networkd_takes_as_many_as_can_be_asked_for(root: Path, tmp_path: Path) -> None:
    files = {
        "/run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/10-lan.network\n",
        "/etc/systemd/network/10-lan.network": f"[Match]\nName=eth0\n\n[Network]\nAddress={OLD}\n",
    }
    host = kept(tmp_path, files, addresses=("10.1.0.0-10.1.15.255/16", "2001:db8::21/64"))
    assert len(shown(run(root, host, _NETWORKD).stdout)) == 1 + 4096 + 1


@pytest.mark.parametrize("name", ["eth0", "eth0.100", "br_lan"])
def test_ifup_adds_them_after_the_interfaces_own(name: str, root: Path, tmp_path: Path) -> None:
    # the host's own stanza may come after what it sources, and may write its mask apart
    stanza = f"source /etc/network/interfaces.d/*\nauto {name}\niface {name} inet static\n"
    stanza += "    address 10.0.0.10\n    netmask 255.255.255.0\n"
    host = kept(tmp_path, {"/etc/network/interfaces": stanza, "/sbin/ifup": ""}, name)
    text = run(root, host, f"ifup {name} >&2; ip -j address show dev {name}", name).stdout
    assert shown(text) == {OLD, *NEW}
    # the first is the address from which traffic leaves
    assert next(a["local"] for a in json.loads(text)[0]["addr_info"] if a["family"] == "inet") == "10.0.0.10"


BROUGHT_UP = [
    "auto eth0\n",
    "allow-hotplug eth0\n",
    "allow-auto lo eth0\n",
    "auto eth1\n",
    "allow-other eth0\n",
    "# auto eth0\n",
    "auto \\\n eth0\n",
    "source /etc/network/more/*\n",
    "source more/a\n",
    "source-directory /etc/network/more\n",
    "source-directory more\n",
    "",
]


def test_ifup_has_the_interfaces_that_a_line_brings_up(root: Path, tmp_path: Path) -> None:
    script, ours = "", []
    for number, head in enumerate(BROUGHT_UP):
        files = {
            "/etc/network/interfaces": f"{head}iface eth0 inet manual\n",
            "/etc/network/more/a": "auto eth0\n",
            "/sbin/ifup": "",
        }
        host = tree.make(tmp_path / str(number), files)
        ours.append(interface.runner(tree.Host(host), "eth0").kind)
        script += f"cp -r /mnt/{number}/etc/network/. /etc/network/\n"
        script += "echo $(ifquery --list --allow=auto; ifquery --list --allow=hotplug)\n"
    said = run(root, tmp_path, script).stdout.splitlines()
    assert ours == ["ifupdown" if "eth0" in line.split() else "" for line in said]
    assert set(ours) == {"ifupdown", ""}


def test_the_dispatchers_script_adds_them(root: Path, tmp_path: Path) -> None:
    host = kept(tmp_path, {"/run/NetworkManager/devices/2": "[device]\nmanaged=true\nconnection-uuid=1\n"})
    script = "/mnt/etc/NetworkManager/dispatcher.d/90-hosttune-eth0"
    show = "ip -j address show dev eth0"
    assert shown(run(root, host, f"{script} eth0 down; {script} peer up; {show}").stdout) == set()
    assert shown(run(root, host, f"{script} eth0 up; {script} eth0 up; {show}").stdout) == set(NEW)
