"""Source NAT and rules that count, as predicted, against what the kernel carries until the first connection fails."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from hosttune import api
from hosttune.capacity import translation
from hosttune.host.probes import translated
from hosttune.model import Bound
from hosttune.model.filtering import Matching, Translation
from hosttune.options import Options, Stall
from tests.diagnosis import far, made
from tests.netns.sandbox import ROOT, inside

_SERVER = ("10.0.2.2", 1883)
_BACKEND = "10.0.2.2:1883"
_POST = "type nat hook postrouting priority 100"
_OUT = "type filter hook output priority 0"


def test_a_gateway_carries_the_ports_of_its_rule() -> None:
    scenes = json.loads(inside("tests.netns.test_nat_kernel", "pass_on").splitlines()[-1])
    for scene in scenes["ranges"]:
        ports, (least, _, most) = scene["ports"], translation.first_loss(scene["ports"])
        assert scene["predicted"] == ports == scene["end"], scene
        # the interval is that of nine runs in ten
        assert min(least, int(0.88 * ports) if ports > 129 else ports) <= scene["first"] <= ports, scene
        assert most <= ports
    assert scenes["full"]["used"] == 100, scenes["full"]
    assert scenes["full"]["certain"] == ["nat"], scenes["full"]
    assert scenes["address"] == [scenes["hash"]], scenes


def test_a_host_carries_what_its_own_rules_leave() -> None:
    for scene in json.loads(inside("tests.netns.test_nat_kernel", "go_out").splitlines()[-1]):
        assert scene["predicted"] == scene["carried"], scene


def pass_on() -> None:
    """Have a client go through this namespace with one rule after another; print what is predicted and carried."""
    found: dict[str, Any] = {"ranges": []}
    with far.hosts(2) as (client, server):
        far.wire(1, None, client)
        far.wire(2, None, server)
        far.route(client, "10.0.1.1")
        made.sysctl("net/ipv4/ip_forward", "1")
        client.sysctl("net/ipv4/ip_local_port_range", "1024 65535")
        server.listen(_SERVER)
        for rule, ports in (
            ("masquerade to :20000-20049", 50),
            ("snat to 10.0.2.1:21000-21128", 129),
            ("snat to 10.0.2.1:22000-22999 fully-random", 1000),
        ):
            _translate(f"oifname near2 ip protocol tcp {rule}")
            predicted = _bound(_report("gateway"), "nat").hard
            with _clients(client, ports) as (first, end):
                found["ranges"].append({"ports": ports, "predicted": predicted, "first": first, "end": end})
        _translate("oifname near2 ip protocol tcp masquerade to :24000-24099")
        with _clients(client, 100):
            cause = api.diagnose(Options(backend=(_BACKEND,)), stall=Stall()).causes
            found["full"] = {
                "used": _bound(_report("gateway"), "nat").used,
                "certain": [c.kind for c in cause if c.certainty == "certain"],
                "what": [c.what for c in cause],
            }
        _translate("oifname near2 snat to 10.9.0.1-10.9.0.250")
        server.run("ip", "route", "add", "10.9.0.0/24", "via", "10.0.2.1")
        many = Translation("r", Matching(), addresses=(("10.9.0.1", "10.9.0.250"),))
        with _clients(client, 1):
            rows = translated.run([list(_SERVER)], ["10.0.2.1"])["rows"]
            found["address"] = [row["address"] for row in rows if row["address"].startswith("10.9.")]
            found["hash"] = translation.address(many, "10.0.1.2", "10.0.2.2")
    print(json.dumps(found))


def go_out() -> None:
    """Connect from here through one rule after another; print what is predicted and carried."""
    found: list[dict[str, Any]] = []
    with far.hosts(1) as (server,):
        far.wire(2, None, server)
        made.sysctl("net/ipv4/ip_local_port_range", "40000 40199")
        server.listen(_SERVER)
        for text in (
            f"{_POST}; ip protocol tcp snat to 10.0.2.1:20000-20049",
            f"{_POST}; masquerade",
            f"{_POST}; ip saddr 172.17.0.0/16 oifname != docker0 masquerade",
            f"{_POST}; ip saddr 172.17.0.0/16 ip protocol tcp masquerade to :20000-20009",
            f"{_OUT}; tcp dport 1883 ct state new ct count over 60 drop",
        ):
            _load(text)
            least = _report("client").bounds[0]
            clients: list[socket.socket] = []
            _fill(clients)
            found.append({"rule": text, "predicted": least.hard, "by": least.id, "carried": len(clients)})
            made.close(clients)
    print(json.dumps(found))


def _translate(rule: str) -> None:
    _load(f"{_POST}; {rule}")


def _load(chain: str) -> None:
    """Have one chain of rules, and no other."""
    text = "table ip hosttune\ndelete table ip hosttune\ntable ip hosttune {\nchain a {\n"
    far.rules(None, text + chain.replace("; ", "\n") + "\n}\n}\n")


def _report(role: str) -> Any:
    return api.capacity(Options(role=(role,), connections=1000, backend=(_BACKEND,)))


def _bound(report: Any, kind: str) -> Bound:
    (bound,) = [bound for bound in report.bounds if bound.kind == kind]
    assert isinstance(bound, Bound)
    return bound


@contextlib.contextmanager
def _clients(host: far.Far, ports: int) -> Iterator[tuple[int, int]]:
    """Have the client hold as many connections as its NAT gives it; yield the first loss, and all in the end."""
    command = ["nsenter", "-t", str(host.pid), "-n", sys.executable, "-m", "tests.netns.nat_client"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, _SERVER[0], str(_SERVER[1]), str(ports)], cwd=ROOT, stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdin and process.stdout
    try:
        first, end = map(int, process.stdout.readline().split())
        yield first, end
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def _fill(clients: list[socket.socket]) -> None:
    while True:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.settimeout(0.9)
        try:
            client.connect(_SERVER)
        except OSError:
            client.close()
            return
        clients.append(client)
