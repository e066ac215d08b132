"""The plan of source addresses on recorded answers: sums, clouds, what is too few, and both its forms."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hosttune.errors import UsageError
from hosttune.facts import cloud_addresses
from hosttune.host.recorded import Recorded, _probe_key
from hosttune.model import More, SourcePlan
from hosttune.options import Options
from hosttune.render import render, sources
from hosttune.render.view import source_plan, sources_changed
from hosttune.workflows import sources_plan

SYSCTLS = {"ip_local_port_range": "32768\t60999", "tcp_tw_reuse": "2", "tcp_timestamps": "1"}
CLOUDS = {"aws": "Amazon EC2", "gcp": "Google", "azure": "Microsoft Corporation", "openstack": "OpenStack"}


def link(**given: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "up": True, "carrier": True, "loopback": False, "arp": True, "addresses": [], "gateways": [], "neighbours": [],
    }  # fmt: skip
    return found | given


def host(*, vendor: str = "", prefix: int = 24, gateway: str = "", used: int = 0) -> Recorded:
    """Return a host with 10.0.0.9 on eth0 that reaches 10.0.0.11 there; `used` ports are open."""
    own = {"address": "10.0.0.9", "prefix": prefix, "permanent": True}
    links = {
        "lo": link(loopback=True, arp=False, addresses=[{"address": "127.0.0.1", "prefix": 8, "permanent": True}]),
        "eth0": link(addresses=[own], neighbours=["10.0.0.30", "ff02::16"], gateways=[gateway] if gateway else []),
    }
    ways = {"10.0.0.11": {"source": "10.0.0.9", "gateway": gateway, "interface": "eth0", "error": ""}}
    tuples = [
        {
            "source": "10.0.0.9", "address": "10.0.0.11", "port": 1883, "established": hex(((1 << used) - 1) << 32768),
            "time_wait": "0x0", "half_closed": "0x0", "other": "0x0",
        }
    ]  # fmt: skip
    probes = {
        _probe_key("links", {}): {"links": links, "local": [["127.0.0.0/8", "lo"]], "defaults": []},
        _probe_key("routes", {"destinations": ["10.0.0.11"]}): ways,
    }
    for whole in (True, False):
        key = _probe_key("sockets", {"backends": [["10.0.0.11", 1883]], "whole": whole})
        probes[key] = {"tuples": tuples if used else [], "held": [], "local": []}
    reads = {f"/proc/sys/net/ipv4/{name}": {"is": f"{value}\n"} for name, value in SYSCTLS.items()}
    reads |= {"/sys/class/dmi/id/sys_vendor": {"is": vendor}, "/proc/sys/kernel/osrelease": {"is": "6.12.1\n"}}
    return Recorded({"reads": reads, "globs": {}, "probes": {k: {"is": v} for k, v in probes.items()}})


def made(connections: int, of: Recorded | None = None, **given: Any) -> SourcePlan:
    headroom = given.pop("headroom", "0")
    options = {"role": ["lb"], "connections": connections, "rate": 1, "backend": ["10.0.0.11:1883"]} | given
    return sources_plan.on(of or host(), Options(**options), "", headroom)


@pytest.mark.parametrize(
    ("connections", "now", "widest"),
    [
        (14_116, More(0, 0), More(0, 0)),
        (14_117, More(0, 1), More(0, 0)),
        (28_232, More(0, 1), More(0, 0)),
        (28_233, More(1, 2), More(0, 0)),
        (32_257, More(1, 2), More(0, 1)),
        (1_000_000, More(35, 70), More(15, 31)),
    ],
)
def test_the_sums_are_those_of_the_pools(connections: int, now: More, widest: More) -> None:
    (outlet,) = made(connections).egress_interfaces
    assert (outlet.now, outlet.widest) == (now, widest)


def test_open_connections_are_among_those_wanted() -> None:
    (outlet,) = made(28_233, host(used=20_000)).egress_interfaces
    assert outlet.now.hard == 1 and outlet.pools[0].used == 20_000
    assert "20,000 of 28,232 ports in use (71 %)" in render(made(28_233, host(used=20_000)), "table", width=100)


def test_headroom_keeps_a_share_of_the_ports_free() -> None:
    assert made(25_408, headroom="10%").egress_interfaces[0].now.hard == 0  # 28,232 x 0.9 = 25,408.8
    assert made(25_409, headroom="0.1").egress_interfaces[0].now.hard == 1
    for text in ("1", "91%", "-1", "x", "1/2", "", "0.1.1", "nan"):
        with pytest.raises(UsageError, match="--headroom"):
            sources_plan.share(text)


def test_a_program_that_only_connects_has_one_address() -> None:
    plan = made(100_000, bind_mode="connect")
    assert plan.egress_interfaces[0].have == ("10.0.0.9",)
    assert any("must bind to them" in note for note in plan.notes)


def test_explicit_bind_has_no_knee_and_its_own_range() -> None:
    plan = made(100_000, bind_mode="explicit:10000-19999")
    assert plan.egress_interfaces[0].now == More(9, None) and plan.range_widest == plan.range_now == (10000, 19999)
    assert plan.next == ("sudo hosttune sources add 10.0.0.12-10.0.0.20/24@eth0",)
    assert "with the widest range" not in render(plan, "table", width=100)


def test_the_commands_carry_it_in_order() -> None:
    first, second = made(1_000_000).next
    assert first.startswith("sudo hosttune apply --only sysctl --role lb --connections 1000000")
    assert second == "sudo hosttune sources add 10.0.0.31-10.0.0.61/24@eth0"
    assert made(100).next == () and made(100).carried


def test_too_few_free_ones_leave_the_prefix() -> None:
    plan = made(1_000_000, host(prefix=28))
    text = render(plan, "table", width=100)
    assert "too few: 31 are needed" in text and "12 addresses of 10.0.0.0/28 seem free" in text
    assert (
        plan.next[-1]
        == f"sudo hosttune sources add --anyip {plan.anyip}"
        == ("sudo hosttune sources add --anyip 10.9.0.0/27")
    )
    assert "sudo ip route add 10.9.0.0/27 via 10.0.0.9" in text


def test_an_address_alone_shows_no_free_ones() -> None:
    plan = made(1_000_000, host(prefix=32, gateway="10.0.0.1"))
    text = render(plan, "table", width=100)
    assert "has no subnet on eth0" in text and plan.egress_interfaces[0].chosen == ()
    assert "their router, which needs the route: 10.9.0.0/27 via 10.0.0.9" in text


@pytest.mark.parametrize("cloud", CLOUDS)
def test_only_the_cloud_where_we_are_is_told(cloud: str) -> None:
    plan = made(1_000_000, host(vendor=CLOUDS[cloud]))
    text = render(plan, "table", width=100)
    others = [row.command.split()[0] for row in cloud_addresses._ROWS if row.name != cloud]
    assert plan.cloud is not None and plan.cloud.command in text and plan.cloud.source in " ".join(text.split())
    assert not any(f"\n    {word} " in text for word in others)
    if cloud == "aws":
        assert "--secondary-private-ip-address-count 31\n" in text
    assert f"the network of {cloud} must route the prefix" in text


def test_of_another_cloud_it_is_not_known() -> None:
    assert "hetzner: whether it forwards packets" in " ".join(
        render(made(1_000_000, host(vendor="Hetzner")), "table", width=100).split()
    )
    assert cloud_addresses.of("", 3) is None


@pytest.mark.parametrize("connections", [100, 30_000, 1_000_000])
@pytest.mark.parametrize("vendor", ["", "Amazon EC2"])
def test_the_document_holds_to_its_schema(connections: int, vendor: str) -> None:
    schema = json.loads((files("hosttune.render") / "sources-plan.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    document = json.loads(render(made(connections, host(vendor=vendor)), "json"))
    Draft202012Validator(schema).validate(document)
    assert document["schema"] == source_plan.SCHEMA


def test_a_backend_on_this_host_takes_no_address_more() -> None:
    own = host()
    own._probes[_probe_key("routes", {"destinations": ["127.0.0.1"]})] = {
        "is": {"127.0.0.1": {"source": "127.0.0.1", "gateway": "", "interface": "lo", "error": ""}}
    }
    for whole in (True, False):
        key = _probe_key("sockets", {"backends": [["127.0.0.1", 1883]], "whole": whole})
        own._probes[key] = {"is": {"tuples": [], "held": [], "local": []}}
    plan = made(100_000, own, backend=["127.0.0.1:1883"])
    assert not plan.carried and not any("sources add" in one for one in plan.next)
    assert "bind to 4 of them" in " ".join(render(plan, "table", width=100).split())
    assert made(100, own, backend=["127.0.0.1:1883"]).carried


def test_lines_fit_and_commands_are_whole() -> None:
    for line in render(made(1_000_000, host(vendor="Google")), "table", width=60).splitlines():
        words = line.split()
        assert len(line) <= 60 or words[0] in ("sudo", "gcloud") or len(words[-1]) > 50, line


def test_what_no_backend_or_no_route_is() -> None:
    with pytest.raises(UsageError, match="no backend"):
        made(100, backend=[])
    with pytest.raises(UsageError, match="routes are not seen"):
        made(100, backend=["10.0.0.12:1883"])
    with pytest.raises(UsageError, match="reached by eth0"):
        sources_plan.on(host(), Options(role=["lb"], backend=["10.0.0.11:1883"]), "eth1")


def test_the_document_of_a_change_has_a_schema() -> None:
    schema = json.loads((files("hosttune.render") / "sources.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"]["const"] == sources_changed.SCHEMA


def test_runs_of_addresses() -> None:
    found = sources.runs(["10.0.0.2/24@a", "10.0.0.1/24@a", "10.0.0.4/24@a", "2001:db8::1/64@a", "10.0.0.5/24@b"])
    assert found == ["10.0.0.1-10.0.0.2/24@a", "10.0.0.4/24@a", "2001:db8::1/64@a", "10.0.0.5/24@b"]


def test_a_configuration_without_a_backend_says_what_it_has_instead() -> None:
    seen = host()
    seen._reads["/x.cfg"] = {"is": "listen f\n bind :80\n server s /run/app.sock\n"}
    with pytest.raises(UsageError) as caught:
        sources_plan.on(seen, Options(role="lb", backends_from="/x.cfg"))
    said = str(caught.value)
    assert said.startswith("sources plan: no backend of /x.cfg can be counted: /x.cfg:3: ") and "Unix socket" in said


def test_of_a_program_in_which_connections_end_it_says_that() -> None:
    seen = host()
    seen._reads["/m.conf"] = {"is": "listener 1883\nlistener 0 /run/m.sock\nallow_anonymous true\n"}
    with pytest.raises(UsageError, match=r"no backend in /m\.conf: connections end in mosquitto; name those that it "):
        sources_plan.on(seen, Options(role="lb", backends_from="/m.conf"))
