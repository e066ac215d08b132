"""The processes of a program are one program, whose files are looked at where it sees them."""

from __future__ import annotations

import json
from typing import Any

from hosttune.facts import carriers
from hosttune.host.recorded import Recorded

ROW: dict[str, Any] = {
    "pid": 10,
    "parent": 1,
    "program": "nginx",
    "arguments": ["nginx"],
    "cut": False,
    "directory": "/",
    "root": "/",
    "executable": "/usr/sbin/nginx",
    "network": "4:100",
    "files": "4:200",
    "here": True,
    "listens": True,
    "descriptors": 8,
}


def host(
    *rows: dict[str, Any], reads: dict[str, str] | None = None, changed: tuple[str, ...] = (), **args: Any
) -> Recorded:
    """Return a host of which these processes are recorded, each a change of ROW; `args` are those of the question.

    `changed` are files that were written after process 50 had started.
    """
    args = {"names": ["haproxy", "nginx"], **args}
    spaces = {"net": "4:100", "mnt": "4:200", "user": "4:300", "pid": "4:400"}
    probes = {
        f"carriers {json.dumps(args, sort_keys=True)}": {"is": [{**ROW, **row} for row in rows]},
        "namespaces {}": {"is": {"own": spaces, "first": spaces, "other": {}, "names": []}},
    }
    for path in changed:
        asked = json.dumps({"paths": [path], "pids": [50]}, sort_keys=True)
        probes[f"changed {asked}"] = {"is": [path]}
    kept = {path: {"is": text} for path, text in (reads or {}).items()}
    return Recorded({"reads": kept, "globs": {}, "probes": probes})


def listed(*rows: dict[str, Any], **more: Any) -> list[carriers.Running]:
    return carriers.listed(host(*rows, **more), {"nginx", "haproxy"})


def test_a_master_and_its_workers_are_one() -> None:
    worker = {"parent": 10, "arguments": ["nginx: worker process"], "listens": None, "descriptors": 20}
    (one,) = listed({}, worker | {"pid": 11}, worker | {"pid": 12}, worker | {"pid": 9})
    assert (one.pid, one.pids, one.arguments, one.listens) == (10, (10, 11, 12, 9), ("nginx",), True)
    assert one.descriptors == 68


def test_two_masters_are_two() -> None:
    assert [one.pid for one in listed({}, {"pid": 20, "parent": 10, "program": "haproxy"}, {"pid": 30})] == [10, 20, 30]


def test_parents_that_go_round_end() -> None:
    assert listed({"pid": 2, "parent": 3}, {"pid": 3, "parent": 2})


def test_what_cannot_be_seen_is_not_made_up() -> None:
    (one,) = listed({"directory": "", "root": "", "files": "", "here": None, "listens": None, "descriptors": None})
    assert (one.directory, one.below, one.here, one.listens, one.descriptors) == ("", "", None, None, None)


def test_other_files_are_seen_below_its_root() -> None:
    (one,) = listed({"files": "4:201", "directory": "/etc"})
    assert (one.below, one.directory) == ("/proc/10/root", "/etc")


def test_one_that_was_started_in_a_jail_has_its_files_there() -> None:
    (one,) = listed({"root": "/srv/jail", "executable": "/srv/jail/usr/sbin/nginx", "directory": "/srv/jail/etc"})
    assert (one.below, one.directory) == ("/proc/10/root", "/etc")


def test_one_that_went_there_later_has_read_ours() -> None:
    (one,) = listed({"root": "/var/lib/haproxy", "directory": "/var/lib/haproxy"})
    assert (one.below, one.directory) == ("", "")


def test_its_unit_is_that_of_its_control_group() -> None:
    group = "/proc/10/cgroup"
    assert listed({}, reads={group: "0::/system.slice/nginx.service\n"})[0].unit == "nginx.service"
    assert listed({}, reads={group: "0::/user.slice/user@1000.service/a.scope\n"})[0].unit == ""
    assert listed({}, reads={group: "0::/user.slice/session-1.scope\n"})[0].unit == ""
