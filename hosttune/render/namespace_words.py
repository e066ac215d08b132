"""A network namespace in words: what it is called, who keeps it, and the command that looks at it alone."""

from __future__ import annotations

import dataclasses
import re

from hosttune import printable
from hosttune.model import NetworkNamespace, Use

PART = "namespace-"
"""How the kind of a use begins that is one of another network namespace."""

_HEX = re.compile("[0-9a-f]{64}")
_ID = 12  # letters of an id, as docker and podman print it
_POD = 8  # of the uid of a pod: its first group


def called(namespace: NetworkNamespace) -> str:
    """Return what it is called: its name, else the first program in it, else the file that keeps it."""
    if namespace.names:
        return namespace.names[0]
    if namespace.own:
        return "the host's" if namespace.initial else "this one"
    if namespace.process is not None:
        return f"{namespace.program or 'process'} ({namespace.process})"
    return next(iter(namespace.files), f"net:[{namespace.inode}]")


def keeper(namespace: NetworkNamespace) -> str:
    """Return who keeps it: a container, with its pod, a unit, else the first program in it; "" for nobody."""
    if namespace.pod:
        return f"pod {namespace.pod if '/' in namespace.pod else namespace.pod[:_POD]}"
    if namespace.container:
        id = _HEX.fullmatch(namespace.container)
        return f"{namespace.owner} {namespace.container[:_ID] if id else namespace.container}"
    named = namespace.names and namespace.process is not None
    return namespace.owner or (f"{namespace.program} ({namespace.process})" if named else "")


def whose(namespace: NetworkNamespace) -> str:
    """Return both in one."""
    by = keeper(namespace)
    return f"{called(namespace)} ({by})" if by else called(namespace)


def filled(use: Use) -> str:
    """Return how much of a limit is in use."""
    limit = use.limit if isinstance(use.limit, int) else 0
    knee = f"; slow above {use.knee:,}" if use.knee and use.used < limit else ""
    return f"{use.name}: {use.used:,} of {limit:,} {use.unit} ({(use.share or 0) * 100:.0f} %){knee}"


def named(namespace: NetworkNamespace, use: Use) -> Use:
    """Return a use of a namespace as one of many: its name and what it is of begin with that of the namespace."""
    name = called(namespace)
    return dataclasses.replace(use, kind=f"{PART}{use.kind}", name=f"{name}: {use.name}", of=(name, *use.of))


def command(namespace: NetworkNamespace, verb: str) -> str:
    """Return the command that looks at it alone."""
    if namespace.own:
        return f"hosttune {verb}"
    if namespace.names:
        return f"sudo hosttune {verb} --netns {namespace.names[0]}"
    if namespace.process is not None:
        return f"sudo hosttune {verb} --pid {namespace.process}"
    file = next(iter(namespace.files), "")
    return f"sudo nsenter {printable.word(f'--net={file}')} hosttune {verb}"
