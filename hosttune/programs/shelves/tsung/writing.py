"""Tsung 1.7 and 1.8: every load generator with its addresses, the ramp, and what a device does once it is connected."""

from __future__ import annotations

import math
from html import escape

from hosttune.model import Deployment, PlannedHost, Tier
from hosttune.programs import pieces

VERSIONS = ("1.7", "1.8")
_ERLANG_PORTS = 65_536  # sockets of one Erlang node, erl(1): +Q
_KEEPALIVE_MOST = 65_535  # seconds, 16 bits in MQTT's CONNECT
_INLINE = 1024  # bytes of a payload that are written out


def files(deployment: Deployment) -> dict[str, str]:
    """Return tsung-1.7.xml and tsung-1.8.xml; one pair for each tier of load generators where there are several."""
    texts: dict[str, str] = {}
    tiers = pieces.tiers(deployment, "tsung")
    for tier in tiers:
        of = f"-{tier.name}" if len(tiers) > 1 else ""
        for version in VERSIONS:
            texts[f"tsung{of}-{version}.xml"] = _text(deployment, tier, version)
    return texts


def _text(deployment: Deployment, tier: Tier, version: str) -> str:
    hosts = deployment.of(tier.name)
    message = deployment.sizing.topology.message
    seconds, note, users = _arrivals(deployment, tier, hosts)
    large = bool(message.count) and message.size > _INLINE
    span = next((host.workload.bind_range for host in hosts if host.workload.bind_range), None)
    stay, why = _stay(deployment)
    return pieces.filled(
        __file__,
        "tsung.xml.in",
        head=_comment(pieces.head(deployment, None, f"Tsung {version}")),
        late=version != VERSIONS[0],
        clients=[line for host in hosts for line in _client(deployment, host, alone=len(hosts) == 1)],
        servers=_servers(hosts),
        note=note,
        seconds=seconds,
        users=users,
        span=span,
        low=span[0] if span else "",
        high=span[1] if span else "",
        # at 0 its pings would follow each other without a pause (src/tsung/ts_mqtt.erl, ping_loop)
        keepalive=min(message.keepalive, _KEEPALIVE_MOST) or _KEEPALIVE_MOST,
        large=large,
        size=message.size,
        count=message.count,
        qos=message.qos,
        subst=' subst="true"' if large else "",
        text="%%_payload%%" if large else "x" * message.size,
        pause=[f"<thinktime{_attributes(value=f'{message.interval:g}')}/>"] if message.interval else [],
        why=why,
        stay=stay,
    )


def _comment(text: str) -> str:
    """Return text that may stand in a comment of XML, which ends at two hyphens."""
    return text.replace("--", "- -")


def _attributes(**given: object) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in given.items())


def _client(deployment: Deployment, host: PlannedHost, alone: bool) -> list[str]:
    """One Erlang node for each process; Tsung starts one more whenever a node has maxusers."""
    kept = host.workload.own_descriptors
    users = min(pieces.per_process(host, deployment.sizing.topology, kept), _ERLANG_PORTS - kept)
    more: dict[str, object] = {"cpu": host.tier.processes} if host.tier.processes > 1 else {}
    # the node that controls makes the connections too where there is no other host
    own = "true" if alone and host.tier.processes == 1 else "false"
    opening = f"<client{_attributes(host=host.name, maxusers=max(users, 1), use_controller_vm=own, **more)}>"
    return [opening, *[f"  <ip{_attributes(value=source)}/>" for source in host.sources], "</client>"]


def _servers(hosts: tuple[PlannedHost, ...]) -> list[str]:
    seen = {(p.backend.address, p.backend.port): None for host in hosts for p in host.pairs}
    return [
        f"<server{_attributes(host=address, port=port, type='tcp6' if ':' in address else 'tcp')}/>"
        for address, port in seen
    ]


def _arrivals(deployment: Deployment, tier: Tier, hosts: tuple[PlannedHost, ...]) -> tuple[int, str, str]:
    """Return how many seconds users arrive, why, and the attributes of how many."""
    topology = deployment.sizing.topology
    users = tier.connections or sum(host.workload.connections for host in hosts)
    part = min(users / topology.connections, 1)
    rate = max(round(topology.rate * part), 1)
    ramp = max(math.ceil(users / rate), 1)
    if topology.hold:
        # as many come as go: the level is reached after one hold, and kept for another
        note = f"each lives {topology.hold} s; new ones come as long as the phase lasts"
        return 2 * max(ramp, topology.hold), note, _attributes(arrivalrate=rate)
    # users come at random times, and a busy host starts them late: maxnumber ends the phase
    note = f"{users:,} devices in about {ramp:,} s; the phase is longer, maxnumber ends it"
    return math.ceil(1.3 * ramp) + 5, note, _attributes(arrivalrate=rate, maxnumber=users)


def _stay(deployment: Deployment) -> tuple[int, str]:
    """Return the seconds that a device stays after its messages, and why."""
    topology = deployment.sizing.topology
    message = topology.message
    speaking = math.ceil(message.count * message.interval)
    if topology.hold:
        return max(topology.hold - speaking, 0), f"a connection lives {topology.hold:,} s"
    if message.stay:
        return message.stay, "stays connected after its messages"
    return 2 * pieces.ramp(topology), "no stay is given: twice the ramp, so that all are connected together"
