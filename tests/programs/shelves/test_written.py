"""The real programs take what is emitted, and carry with it: each pair used, a device back at its broker."""

from __future__ import annotations

import dataclasses
import re
import socket
import subprocess
from collections import Counter
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from hosttune.host.live import LiveHost
from hosttune.model import BindMode, Message, Setting, Topology
from hosttune.planning.deploy.formats import limits, sysctls, units
from hosttune.programs.shelves import emqtt_bench, haproxy, k6, mosquitto, nginx, tsung
from hosttune.resolve import pam_limits, sysctl_systemd
from tests.planning.deploy import deployed
from tests.programs import stage

pytestmark = pytest.mark.slow

DTD = Path("/usr/share/tsung/tsung-1.0.dtd")
MESSAGE = Message(size=20, count=2, interval=0.5, keepalive=30, stay=60)
TOPOLOGIES = {
    "the white paper's": deployed.whitepaper(),
    "small": deployed.small(),
    "messages": dataclasses.replace(deployed.small(cores=2), message=MESSAGE),
    "several processes, ports of their own": dataclasses.replace(
        deployed.small(bind_mode=BindMode.EXPLICIT, processes=2, nofile=600, port_range=(20000, 20199)),
        message=MESSAGE,
        hold=30,
    ),
    "large payload, ports of nodes": dataclasses.replace(
        deployed.replaced(deployed.small(), "client", bind_mode=BindMode.EXPLICIT, port_range=(30000, 30999)),
        message=dataclasses.replace(MESSAGE, size=5000, keepalive=0, stay=0),
    ),
    "IPv6": Topology(
        "six",
        400,
        100,
        tuple(
            dataclasses.replace(
                tier, addresses=deployed.span(f"fd00::{number}:1", tier.hosts or 1), source_addresses=()
            )
            for number, tier in enumerate(deployed.small(sources=1).tiers)
        ),
        headroom=Fraction(1, 10),
    ),
}
EVERY = pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES.keys())


