"""Through which interface connections to each backend leave: rules of the packet filter ask for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Backend


def gather(host: Host, backends: Iterable[Backend], known: Mapping[str, Any]) -> dict[str, str]:
    """Return the interface by the backend as text; `known` are routes that were asked for already.

    These are by address, or by backend where rules go by its port. One that the host has no answer for is left out.
    """
    goals = {str(backend): backend.address for backend in backends}
    ways = {name: known.get(name) or known.get(address) for name, address in goals.items()}
    missing = sorted({goals[name] for name, way in ways.items() if way is None})
    answers: dict[str, Any] = {}
    if missing:
        with contextlib.suppress(HostError):
            answers = host.probe("routes", destinations=missing)
    routed = ((name, ways[name] or answers.get(address) or {}) for name, address in goals.items())
    return {name: way["interface"] for name, way in routed if way.get("interface")}
