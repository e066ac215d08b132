"""The network namespaces of a host as two probes answer: their names, whose they are, and how full their pools are."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.errors import HostError
from hosttune.facts import machine as machines
from hosttune.facts import node
from hosttune.model import NetworkNamespace, Node, Reason, Unknown, Use
from tests.facts.test_where import ID, INNER, Told

UID = "0a1b2c3d_1111_2222_3333_444455556666"
POD = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID}.slice/cri-containerd-{ID}.scope"
SEEN: dict[str, Any] = {
    **{"first": False, "low": 20000, "high": 20199, "reserved": "0x0", "step": 0, "reuse": 2},
    **{"timestamps": True, "sockets": 210, "time_wait": 7, "time_wait_max": 4096},
    **{"conntrack": 30, "conntrack_max": 1000},
}
POOLS: dict[str, Any] = {
    **{"held": "0x0", "whole": True},
    "pairs": [{"source": "10.0.0.9", "address": "10.0.0.11", "port": 1883, "open": 190, "time_wait": 5}],
}
ROW = {"inode": 4026532300, "own": False, "processes": 2, "files": [], "pid": 812}


class Host(Told):
    """A host with one namespace, and what was found in it."""

    def __init__(self, row: dict[str, Any], seen: dict[str, Any] | HostError, **reads: str) -> None:
        own = {f"/proc/812/{name}": text for name, text in reads.items()}
        super().__init__({"/proc/sys/kernel/osrelease": "6.1.0\n", **own}, {"other": INNER})
        self.row, self.seen = row, seen
        self.asked: list[str] = []
        self.counted: list[int] = []

    def probe(self, name: str, **args: Any) -> Any:
        if name == "network_namespaces":
            own = {**ROW, "inode": 1, "own": True, "pid": 1}
            return {"rows": [own, {**ROW, **self.row}], "hidden": 3, "unread": 0, "more": 5}
        if name == "network_namespace":
            self.asked.append(args["file"])
            if isinstance(self.seen, HostError):
                raise self.seen
            return SEEN | {name: value for name, value in self.seen.items() if name not in POOLS}
        if name == "namespace_pools":
            self.counted.append(args["inode"])
            assert not isinstance(self.seen, HostError)
            return POOLS | {name: value for name, value in self.seen.items() if name in POOLS}
        return super().probe(name, **args)


def look(host: Host, **how: bool) -> Node:
    return node.gather(host, machines.gather(host), **how)


def other(row: dict[str, Any], seen: dict[str, Any] | HostError, **reads: str) -> NetworkNamespace:
    return look(Host(row, seen, **reads)).namespaces[1]


def ports(seen: dict[str, Any]) -> Use:
    return next(use for use in other({}, seen).uses if use.kind == "ports")


def pair(**counts: Any) -> dict[str, Any]:
    return {"pairs": [{**POOLS["pairs"][0], **counts}]}


def test_what_a_namespace_has() -> None:
    found = other({"files": ["/run/netns/blue", "/run/netns/a b", "/run/docker/netns/1a"]}, {}, comm="client\n")
    assert (found.names, found.files) == (("blue",), ("/run/netns/a b", "/run/docker/netns/1a"))
    assert (found.process, found.program, found.processes) == (812, "client", 2)
    assert (found.ports, found.reserved, found.sockets, found.time_wait) == ((20000, 20199), 0, 210, 7)
    assert (found.conntrack, found.initial, found.own, found.unknown) == (30, False, False, None)
    assert [(use.kind, use.used, use.limit) for use in found.uses] == [
        ("ports", 195, 200),
        ("conntrack", 30, 1000),
        ("time-wait", 7, 4096),
    ]
    assert found.uses[0].id == "ports:10.0.0.9->10.0.0.11:1883" and found.uses[0].knee == 100


@pytest.mark.parametrize(
    ("seen", "taken", "limit"),
    [
        ({}, 195, 200),
        ({"reserved": hex(0b111 << 20000)}, 195, 197),
        ({"held": hex(1 << 20005)}, 195, 199),
        ({"reserved": hex(1 << 80)}, 195, 200),
        # an odd range: the last port is found only by luck
        ({"high": 20198}, 195, 198),
        # what may be taken over is not counted as taken
        ({"reuse": 1}, 190, 200),
        ({"reuse": 1, "timestamps": False}, 195, 200),
        ({"reuse": 0}, 195, 200),
        (pair(source="127.0.0.1", address="127.0.0.1"), 190, 200),
        ({"reuse": 0} | pair(source="::1", address="::1"), 195, 200),
    ],
)
def test_how_full_a_pool_is(seen: dict[str, Any], taken: int, limit: int) -> None:
    assert (ports(seen).used, ports(seen).limit) == (taken, limit)


def test_no_limit_of_conntrack_is_none() -> None:
    (use,) = (use for use in other({}, {"conntrack_max": 0}).uses if use.kind == "conntrack")
    assert use.limit is None and look(Host({}, {"conntrack_max": 0})).conntrack_max is None
    assert look(Host({}, {})).conntrack_max == 1000


@pytest.mark.parametrize(
    ("group", "owner", "container", "pod"),
    [
        (POD, "kubernetes", ID, UID.replace("_", "-")),
        (f"/kubepods/besteffort/pod{'0a' * 16}/{ID}", "kubernetes", ID, "0a" * 16),
        (f"/system.slice/docker-{ID}.scope", "docker", ID, ""),
        ("/system.slice/nginx.service", "nginx.service", "", ""),
        ("/user.slice/user-1000.slice/session-1.scope", "", "", ""),
    ],
)
def test_whose_it_is(group: str, owner: str, container: str, pod: str) -> None:
    found = other({}, {}, cgroup=f"0::{group}\n")
    assert (found.owner, found.container, found.pod) == (owner, container, pod)


@pytest.mark.parametrize(
    ("row", "file"),
    [
        ({}, "/proc/812/ns/net"),
        ({"files": ["/run/docker/netns/1a"]}, "/run/docker/netns/1a"),
        ({"files": ["/run/netns/blue"], "pid": 7}, "/run/netns/blue"),
    ],
)
def test_it_is_entered_by_a_file_that_outlives_its_processes(row: dict[str, Any], file: str) -> None:
    host = Host(row, {})
    look(host)
    assert host.asked[1] == file


def test_one_that_cannot_be_entered_is_a_row_with_the_reason() -> None:
    found = other({}, HostError(Reason.UNREADABLE, "entering it needs root"), comm="client\n")
    assert found.unknown == Unknown(Reason.UNREADABLE, "entering it needs root")
    assert (found.sockets, found.ports, found.uses, found.program) == (None, None, (), "client")


def test_the_others_alone() -> None:
    host = Host({}, {})
    assert [each.inode for each in look(host, others=True).namespaces] == [ROW["inode"]] and len(host.asked) == 1


def test_what_is_not_seen_is_said() -> None:
    found = look(Host({}, {"whole": False}))
    assert found.notes == ("5 more network namespaces are not checked: at most 2 are",)
    assert found.missing == (
        "the network namespaces of 3 processes of other users, and the counts of every network namespace but this one",
    )
    assert "at least so full" in found.namespaces[1].notes[0]


def test_a_recording_of_before_has_none() -> None:
    found = node.gather(Told({}), machines.gather(Told({})))
    assert found.unknown == Unknown(Reason.NOT_RECORDED, "network_namespaces") and not found.namespaces


@pytest.mark.parametrize(("sockets", "time_wait", "counted"), [(60, 19, False), (60, 20, True), (0, 80, True)])
def test_of_many_those_that_cannot_be_near_a_limit_are_not_counted_but_bounded(
    sockets: int, time_wait: int, counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "PATIENCE", -1.0)
    host = Host({}, {"sockets": sockets, "time_wait": time_wait})
    use = next(use for use in look(host).namespaces[1].uses if use.kind == "ports")
    assert (ROW["inode"] in host.counted) is counted
    if not counted:
        assert (use.used, use.limit, use.of) == (sockets + time_wait, 200, ()) and "at most" in use.name


def test_pools_that_may_be_full_and_could_not_be_counted_are_no_limit_that_is_reached() -> None:
    class Late(Host):
        def probe(self, name: str, **args: Any) -> Any:
            if name == "namespace_pools":
                raise HostError(Reason.UNREADABLE, "sock_diag")
            return super().probe(name, **args)

    found = look(Late({}, {})).namespaces[1]
    assert not [use for use in found.uses if use.kind == "ports"]
    assert found.notes == ("its port pools are unknown: its sockets could not be counted in time",)


def test_where_there_is_no_socket_none_is_counted() -> None:
    host = Host({}, {"sockets": 0, "time_wait": 0})
    assert not [use for use in look(host).namespaces[1].uses if use.kind == "ports"] and not host.counted


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "LONGEST", -1.0)
    host = Host({}, {})
    assert all(each.unknown and "not checked" in each.unknown.detail for each in look(host).namespaces)
    assert not host.asked
