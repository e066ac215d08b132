"""What the rules of the packet filter are read as, against what the kernel does with real connections."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hosttune.facts import machine, ruleset
from hosttune.host import answers
from hosttune.host.live import LiveHost
from hosttune.host.probes import ruleset as probe
from hosttune.host.recorded import Recorded, Recording
from hosttune.model import Unknown
from hosttune.model.filtering import Packet, Ruleset
from hosttune.model.packets import met
from tests import needs
from tests.netns.sandbox import inside

_COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")
_TABLE = "table {family} t {{\n{body}\n}}\n"
# what has connections tracked, and what does not: of each the families that are tracked
TRACKED = (
    ("ip", "chain p { type nat hook postrouting priority 100; }", ""),
    ("ip", "chain p {\n ct state new\n }", "ip"),
    ("inet", "chain p {\n ct state new\n }", "ip ip6"),
    ("ip6", 'chain p {\n type nat hook postrouting priority 100\n oifname "x" masquerade\n }', "ip6"),
    ("ip", "chain p {\n type nat hook output priority -100\n tcp dport 9 redirect to :10\n }", "ip"),
    ("ip", "chain p {\n type filter hook output priority 0\n tcp dport 9 ct count over 5 drop\n }", "ip"),
    ("ip", "chain p {\n type filter hook output priority -300\n tcp dport 9 notrack\n }", ""),
    ("ip", "chain p {\n type filter hook prerouting priority -300\n tcp dport 9 ct zone set 5\n }", "ip"),
    ("ip", 'ct helper f { type "ftp" protocol tcp; }', "ip"),
    ("ip", "flags dormant\n chain p {\n type filter hook output priority 0\n ct state new\n }", "ip"),
    ("ip", 'set SNAT {\n type ipv4_addr\n }\n chain CT {\n ip saddr @SNAT accept comment "masq"\n }', ""),
)
# names, and rules that carry a number of connections to port 1884: the count of a state, a map, a jump, a set's
COUNTED = (
    (30, "tcp dport 1884 ct state new ct count over 30 drop"),
    (20, "tcp dport vmap { 9 : drop, 1880-1889 : jump counted }"),
    (25, "tcp dport 1884 add @met { ip saddr ct count over 25 } reject with tcp reset"),
    (15, "tcp dport 1884 ct count 15 accept\n tcp dport 1884 drop"),
)


def nft(text: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=f"flush ruleset\n{text}", text=True, check=True)


def connected(listener: socket.socket, most: int = 100) -> int:
    """Return how many connections there are until one is refused, or not answered."""
    kept: list[socket.socket] = []
    address = listener.getsockname()[:2]
    while len(kept) < most:
        client = socket.socket(listener.family)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.settimeout(0.3)
        try:
            client.connect(address)
        except OSError:
            client.close()
            break
        kept.append(client)
        listener.accept()[0].close()
    for client in kept:
        client.close()
    return len(kept)


def listening(family: int, port: int) -> socket.socket:
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
    server.listen(200)
    return server


def tracks(server: socket.socket) -> bool:
    """Say whether a connection makes an entry."""
    before = int(_COUNT.read_text())
    connected(server, 1)
    return int(_COUNT.read_text()) != before


def tracking() -> None:
    with listening(socket.AF_INET, 1883) as four, listening(socket.AF_INET6, 1883) as six:
        for family, body, wanted in TRACKED:
            nft(_TABLE.format(family=family, body=body))
            answer = probe.run()
            real = [name for name, server in (("ip", four), ("ip6", six)) if tracks(server)]
            assert answer["families"] == real == wanted.split(), (family, body, answer, real)
            assert not answers.wrong("ruleset", json.loads(json.dumps(answer)))
            assert machine.gather(LiveHost()).conntrack is True or not real
        nft("")
        # the entries are still there, and nothing is tracked
        assert not tracks(four) and int(_COUNT.read_text())
        assert isinstance(machine.gather(LiveHost()).conntrack, Unknown)


def counting() -> None:
    with listening(socket.AF_INET, 1884) as server:
        for number, rule in COUNTED:
            nft(
                "table inet t {\n set met { type ipv4_addr; flags dynamic; }\n"
                " chain counted {\n ct count over 20 drop\n }\n"
                " chain out {\n type filter hook output priority 0; policy accept\n udp dport 1884 drop\n"
                f" {rule}\n }}\n}}\n"
            )
            host = Recording(LiveHost())
            rules = ruleset.gather(host)
            assert isinstance(rules, Ruleset)
            packet = Packet("127.0.0.1", "127.0.0.1", 1884, enters="", leaves="lo")
            read = [count.over for count in rules.counts if met(count.matching, packet)]
            assert read == [number] == [connected(server)], (rule, rules.counts)
            assert ruleset.gather(Recorded(json.loads(host.text()))) == rules


def iptables(kind: str) -> None:
    command = [shutil.which(f"iptables-{kind}") or "", "-w"]
    for words in (
        "-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "-t nat -A POSTROUTING -p tcp -o eth+ -j SNAT --to-source 10.7.0.1-10.7.0.9:20000-20049",
        "-A OUTPUT -p tcp --dport 1884 -m connlimit --connlimit-above 20 --connlimit-mask 0 -j DROP",
        "-t raw -A PREROUTING -p tcp --dport 1883 -j CT --notrack",
    ):
        subprocess.run([*command, *words.split()], check=True)
    rules: Any = ruleset.gather(LiveHost())
    first, second = rules.translations
    assert first.masquerades and met(first.matching, Packet("172.17.0.2", "1.1.1.1", 80, leaves="docker0")) is False
    assert met(first.matching, Packet("172.17.0.2", "1.1.1.1", 80, leaves="eth0"))
    assert (second.addresses, second.ports) == ((("10.7.0.1", "10.7.0.9"),), (20000, 20049))
    assert met(second.matching, Packet("10.0.0.1", "1.1.1.1", 80, leaves="eth1"))
    assert [(count.over, count.by) for count in rules.counts] == [(20, "")] and len(rules.untracked) == 1
    assert rules.rules == 4 and rules.families == (socket.AF_INET,)
    with listening(socket.AF_INET, 1884) as server:
        assert connected(server) == 20


def test_what_has_connections_tracked_is_read_as_the_kernel_takes_it() -> None:
    inside("tests.netns.test_ruleset_kernel", "tracking")


def test_counts_are_the_connections_that_the_kernel_lets_be() -> None:
    inside("tests.netns.test_ruleset_kernel", "counting")


@pytest.mark.parametrize("kind", ["nft", "legacy"])
def test_rules_of_iptables_are_read_like_those_of_nftables(kind: str) -> None:
    needs.need("iptables-legacy")
    inside("tests.netns.test_ruleset_kernel", "iptables", kind)
