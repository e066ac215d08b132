"""What is said of a node: the namespace nearest to a limit and what to type for it, and metrics that stay few."""

from __future__ import annotations

import dataclasses
import shlex

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hosttune.findings.node import judged
from hosttune.model import NetworkNamespace, Node, Reason, Tick, Trend, Unknown, View
from hosttune.printable import cleaned
from hosttune.render import namespace_words as words
from hosttune.render import render
from hosttune.render.of_node import prometheus
from hosttune.render.of_view import prometheus as look
from tests.render.nodes import ID, POD, node, pool
from tests.render.test_render_examples import MACHINE


@pytest.mark.parametrize(
    ("namespace", "command"),
    [
        (NetworkNamespace(7, ("blue",), process=9), "sudo hosttune check --netns blue"),
        (NetworkNamespace(7, ("blue",), own=True), "hosttune check"),
        (NetworkNamespace(7, files=("/run/docker/netns/1a",), process=9), "sudo hosttune check --pid 9"),
        (
            NetworkNamespace(7, files=("/run/docker/netns/1a",)),
            "sudo nsenter --net=/run/docker/netns/1a hosttune check",
        ),
        (NetworkNamespace(7, files=("/run/a b;reboot",)), "sudo nsenter '--net=/run/a b;reboot' hosttune check"),
    ],
)
def test_what_looks_at_it_alone(namespace: NetworkNamespace, command: str) -> None:
    assert words.command(namespace, "check") == command
    assert ";" not in shlex.split(command)


@pytest.mark.parametrize(
    ("namespace", "whose"),
    [
        (NetworkNamespace(7, ("blue", "red"), process=9, program="nginx"), "blue (nginx (9))"),
        (NetworkNamespace(7, process=9, program="nginx"), "nginx (9)"),
        (NetworkNamespace(7, process=9), "process (9)"),
        (NetworkNamespace(7, ("blue",), process=9, owner="a.service"), "blue (a.service)"),
        (NetworkNamespace(7, ("blue",), owner="docker", container=ID), "blue (docker 3fa4c1b2d5e6)"),
        (NetworkNamespace(7, process=9, program="pause", owner="kubernetes", container=ID, pod=POD), None),
        (NetworkNamespace(7, own=True, initial=True), "the host's"),
        (NetworkNamespace(7, own=True, initial=False), "this one"),
        (NetworkNamespace(7), "net:[7]"),
    ],
)
def test_what_it_is_called_and_whose_it_is(namespace: NetworkNamespace, whose: str | None) -> None:
    assert words.whose(namespace) == (whose or "pause (9) (pod 0a1b2c3d)")


def headline(made: Node) -> str:
    return render(made, "table").split("\n\n")[1].splitlines()[0].strip()


def test_the_headlines() -> None:
    every = node()
    unknown = Unknown(Reason.UNREADABLE, "entering it needs root")
    assert headline(every) == "NOT READY: 1 of 5 network namespaces at a limit"
    rest = dataclasses.replace(every, namespaces=every.namespaces[1:])
    assert headline(rest) == "UNKNOWN whether ready: 1 of 4 network namespaces unknown"
    known = dataclasses.replace(every, namespaces=every.namespaces[1:4])
    assert headline(known) == "READY: no limit is reached in 3 network namespaces"
    none = Node(MACHINE, unknown=unknown)
    assert headline(none).startswith("UNKNOWN: the network namespaces could not be listed: unreadable")


def test_of_many_the_nearest_are_shown_where_there_is_little_room() -> None:
    many = judged(Node(MACHINE, tuple(NetworkNamespace(n, (f"n{n}",), uses=(pool(n),)) for n in range(1, 41))))
    table = render(many, "table")
    assert "n40 " in table and "n24 " not in table and "and 24 more that are farther from a limit (-v)" in table
    assert "n1 " in render(many, "table", verbose=True) and "| n1 |" in render(many, "markdown")


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    return {f.name: [(s.labels, s.value) for s in f.samples] for f in text_string_to_metric_families(text)}


def test_metrics_are_labelled_by_namespace_pod_and_container() -> None:
    found = samples(prometheus.render(node()))
    used = {labels["namespace"]: (labels, value) for labels, value in found["hosttune_namespace_port_pool_used"]}
    assert used["blue"][1] == 200 and used["4026532400"] == (
        {"verb": prometheus.VERB, "namespace": "4026532400", "owner": "kubernetes", "pod": POD, "container": ID},
        120,
    )
    states = {labels["state"]: value for labels, value in found["hosttune_namespaces"]}
    assert states == {"known": 4, "unknown": 1, "folded": 0}
    assert found["hosttune_namespace_conntrack_max"] == [({"verb": prometheus.VERB}, 1000)]
    assert len(found["hosttune_namespace_sockets"]) == 4


def test_series_are_bounded_and_those_are_kept_that_are_nearest_to_a_limit() -> None:
    many = tuple(NetworkNamespace(n, (f"n{n}",), sockets=n, uses=(pool(n, 1000),)) for n in range(1, 301))
    found = samples(prometheus.render(judged(Node(MACHINE, many))))
    assert {len(found[f"hosttune_namespace_{name}"]) for name in ("sockets", "port_pool_used")} == {100}
    assert min(value for _, value in found["hosttune_namespace_port_pool_used"]) == 201
    assert ({"verb": prometheus.VERB, "state": "folded"}, 200.0) in found["hosttune_namespaces"]


def test_a_look_of_watch_has_them_under_its_own_verb() -> None:
    uses = tuple(words.named(node().namespaces[0], use) for use in node().namespaces[0].uses[:2])
    tick = Tick(1795609287.5, 10.0, {}, uses, namespaces=node().namespaces[1:])
    text = look.render(View(MACHINE, tick, 1.0, {}, tuple(map(Trend, uses))))
    found = samples(text)
    assert {labels["verb"] for labels, _ in found["hosttune_namespace_sockets"]} == {"watch"}
    assert "hosttune_port_pool_used" not in found and 'limit="namespace-' not in text
    assert "hosttune_namespaces" not in samples(look.render(View(MACHINE, dataclasses.replace(tick, namespaces=()),
                                                                 1.0, {}, ())))  # fmt: skip


def test_a_use_of_another_namespace_has_its_name() -> None:
    use = words.named(node().namespaces[0], pool(5))
    assert use.name == "blue: ports 10.0.0.9 -> 10.0.0.11:1883"
    assert use.id == "namespace-ports:blue->10.0.0.9->10.0.0.11:1883"


def test_a_hostile_name_is_clean() -> None:
    made = Node(MACHINE, (NetworkNamespace(7, files=("/run/\x1b[31m\nx",), program="\u202ex", uses=(pool(5),)),))
    for format in ("table", "markdown", "html", "svg", "json"):
        text = render(made, format)
        assert "\x1b" not in text and "\u202e" not in text
    assert cleaned(made) != made
