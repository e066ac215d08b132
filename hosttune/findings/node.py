"""Which network namespace of a host is nearest to a limit, and whether one is at its limit; pure."""

from __future__ import annotations

import dataclasses

from hosttune.findings.near import NEAR
from hosttune.model import NetworkNamespace, Node, Severity, Use

_HARMLESS = "time-wait"
"""Beyond this limit a socket is closed at once, and no connection is refused (net/ipv4/inet_timewait_sock.c)."""


def judged(node: Node) -> Node:
    """Return a node whose namespaces have their severity, the nearest to a limit first, those that are unknown last."""
    namespaces = sorted(map(_judged, node.namespaces), key=_order)
    return dataclasses.replace(node, namespaces=tuple(namespaces))


def severity(use: Use) -> Severity | None:
    """Return how bad it is that so much of a limit is in use, None where it is not.

    An error at the limit, a warning near it or beyond a knee.
    """
    share = use.share
    if share is None or not use.used:
        return None
    if use.kind == _HARMLESS:
        return Severity.WARNING if share >= 1 else None
    if share >= 1:
        return Severity.ERROR
    slow = use.knee is not None and use.used >= use.knee
    return Severity.WARNING if share >= NEAR or slow else None


def _judged(namespace: NetworkNamespace) -> NetworkNamespace:
    # what is full comes before what is beyond its knee, though that may be nearer to it
    uses = sorted(namespace.uses, key=lambda use: (use.kind == _HARMLESS, -_rank(severity(use)), -use.nearness))
    worst = max(map(severity, uses), key=_rank, default=None)
    return dataclasses.replace(namespace, uses=tuple(uses), severity=worst)


def _rank(of: Severity | None) -> int:
    return -1 if of is None else of.rank


def _order(namespace: NetworkNamespace) -> tuple[bool, int, float, bool, int]:
    """Return by what namespaces are ranked, in the same way."""
    nearest = namespace.nearest
    rank = _rank(namespace.severity)
    nearness = nearest.nearness if nearest and nearest.kind != _HARMLESS else -1.0
    return namespace.unknown is not None, -rank, -nearness, not namespace.own, namespace.inode
