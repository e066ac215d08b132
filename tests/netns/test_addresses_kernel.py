"""The addresses probe reads the kernel's dumps itself: what it says is what pyroute2 reads from the same kernel."""

from __future__ import annotations

import subprocess

from hosttune.host import netlink
from hosttune.host.probes import addresses
from tests.netns.sandbox import inside


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def compared() -> None:
    for words in (
        ("address", "add", "192.0.2.9/24", "dev", "lo"),
        ("-6", "address", "add", "2001:db8::9/64", "dev", "lo"),
        ("route", "add", "local", "10.9.0.0/16", "dev", "lo"),
        ("-6", "route", "add", "local", "fd01::/64", "dev", "lo"),
        ("route", "add", "local", "10.8.0.0/16", "dev", "lo", "table", "77"),
        ("route", "add", "local", "10.7.0.1/32", "dev", "lo"),
    ):
        ip(*words)
    theirs = netlink.routing(
        lambda routing: (
            {str(one.get_attr("IFA_LOCAL") or one.get_attr("IFA_ADDRESS")) for one in routing.get_addr()},
            {
                f"{one.get_attr('RTA_DST')}/{one['dst_len']}"
                for one in routing.get_routes(table=255)
                if one["type"] == 2 and one["dst_len"] < (32 if one["family"] == 2 else 128)
            },
        )
    )
    ours = addresses.run()
    assert (set(ours["addresses"]), set(ours["local_routes"])) == (theirs[0], theirs[1] - {"127.0.0.0/8"}), (
        ours,
        theirs,
    )
    assert {"10.9.0.0/16", "fd01::/64"} <= set(ours["local_routes"])
    ip("route", "add", "local", "default", "dev", "lo")
    assert "0.0.0.0/0" in addresses.run()["local_routes"]


def test_the_dumps_are_read_as_pyroute2_reads_them() -> None:
    inside("tests.netns.test_addresses_kernel", "compared")
