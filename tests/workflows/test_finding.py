"""Which program a role's report is about where no option names one, and with which configuration."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.host.recorded import Recorded
from hosttune.model import Configuration, Reason, Unknown
from hosttune.options import Options
from hosttune.workflows import finding
from tests.facts import test_carriers

HAPROXY = {
    "pid": 50,
    "program": "haproxy",
    "arguments": ["haproxy", "-f", "/etc/haproxy/haproxy.cfg"],
    "descriptors": 4,
}
CFG = """
frontend f
    bind :80
    default_backend b
backend b
    server s 10.0.0.1:80
"""
READS = {"/proc/sys/kernel/osrelease": "6.1", "/etc/haproxy/haproxy.cfg": CFG}


def host(*rows: dict[str, Any], reads: dict[str, str] | None = None) -> Recorded:
    # the names that a load balancer's programs go by
    return test_carriers.host(*rows, reads={**READS, **(reads or {})}, names=["envoy", "haproxy", "nginx"])


def found(*rows: dict[str, Any], reads: dict[str, str] | None = None, process: int | None = None) -> finding.Found:
    return finding.Search(Options(role="lb")).found(host(*rows, reads=reads), process)


def order(*rows: dict[str, Any], reads: dict[str, str] | None = None) -> list[int]:
    made = found(*rows, reads=reads)
    return [running.pid for running in ([made.first] if made.first else []) + [*made.others]]


def test_the_one_with_the_most_connections_is_judged() -> None:
    assert order(HAPROXY, {"pid": 10, "descriptors": 100}) == [10, 50]
    assert order(HAPROXY | {"descriptors": 109}, {"pid": 10, "descriptors": 100}) == [50, 10]


def test_of_two_that_carry_nothing_it_is_the_program_of_the_role() -> None:
    assert order({"pid": 10, "descriptors": 30}, HAPROXY) == [50, 10]
    worker = {"pid": 11, "parent": 10, "descriptors": 30, "arguments": ["nginx: worker process"]}
    assert order({"pid": 10, "descriptors": 30}, worker, HAPROXY) == [50, 10]
    assert order({"pid": 10}, {"pid": 9}) == [9, 10]


def test_the_one_of_the_unit_comes_first() -> None:
    groups = {"/proc/50/cgroup": "0::/system.slice/haproxy.service"}
    assert order(HAPROXY, {"pid": 10}, reads=groups) == [50, 10]


def test_one_that_does_not_listen_carries_nothing() -> None:
    assert order({"pid": 10, "listens": False}) == []
    assert order({"pid": 10, "listens": None}) == [10]


def test_of_another_namespace_it_is_named_alone() -> None:
    made = found({"pid": 10, "here": False, "descriptors": 900}, HAPROXY)
    assert made.first
    assert (made.first.pid, [other.pid for other in made.others]) == (50, [10])
    assert found({"pid": 10, "here": False}).first is None


def test_its_files_are_read() -> None:
    made = found(HAPROXY)
    assert isinstance(made.configuration, Configuration)
    assert made.configuration.files == ("/etc/haproxy/haproxy.cfg",)
    assert [str(backend) for backend in made.configuration.backends] == ["10.0.0.1:80"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"arguments": ["haproxy", "-f", "/etc/other.cfg"]}, Reason.UNREADABLE),
        ({"arguments": ["haproxy", "-f", "other.cfg"], "directory": ""}, Reason.INVISIBLE),
        ({"cut": True}, Reason.UNREADABLE),
    ],
)
def test_what_cannot_be_read_is_unknown(row: dict[str, Any], reason: Reason) -> None:
    made = found(HAPROXY | row)
    assert isinstance(made.configuration, Unknown)
    assert made.configuration.reason is reason


def test_what_was_changed_since_it_started_is_known() -> None:
    path = "/etc/haproxy/haproxy.cfg"
    for changed in [(path,), ()]:
        seen = test_carriers.host(HAPROXY, reads=READS, changed=changed, names=["envoy", "haproxy", "nginx"])
        made = finding.Search(Options(role="lb")).found(seen, None)
        assert made.first
        assert finding.changed(seen, made.first, [path]) == changed


def test_nothing_runs() -> None:
    made = found()
    assert made.none
    assert made.are_services
    assert sorted(known.name for known in made.sought) == ["envoy", "haproxy", "nginx"]


def test_a_process_that_is_named_is_its_program() -> None:
    worker = {"pid": 51, "parent": 50, "program": "haproxy", "arguments": ["haproxy", "-sf", "1", "-f", "/etc/x"]}
    made = finding.Search(Options(role="lb", pid=51)).found(host(HAPROXY, worker, {"pid": 10}), 51)
    assert made.first
    assert (made.first.pid, made.others) == (50, ())
    assert isinstance(made.configuration, Configuration)
    assert finding.Search(Options(role="lb", pid=7)).found(host(HAPROXY), 7).first is None


def test_the_nodes_of_a_load_generator_are_one() -> None:
    args = ["beam.smp", "-tsung_controller", "config_file", '"/t.xml"']
    lead = {"pid": 60, "program": "tsung", "arguments": args, "listens": False, "descriptors": 9}
    node = {"pid": 61, "parent": 1, "program": "tsung", "arguments": ["beam.smp"], "listens": False, "descriptors": 99}
    names = ["emqtt-bench", "emqtt_bench", "k6", "tsung"]
    recorded = test_carriers.host(lead, node, reads=READS, names=names)
    made = finding.Search(Options(role="client")).found(recorded, None)
    assert made.first
    assert (made.first.pid, made.first.pids, made.first.arguments[-1]) == (61, (60, 61), '"/t.xml"')
    assert made.others == ()


@pytest.mark.parametrize(
    "options",
    [
        Options(role="lb", backend="10.0.0.1:80"),
        Options(role="lb", backends_from="/a"),
        Options(role="lb", service="haproxy"),
        Options(role="lb", user="root"),
        Options(role="app"),
        Options(),
    ],
)
def test_nothing_is_sought(options: Options) -> None:
    made = finding.Search(options).found(host(HAPROXY), None)
    assert not made.none
    assert made.first is None


def test_an_image_runs_nothing() -> None:
    assert (
        finding.Search(Options(role="lb")).found(Recorded({"reads": {}, "globs": {}, "probes": {}}), None).sought == ()
    )
