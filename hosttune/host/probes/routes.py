"""Which source address and interface routing picks towards a destination (RTM_GETROUTE, rtnetlink(7))."""

from __future__ import annotations

from typing import Any


def run(destinations: list[str]) -> dict[str, dict[str, str]]:
    """Return for each numeric destination its `source`, `gateway` ("": a neighbour) and `interface`.

    Where there is no route, these are "" and `error` says why.
    """
    from pyroute2 import IPRoute, NetlinkError

    answers: dict[str, dict[str, str]] = {}
    with IPRoute() as routing:
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in routing.get_links()}
        for destination in destinations:
            try:
                found = list(routing.route("get", dst=destination))
                answers[destination] = {
                    "source": _source(found),
                    "gateway": _gateway(found),
                    "interface": names.get(_index(found), ""),
                    "error": "",
                }
            except NetlinkError as error:
                said = str(error.args[-1])
                answers[destination] = {"source": "", "gateway": "", "interface": "", "error": said}
    return answers


def _source(routes: Any) -> str:
    return str(next((route.get_attr("RTA_PREFSRC") for route in routes if route.get_attr("RTA_PREFSRC")), ""))


def _index(routes: Any) -> int:
    return int(next((route.get_attr("RTA_OIF") for route in routes if route.get_attr("RTA_OIF")), 0))


def _gateway(routes: Any) -> str:
    # a route of one family through a gateway of the other has RTA_VIA
    found = (route.get_attr("RTA_GATEWAY") or route.get_attr("RTA_VIA") for route in routes)
    hop = next((gateway for gateway in found if gateway), "")
    return str(hop["addr"] if isinstance(hop, dict) else hop)
