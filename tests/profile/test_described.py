"""What is said of keys that no role asks for: it holds to its schema, and to what a new network namespace has."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hosttune import releases
from hosttune.profile import described, load, schema
from tests import needs

FILES = sorted((load.shipped() / "keys" / "explained").glob("*.toml"))
GUIDES = """
tcp_tw_recycle rp_filter arp_ignore arp_announce netdev_budget netdev_budget_usecs dev_weight tcp_congestion_control
default_qdisc tcp_notsent_lowat tcp_autocorking tcp_slow_start_after_idle tcp_no_metrics_save tcp_low_latency tcp_sack
tcp_dsack tcp_fack tcp_ecn tcp_mtu_probing tcp_window_scaling tcp_timestamps tcp_rmem tcp_wmem rmem_max wmem_max
optmem_max tcp_adv_win_scale tcp_moderate_rcvbuf tcp_keepalive_time tcp_keepalive_intvl tcp_keepalive_probes
tcp_retries1 tcp_retries2 tcp_orphan_retries tcp_syn_retries tcp_synack_retries tcp_abort_on_overflow
tcp_max_tw_buckets tcp_fastopen tcp_ehash_entries tcp_child_ehash_entries ip_local_port_step_width ip_nonlocal_bind
ip_unprivileged_port_start tcp_migrate_req tcp_l3mdev_accept nf_conntrack_max nf_conntrack_buckets
nf_conntrack_tcp_loose nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_time_wait
nf_conntrack_tcp_timeout_syn_sent gc_thresh1 gc_thresh2 gc_thresh3 busy_poll busy_read rps_sock_flow_entries somaxconn
netdev_max_backlog file-max nr_open pid_max threads-max max_map_count swappiness tcp_rfc1337 tcp_syncookies
ip_conntrack_max ip_local_reserved_ports aio-max-nr
"""


def _known() -> dict[str, dict[str, Any]]:
    return {**described.read(), **load.load("linux-server").about}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_holds_to_the_schema(path: Path) -> None:
    schema.Descriptions.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def test_each_key_is_described_once() -> None:
    keys = [key for path in FILES for key in tomllib.loads(path.read_text(encoding="utf-8"))["key"]]
    keys += [subject.removeprefix("sysctl:") for subject in load.load("linux-server").about]
    assert not {key for key in keys if keys.count(key) > 1}


def test_what_no_role_asks_for_says_whether_it_matters() -> None:
    asked = {row.subject for name in load.names() for row in load.load(name).rows}
    silent = [subject for subject, table in _known().items() if subject not in asked and not table.get("matters")]
    assert not silent


@pytest.mark.parametrize("name", GUIDES.split())
def test_every_key_that_guides_name_is_found_by_its_last_part(name: str) -> None:
    found = described.matching(name, _known())
    assert found and all(subject.endswith(f".{name}") for subject in found)


def test_a_key_of_an_interface_is_described_by_that_of_all() -> None:
    assert described.matching("net.ipv4.conf.eth0.rp_filter", _known()) == {
        "sysctl:net.ipv4.conf.eth0.rp_filter": "sysctl:net.ipv4.conf.all.rp_filter"
    }
    assert described.matching("net.ipv6.neigh.eth0/7.gc_thresh3", _known()) == {
        "sysctl:net.ipv6.neigh.eth0/7.gc_thresh3": "sysctl:net.ipv6.neigh.default.gc_thresh3"
    }


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("foo", ""),
        ("net.foo.bar", ""),
        ("somaxcon", "net.core.somaxconn"),
        ("net.ipv4.tcp_memm", "net.ipv4.tcp_mem"),
        ("netdev_bugdet", "net.core.netdev_budget"),
    ],
)
def test_a_guess_is_near(typed: str, meant: str) -> None:
    assert not described.matching(typed, _known())
    assert described.near(typed, _known()) == meant


@pytest.mark.slow
def test_the_defaults_are_those_of_a_new_network_namespace() -> None:
    needs.need("namespaces", "unshare")
    kernel = releases.release(os.uname().release) or (0, 0)
    wanted = {
        subject.removeprefix("sysctl:"): " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for subject, table in _known().items()
        if table["scope"].startswith("per network namespace")
        and (value := table.get("default_value")) is not None
        and kernel >= (releases.release(table.get("default_from", "0.0")) or (0, 0))
    }
    files = [path for key in wanted if (path := Path("/proc/sys", *key.split("."))).exists()]
    # a key of the host is not shown in a new namespace: grep passes over it
    command = ["unshare", "--net", "grep", "-s", "-H", "", *map(str, files)]
    read = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
    found = {}
    for line in read.splitlines():
        path, _, value = line.partition(":")
        found[path.removeprefix("/proc/sys/").replace("/", ".")] = " ".join(value.split())
    assert len(found) > 40
    assert found == {key: wanted[key] for key in found}
