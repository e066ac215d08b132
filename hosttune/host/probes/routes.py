"""Which source address routing picks towards a destination (RTM_GETROUTE, rtnetlink(7))."""

from __future__ import annotations

from typing import Any


def run(destinations: list[str]) -> dict[str, dict[str, str]]:
    """Return for each numeric destination its `source` and `gateway` ("": a neighbour), or as `error` why not."""
    from pyroute2 import IPRoute, NetlinkError

    answers: dict[str, dict[str, str]] = {}
    with IPRoute() as routing:
        for destination in destinations:
            try:
                found = list(routing.route("get", dst=destination))
                answers[destination] = {"source": _source(found), "gateway": _gateway(found), "error": ""}
            except NetlinkError as error:
                answers[destination] = {"source": "", "gateway": "", "error": str(error.args[-1])}
    return answers


def _source(routes: Any) -> str:
    return str(next((route.get_attr("RTA_PREFSRC") for route in routes if route.get_attr("RTA_PREFSRC")), ""))


def _gateway(routes: Any) -> str:
    # a route of one family through a gateway of the other has RTA_VIA
    found = (route.get_attr("RTA_GATEWAY") or route.get_attr("RTA_VIA") for route in routes)
    return str(next((gateway for gateway in found if gateway), ""))
