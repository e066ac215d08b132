"""An answer that a probe would not give is refused when a recording is opened, in one line that says where."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hosttune.errors import UsageError
from hosttune.host import answers
from hosttune.host.probes import programs, sockets, traffic
from hosttune.host.recorded import SCHEMA, Recorded
from tests import verbs

PAIR = {"source": "10.0.0.1", "address": "10.0.0.2", "port": 1883}
SETS = {"established": "0x10", "time_wait": "0x0", "half_closed": "0x0", "other": "0x0"}
OWNED = {"address": "::", "port": 22, "listen": True, "v6only": False}
LISTENER = {"address": "::", "port": 22, "queue": 0, "backlog": 128, "inode": 5, "uid": 0}
PROGRAM = {
    **{"pid": 7, "name": "broker", "uid": 0, "descriptors": 90, "soft": 1024, "hard": None, "ticks": 5},
    **{"system_ticks": 2, "threads": 1, "exempt": True, "resource": None, "here": True, "listens": [5]},
}
ANSWERS: dict[str, Any] = {
    "sockets": {"tuples": [{**PAIR, **SETS}], "held": [OWNED], "local": [{"address": "10.0.0.1", "ports": "0x10"}]},
    "traffic": {
        "listeners": [LISTENER],
        "flows": [{**PAIR, "established": 1, "other": 2, "unread": 0}],
        "accepted": [{"port": 22, "established": 1, "closing": 0}],
        **{"outgoing": 1, "sampled": 1, "whole": True, "unread": 0, "unsent": 0},
        "states": {"SYN_SENT": 1},
        "uids": {"0": 2},
        "tuples": [{**PAIR, **SETS}],
        "held": [OWNED],
        "local": None,
    },
    "programs": {"programs": [PROGRAM], "unseen": 0},
    "kernel_log": [{"age": 3.5, "text": "nf_conntrack: table full"}],
    "tracked": {
        **{"seen": 2, "whole": True, "states": {"TIME_WAIT": 2}},
        "translated": [{"address": "10.0.0.1", "target": "10.0.0.9", "port": 80, "entries": 2}],
    },
}
LINK = {
    **{"up": True, "carrier": True, "loopback": False, "arp": True},
    "addresses": [{"address": "10.0.0.9", "prefix": 24, "permanent": True}],
    "gateways": ["fe80::1"],
    "neighbours": ["10.0.0.1"],
}
ANSWERS["links"] = {
    "links": {"eth0": LINK},
    "local": [["10.9.0.0/24", "lo"]],
    "defaults": [{"interface": "eth0", "gateway": "10.0.0.1", "source": ""}],
}
ANSWERS["admin_socket"] = {
    "asked": "/run/haproxy/admin.sock",
    "info": {"Maxconn": 50},
    "servers": [
        {
            **{"section": "b", "server": "s1", "address": "10.0.0.2", "port": 1883, "state": 2, "admin": 0},
            **{"weight": 1, "host": "broker.example"},
        }
    ],
    "rows": [{"section": "b", "server": "s1", "kind": 2, "used": 1, "queued": 0, "limit": 40, "backup": False}],
}
ANSWERS["network_namespaces"] = {
    "rows": [{"inode": 4026532300, "own": True, "processes": 2, "files": ["/run/netns/blue"], "pid": 812}],
    **{"hidden": 0, "unread": 0, "more": 0},
}
ANSWERS["network_namespace"] = {
    **{"first": False, "low": 20000, "high": 20199, "reserved": "0x0", "step": 0, "reuse": 2, "timestamps": True},
    **{"sockets": 1, "time_wait": 0, "time_wait_max": 9, "conntrack": 1, "conntrack_max": 0},
}
ANSWERS["namespace_pools"] = {
    "pairs": [{"source": "10.0.0.1", "address": "10.0.0.2", "port": 1883, "open": 1, "time_wait": 0}],
    **{"held": "0x10", "whole": True},
}
NOT_ALLOWED: tuple[Any, ...] = (-1, 1e300, 1 << 70, "\x1b[31m", {"a": 1}, [[]])


def leaves(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(found, dict | list):
        for key in found if isinstance(found, dict) else range(len(found)):
            yield from leaves(found[key], (*path, key))
    elif path[-1] not in ("text", "name") and "files" not in path:  # any text will do
        yield path


def put(answer: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(answer)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", ANSWERS)
def test_each_wrong_value_is_found(name: str) -> None:
    assert answers.wrong(name, ANSWERS[name]) == ""
    for path in leaves(ANSWERS[name]):
        for value in NOT_ALLOWED:
            assert answers.wrong(name, put(ANSWERS[name], path, value)), (path, value)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_another_kind_is_refused(name: str) -> None:
    for answer in (None, 1, "x", [1], {"is": 1}, [{"age": 1}]):
        assert answers.wrong(name, answer)


def test_what_this_host_answers_has_its_shape() -> None:
    for name, answer in (("traffic", traffic.run()), ("programs", programs.run()), ("sockets", sockets.run([]))):
        assert answers.wrong(name, json.loads(json.dumps(answer))) == ""


def test_a_recording_says_where(tmp_path: Path) -> None:
    answer = put(ANSWERS["programs"], ("programs", 0, "soft"), "many")
    path = tmp_path / "bad.json"
    document = {"schema": SCHEMA, "reads": {}, "globs": {}, "probes": {"programs {}": {"is": answer}}}
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match=r"probes\.'programs \{\}': 'programs': 0: 'soft': no count"):
        Recorded.load(str(path))
    done = verbs.hosttune("diagnose", "--snapshot", str(path))
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout


@pytest.mark.parametrize(
    ("path", "text", "right"),
    [
        ("/proc/sys/fs/file-nr", "9" * 20 + " 0 9", True),
        ("/proc/net/tcp6", "0: " + "0" * 32 + ":0016", True),
        ("/proc/sys/fs/file-nr", "9" * 5_000 + " 0 9", False),
        ("/proc/sys/net/core/somaxconn", "\u00b2", False),
        ("/proc/7/comm", "\u00b2", True),
        ("/etc/issue", "9" * 5_000, True),
    ],
)
def test_a_number_that_no_kernel_writes_is_refused(path: str, text: str, right: bool) -> None:
    assert (answers.wrong_text(path, text) == "") is right


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/proc/sys/net/ipv4/ip_local_port_range", "20000 99999999999999"),
        ("/proc/net/softnet_stat", "00000375 nan -1"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_nothing(path: str, text: str, tmp_path: Path) -> None:
    flow = {**PAIR, "established": 1}
    traffic_ = {**ANSWERS["traffic"], "flows": [flow]}
    answers = {"reads": {path: {"is": text}}, "globs": {}, "probes": {"traffic {}": {"is": traffic_}}}
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps({"schema": SCHEMA, **answers}))
    done = verbs.hosttune("diagnose", "--snapshot", str(file))
    assert done.returncode in (0, 1) and not done.stderr, done


@pytest.mark.parametrize(("address", "prefix"), [("10.0.0.9", 33), ("2001:db8::1", 129), ("10.0.0.9", 1 << 40)])
def test_a_prefix_beyond_its_family_is_refused(address: str, prefix: int) -> None:
    row = {"address": address, "prefix": prefix, "permanent": True}
    assert answers.wrong("links", put(ANSWERS["links"], ("links", "eth0", "addresses", 0), row))


def test_a_way_without_an_interface_is_one_of_an_older_recording() -> None:
    way = {"source": "10.0.0.9", "gateway": "", "error": ""}
    assert answers.wrong("routes", {"10.0.0.11": way}) == ""
    assert answers.wrong("routes", {"10.0.0.11": way | {"source": "x"}})
    assert answers.wrong("routes", {"x": way})
