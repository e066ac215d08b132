"""Which source address routing picks towards a destination (RTM_GETROUTE, rtnetlink(7))."""

from __future__ import annotations

from typing import Any


def run(destinations: list[str]) -> dict[str, dict[str, str]]:
    """Return for each numeric destination its `source`, or why there is none as `error`."""
    from pyroute2 import IPRoute, NetlinkError

    answers: dict[str, dict[str, str]] = {}
    with IPRoute() as routing:
        for destination in destinations:
            try:
                answers[destination] = {"source": _source(routing.route("get", dst=destination)), "error": ""}
            except NetlinkError as error:
                answers[destination] = {"source": "", "error": str(error.args[-1])}
    return answers


def _source(routes: Any) -> str:
    return str(next((route.get_attr("RTA_PREFSRC") for route in routes if route.get_attr("RTA_PREFSRC")), ""))