@EVERY
def test_haproxy_takes_its_configuration(topology: Topology, tmp_path: Path) -> None:
    stage.need("haproxy")
    for path, text in haproxy.files(deployed.deploy(topology)).items():
        file = tmp_path / path.replace("/", "-")
        file.write_text(text)
        done = subprocess.run(["haproxy", "-c", "-f", str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "[WARNING]" not in done.stderr + done.stdout


@EVERY
def test_tsung_takes_its_configuration_by_its_dtd_and_by_its_own_reader(topology: Topology, tmp_path: Path) -> None:
    stage.need("tsung", "erl")
    (ebin,) = Path("/usr/lib").glob("*/tsung/tsung-1.*/ebin")
    (controller,) = Path("/usr/lib").glob("*/tsung/tsung_controller-1.*/ebin")
    for path, text in tsung.files(deployed.deploy(topology)).items():
        file = tmp_path / path
        file.write_text(text)
        erlang = f"""
            application:load(tsung_controller), {{ok, Own}} = application:get_all_key(tsung_controller),
            [application:set_env(stdlib, K, V) || {{K, V}} <- [{{exclude_tag, ""}} | proplists:get_value(env, Own)]],
            {{Tree, _}} = xmerl_scan:file("{file}", [{{validation, dtd}}]), xmlElement = element(1, Tree),
            {{ok, Read}} = ts_config:read("{file}", "{tmp_path}/"), config = element(1, Read),
            io:format("read~n"), halt(0)."""
        command = ["erl", "-noshell", "-pa", str(ebin), str(controller), "-eval", " ".join(erlang.split())]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )
        assert "read\n" in done.stdout and done.returncode == 0, done.stdout + done.stderr


def test_the_dtd_refuses_what_tsung_does_not_know(tmp_path: Path) -> None:
    """So that the test above can fail."""
    stage.need("erl", "tsung")
    file = tmp_path / "wrong.xml"
    text = tsung.files(deployed.deploy(deployed.small()))["tsung-1.7.xml"]
    file.write_text(text.replace("maxusers=", "maxuser="))
    erlang = (
        f'R = (catch xmerl_scan:file("{file}", [{{validation, dtd}}])), io:format("~p~n", [element(1, R)]), halt(0).'
    )
    done = subprocess.run(["erl", "-noshell", "-eval", erlang], capture_output=True, text=True, check=False, timeout=60)
    assert "'EXIT'" in done.stdout, done.stdout


def addresses(deployment: deployed.Deployment) -> None:
    """Give this namespace all addresses of a deployment."""
    found = {a for host in deployment.hosts for a in (host.address, *host.sources)}
    for address in sorted(found):
        bits = 128 if ":" in address else 32
        extra = ["nodad"] if bits == 128 else []
        subprocess.run(["ip", "address", "add", f"{address}/{bits}", "dev", "lo", *extra], check=True)


def nginx_takes(name: str) -> None:
    Path("/var/log/nginx").mkdir()
    deployment = deployed.deploy(deployed.replaced(TOPOLOGIES[name], "lb", program="nginx"))
    addresses(deployment)
    for path, text in nginx.files(deployment).items():
        file = stage.WORK / path.replace("/", "-")
        file.write_text(text)
        done = subprocess.run(["nginx", "-t", "-c", str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr or "open file resource limit" in done.stderr, done.stderr


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_nginx_takes_its_configuration(name: str) -> None:
    play_nginx_here("nginx_takes", name)


def play_nginx_here(function: str, *args: str) -> None:
    stage.need("nginx", "/usr/lib/nginx/modules/ngx_stream_module.so")
    stage.play(__file__, function, *args)


def established() -> Counter[tuple[str, str]]:
    """Return the connections by source and backend that go out of the balancer."""
    rows = [line.split() for line in stage.ss("state", "established", "dport", "=", ":1883")]
    ends = [(row[2].rpartition(":")[0], row[3]) for row in rows]
    return Counter((source, to) for source, to in ends if not to.startswith("10.1.2.1:"))


def mosquittos(deployment: deployed.Deployment) -> None:
    for path, text in mosquitto.files(deployment).items():
        name = path.split("/")[1]
        file = stage.WORK / f"{name}.conf"
        file.write_text(text)
        file.chmod(0o644)
        stage.start(name, "mosquitto", "-c", str(file))
    for host in deployment.of("broker"):
        stage.wait_for_listener(host.address, 1883)


def device(name: str) -> socket.socket:
    """Connect to the balancer as MQTT 3.1.1 does, and wait for the broker's word."""
    client = socket.socket()
    client.settimeout(10)
    client.bind((stage.FRONTEND, 0))
    client.connect(("10.1.2.1", 1883))
    rest = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name.encode()
    client.sendall(b"\x10" + bytes([len(rest)]) + rest)
    assert client.recv(4) == b"\x20\x02\x00\x00"
    return client


def carries(program: str) -> None:
    """40 devices from one address: every pair carries its part, whatever the balancer."""
    Path("/var/log/nginx").mkdir()
    topology = dataclasses.replace(deployed.small(program=program), message=MESSAGE)
    deployment = deployed.deploy(topology)
    addresses(deployment)
    mosquittos(deployment)
    module = {"haproxy": haproxy, "nginx": nginx}[program]
    ((_, text),) = module.files(deployment).items()
    file = stage.WORK / f"{program}.conf"
    file.write_text(text)
    stage.start(
        program,
        program,
        *(["-f", str(file), "-db"] if program == "haproxy" else ["-c", str(file), "-g", "daemon off;"]),
    )
    stage.wait_for_listener("10.1.2.1", 1883)
    devices = {f"device{number}": device(f"device{number}") for number in range(40)}
    (host,) = deployment.of("lb")
    found = established()
    assert set(found) == {(pair.source, str(pair.backend)) for pair in host.pairs}
    assert sum(found.values()) == 40
    if program == "haproxy":
        assert set(found.values()) == {10}, found  # the least loaded is always next
        comes_back(devices)


def gone(before: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    return before - established()


def comes_back(devices: dict[str, socket.socket]) -> None:
    """A device that comes back alone would be sent to the first line, were it not for its name."""
    for name, client in devices.items():
        before = established()
        client.close()
        left = stage.wait_for("one less", partial(gone, before))
        devices[name] = device(name)
        assert established() - (before - left) == left, name


@pytest.mark.parametrize("program", ["haproxy", "nginx"])
def test_every_pair_carries_its_part(program: str) -> None:
    stage.need("haproxy", "mosquitto")
    play_nginx_here("carries", program)


def shares() -> None:
    """Two processes on one port, each with its part of the range: a device finds its broker through either."""
    deployment = deployed.deploy(TOPOLOGIES["several processes, ports of their own"])
    addresses(deployment)
    mosquittos(deployment)
    processes = []
    for path, text in haproxy.files(deployment).items():
        name = path.rpartition("/")[2]
        (stage.WORK / name).write_text(text)
        processes.append(stage.start(name, "haproxy", "-db", "-f", str(stage.WORK / name)))
    stage.wait_for("two listeners", lambda: len(stage.ss("state", "listening", "src", "10.1.2.1:1883")) == 2)
    brokers: dict[str, set[str]] = {}
    for number in range(120):
        before = established()
        name = f"device{number % 10}"
        client = device(name)
        (new,) = established() - before
        brokers.setdefault(name, set()).add(new[1])
        client.close()
        stage.wait_for("none left", lambda: not established())
    assert all(len(of) == 1 for of in brokers.values()), brokers
    assert len(set.union(*brokers.values())) == 2, brokers
    # the kernel gave some to each process: each has had ports of its own part
    halves = {
        int(row.split()[2].rpartition(":")[2]) >= 20100
        for row in stage.ss("state", "time-wait", "dport", "=", ":1883")
        if "10.1.3." in row
    }
    assert halves == {False, True}


def test_processes_share_a_port_and_a_range_and_send_a_device_to_its_broker() -> None:
    stage.need("haproxy", "mosquitto")
    stage.play(__file__, "shares")


def drives() -> None:
    """Tsung brings the devices of the plan through HAProxy to two brokers, each configured as emitted."""
    # a range of its own for what binds in this namespace: the balancer's own ports must not be Tsung's
    stage.setting("net/ipv4/ip_local_port_range", "20000 20999")
    topology = dataclasses.replace(deployed.small(), connections=60, rate=30, message=MESSAGE)
    deployment = deployed.deploy(topology)
    addresses(deployment)
    mosquittos(deployment)
    (stage.WORK / "haproxy.cfg").write_text(haproxy.files(deployment)["hosts/lb-1/haproxy.cfg"])
    stage.start("haproxy", "haproxy", "-db", "-f", str(stage.WORK / "haproxy.cfg"))
    stage.wait_for_listener("10.1.2.1", 1883)
    text = tsung.files(deployment)["tsung-1.7.xml"]
    # there is one machine: its name is not that of the plan
    (stage.WORK / "tsung.xml").write_text(text.replace('host="client-1"', 'host="localhost"'))
    stage.start("tsung", "tsung", "-l", str(stage.WORK), "-f", str(stage.WORK / "tsung.xml"), "-I", "10.1.1.1", "start")
    stage.wait_for("60 devices", lambda: sum(established().values()) == 60, 40)
    (host,) = deployment.of("lb")
    assert established() == {(pair.source, str(pair.backend)): 15 for pair in host.pairs}
    clients = {row.split()[2].rpartition(":")[0] for row in stage.ss("state", "established", "dst", "10.1.2.1:1883")}
    assert clients == {"10.1.1.1"}


def test_tsung_drives_the_whole_path() -> None:
    stage.need("tsung", "erl", "haproxy", "mosquitto")
    stage.play(__file__, "drives")


def refuses() -> None:
    """A broker takes no more than the plan lets it."""
    topology = dataclasses.replace(deployed.replaced(deployed.small(), "broker", connections_max=3), message=MESSAGE)
    deployment = deployed.deploy(topology)
    addresses(deployment)
    mosquittos(deployment)
    taken = []
    for number in range(3):
        client = socket.create_connection(("10.1.3.1", 1883), 5)
        rest = b"\x00\x04MQTT\x04\x02\x00\x00\x00\x01" + str(number).encode()
        client.sendall(b"\x10" + bytes([len(rest)]) + rest)
        assert client.recv(4) == b"\x20\x02\x00\x00"
        taken.append(client)
    fourth = socket.create_connection(("10.1.3.1", 1883), 5)
    assert fourth.recv(1) == b""


def test_mosquitto_keeps_to_the_limit_of_the_plan() -> None:
    stage.need("mosquitto")
    stage.play(__file__, "refuses")


SETTINGS = (
    Setting("sysctl:net.core.somaxconn", 4096, "connections", "rate x stall", "at_least"),
    Setting("sysctl:net.ipv4.tcp_wmem", (4096, 16384, 1 << 20), "bytes", "it's three", "at_least"),
    Setting("sysctl:net.ipv4.tcp_tw_reuse_delay", 1000, "ms", "soon", "at_most"),
    Setting("sysctl:net.ipv4.ip_local_port_range", (1024, 65535), "ports", "every port", "covers"),
    Setting("sysctl:net.ipv4.ip_local_reserved_ports", "1883,8080-8090", "ports", "services", "covers"),
    Setting("sysctl:net.ipv4.tcp_tw_reuse", 1, "", "at once", "equals"),
    Setting("sysctl:fs.nr_open", 2_000_000, "descriptors", "nofile", "at_least"),
    Setting("sysctl:net.netfilter.nf_conntrack_max", 2_000_000, "entries", "two sides", "at_least"),
    Setting("nofile:login", (100_000, 200_000), "descriptors", "a login", "at_least"),
    Setting("nofile:service", 100_000, "descriptors", "a service", "at_least"),
)


def raised(folder: Path, **have: str) -> tuple[dict[str, str], subprocess.CompletedProcess[str]]:
    """Return what the script of the load balancer writes where the kernel has these values, and how it ended."""
    deployment = deployed.deploy(deployed.small(), SETTINGS)
    (folder / "sysctl.sh").write_text(sysctls.files(deployment)["hosts/lb-1/sysctl.sh"])
    for key, value in have.items():
        file = folder / "root/proc/sys" / key.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
    command = ["sh", str(folder / "sysctl.sh"), str(folder / "root")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (written,) = (folder / "root/etc/sysctl.d").iterdir()
    assert written.name == "90-hosttune-least.conf"
    lines = (line.partition(" = ") for line in written.read_text().splitlines())
    return {key: value for key, _, value in lines}, done


def test_what_is_better_on_a_host_stays(tmp_path: Path) -> None:
    """The script that stands in for `hosttune apply` lowers nothing, and leaves out what the kernel does not have."""
    written, done = raised(
        tmp_path,
        fs__nr_open="1073741816",
        net__core__somaxconn="128",
        net__ipv4__tcp_wmem="4096\t20480\t4194304",
        net__ipv4__tcp_tw_reuse_delay="60000",
        net__ipv4__ip_local_reserved_ports="9000",
    )
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "net.core.somaxconn: 128 -> 4096",
        "net.ipv4.tcp_tw_reuse_delay: 60000 -> 1000",
    ]
    assert done.stderr == "net.netfilter.nf_conntrack_max: not on this host, left out\n"
    assert written == {
        "fs.nr_open": "1073741816",
        "net.ipv4.ip_local_reserved_ports": "9000,1883,8080-8090",
        "net.core.somaxconn": "4096",
        "net.ipv4.tcp_tw_reuse_delay": "1000",
        "net.ipv4.tcp_wmem": "4096 20480 4194304",
    }
    assert list(written)[:2] == ["fs.nr_open", "net.ipv4.ip_local_reserved_ports"]


def test_units_are_taken_by_systemd(tmp_path: Path) -> None:
    stage.need("systemd-analyze")
    deployment = deployed.deploy(deployed.whitepaper(), SETTINGS)
    for path, text in units.files(deployment).items():
        _, host, folder, name = path.split("/")
        service = folder.removesuffix(".d")
        where = tmp_path / host
        (where / folder).mkdir(parents=True)
        (where / service).write_text("[Service]\nExecStart=/bin/true\n")
        (where / folder / name).write_text(text)
        if host not in ("lb-1", "broker-1"):
            continue
        command = ["systemd-analyze", "verify", "--man=no", "--generators=no", str(where / service)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        ours = [line for line in done.stderr.splitlines() if "90-hosttune" in line]
        assert not ours, done.stderr
        limit = re.search(r"^LimitNOFILE=(\d+)(?::\d+)?$", text, re.M)
        assert limit and int(limit[1]) >= {"lb-1": 5_000_200, "broker-1": 201_000}[host]


def test_kernel_settings_are_read_back_as_they_were_meant(tmp_path: Path) -> None:
    """By hosttune's own resolver of sysctl.d and limits.d, which is held against the real loaders elsewhere."""
    deployment = deployed.deploy(deployed.replaced(deployed.small(), "lb", conntrack=True), SETTINGS)
    found = {**sysctls.files(deployment), **limits.files(deployment)}
    text = found["hosts/lb-1/sysctl.d/90-hosttune.conf"]
    assert found["hosts/lb-1/modules-load.d/90-hosttune.conf"].endswith("\nnf_conntrack\n")
    root = tmp_path / "root"
    for kind, to in (("sysctl.d", "etc/sysctl.d"), ("limits.d", "etc/security/limits.d")):
        (root / to).mkdir(parents=True)
        (root / to / "90-hosttune.conf").write_text(found[f"hosts/lb-1/{kind}/90-hosttune.conf"])
    warnings: list[str] = []
    read = {a.key.replace("/", "."): a.text for a in sysctl_systemd.parse("90-hosttune.conf", text, warnings)}
    assert read == {"net.ipv4.ip_local_port_range": "1024 65535", "net.ipv4.tcp_tw_reuse": "1"} and not warnings
    limit = pam_limits.hard_limits(LiveHost(str(root)))
    assert [value for value, _ in limit] == [524_288, 524_288]  # no less than systemd gives


def test_scripts_are_taken_by_the_shell_and_start_a_process_for_each_address(tmp_path: Path) -> None:
    """With a stand-in for emqtt_bench that notes how it is called."""
    deployment = deployed.deploy(
        deployed.replaced(deployed.whitepaper(), "client", program="emqtt_bench", nofile=20_000)
    )
    path, text = next(iter(emqtt_bench.files(deployment).items()))
    stub = tmp_path / "emqtt_bench"
    stub.write_text('#!/bin/sh\necho "$*"\n')
    stub.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", text], env=environment, capture_output=True, text=True, check=True, timeout=20)
    # 41,667 connections, 19,800 a process, 42 a second together
    assert path == "hosts/client-1/emqtt-bench.sh"
    assert sorted(line.split(" --ifaddr")[0] for line in done.stdout.splitlines()) == [
        f"pub -h 10.0.2.1 -p 1883 -c 13889 -n {first} -i 72" for first in (0, 13889, 27778)
    ]
    for script in k6.files(deployed.deploy(deployed.replaced(deployed.whitepaper(), "client", program="k6"))).values():
        if script.startswith("#!"):
            subprocess.run(["sh", "-n", "-c", script], check=True)
