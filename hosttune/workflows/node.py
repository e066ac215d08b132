"""The whole node: every network namespace of a host, with the one that is nearest to a limit first."""

from __future__ import annotations

import dataclasses
import time

from hosttune.errors import UsageError
from hosttune.facts import machine as machines
from hosttune.facts import node as namespaces
from hosttune.findings.node import judged
from hosttune.host import Host
from hosttune.model import Machine, Node, Severity
from hosttune.options import Options, Place, spelled
from hosttune.render import namespace_words as words
from hosttune.workflows import opening


def node(options: Options, place: Place, fail_on: Severity, strict: bool) -> Node:
    """Return every network namespace of the host of a place; raises UsageError for options of a role, or of one place.

    The calling thread stays where it is.
    """
    if given := [word for word in spelled(options) if word.startswith("--")]:
        why = "no namespace is compared with a role; leave one of them out"
        raise UsageError(f"{given[0]} and --all-namespaces: {why}")
    if place.netns:
        raise UsageError("--netns and --all-namespaces: one, or all of them; leave one of them out")
    if place.root != "/":
        raise UsageError("--root and --all-namespaces: an image has no network namespaces; leave one of them out")
    host = opening.open_host(place.root, place.snapshot)
    whole = judged(namespaces.gather(host, machines.gather(host, tracking=False)))
    taken = None if place.snapshot else round(time.time(), 3)
    return dataclasses.replace(whole, fail_on=fail_on, strict=strict, taken=taken)


def elsewhere(host: Host, machine: Machine) -> str:
    """Return which namespace, of those that were not looked at, is at a limit, and what to type; "" for none."""
    whole = judged(namespaces.gather(host, machine, others=True))
    full = [each for each in whole.namespaces if each.severity is Severity.ERROR]
    if not full or full[0].nearest is None:
        return ""
    more = f" and {len(full) - 1:,} more are" if len(full) > 1 else " is"
    which, how = words.whose(full[0]), words.filled(full[0].nearest)
    return f"network namespace {which}{more} at a limit, {how}: `{words.command(full[0], 'diagnose')}`"
