"""A provider's NAT gateway has no port left for a destination, or for this machine: its pool, not this host's.

It drops the SYN, and counts that itself; what it gives by default is known of providers (profiles/clouds).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix
from hosttune.model.clouds import Gateway, KnownCloud

RULE = Rule(
    __name__,
    "a NAT gateway between has no port left",
    errnos=("ETIMEDOUT", "none"),
    calls=("connect",),
    gives={"connect": ("ETIMEDOUT",), "": ("none",)},
    unit="connections to one destination",
    log="ETIMEDOUT from connect(): the gateway drops the SYN",
    strength=70,
    rivals=("ports", "conntrack", "cloud"),
)
_SLACK = 0.01
_OF_ANYBODY = 10_000
"""Ports: smaller blocks are numbers like any other, and a sign only where their provider is seen or named."""

_WITHIN = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"))
)
"""Addresses that are translated on their way out: RFC 1918, RFC 6598, RFC 3927."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A number that is what `pools` blocks of a provider's gateway have."""

    cloud: KnownCloud
    gateway: Gateway
    pools: int

    @property
    def at(self) -> int:
        return self.gateway.ports * self.pools

    def __str__(self) -> str:
        whole = f", {self.pools} of them {self.at:,}" if self.pools > 1 else ""
        default = f"{self.gateway.ports:,} ports are the default of {self.cloud.title} for {self.gateway.what}{whole}"
        return f"{default} ({self.gateway.source}, noted {self.gateway.noted})"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what the gateway's own metric says, else what a number can hint at; the host itself shows nothing."""
    fits = _fit(clues, clues.stalled_at)
    stopped = tuple(Evidence(f"it stopped at {clues.stalled_at:,}, and {fit}", "--stalled-at") for fit in fits)
    if clues.hits(RULE.kind):
        return (_cause(clues, Certainty.CERTAIN, stopped, fits),)
    if RULE.met(clues) is False:
        return (RULE.excluded("there would be no errno of this host but ETIMEDOUT", "--errno"),)
    public = _public(clues)
    if public:
        return (RULE.excluded(f"this machine has a public address, {public}: no gateway translates it", "ip addr"),)
    if fits:
        large = fits[0].gateway.ports >= _OF_ANYBODY and clues.machine.cloud == fits[0].cloud.name
        likely = large and clues.met("ETIMEDOUT", calls=("connect",))
        return (_cause(clues, Certainty.LIKELY if likely else Certainty.POSSIBLE, stopped, fits),)
    for flow in clues.flows:
        blocks = _fit(clues, flow.established) if flow.retried else ()
        if blocks:
            where = Backend(flow.address, flow.port)
            counts = f"{flow.established:,} connections to {where}, and {flow.retried:,} SYNs without an answer"
            seen = Evidence(f"{counts}; {blocks[0]}", "sock_diag")
            return (_cause(clues, Certainty.POSSIBLE, (seen,), blocks),)
    if clues.flows and not any(flow.retried for flow in clues.flows):
        return (RULE.excluded("no SYN that went out waits without an answer", "sock_diag"),)
    return (RULE.unknown("the ports of a gateway do not show on the host", _metrics(_near(clues) or clues.clouds)),)


def _near(clues: Clues) -> tuple[KnownCloud, ...]:
    """Return the providers that are seen, or named by what somebody logged of them."""
    names = {clues.machine.cloud, *(hit.program for hit in clues.symptom.hits)}
    return tuple(cloud for cloud in clues.clouds if cloud.name in names)


def _fit(clues: Clues, number: int | None) -> tuple[_Fit, ...]:
    """Return which blocks a number is at the end of, one of each provider.

    Where no provider is seen only of those that are large; of all where nobody has looked, and a SYN had no answer.
    """
    near = _near(clues)
    unseen = not clues.machine.kernel and clues.met("ETIMEDOUT", calls=("connect",))
    rows = [
        _Fit(cloud, gateway, pools)
        for cloud in near or clues.clouds
        for gateway in cloud.gateway
        if near or unseen or gateway.ports >= _OF_ANYBODY
        for pools in range(1, gateway.addresses + 1)
    ]
    fits = {row.cloud.name: row for row in reversed(rows) if saying.near(number, row.at, _SLACK)}
    return tuple(reversed(fits.values()))


def _public(clues: Clues) -> str:
    """Return an address of this machine that is not translated on its way out, "" where none is seen.

    Of what waits for an answer the sources, else all addresses; of IPv4, for IPv6 is as a rule not translated.
    """
    waiting = {flow.source for flow in clues.flows if flow.retried}
    return next(_outer(waiting or clues.addresses), "")


def _outer(addresses: Iterable[str]) -> Iterator[str]:
    """Yield those of IPv4 that are not of a private network."""
    for address in sorted(addresses):
        own = ipaddress.ip_address(address.partition("%")[0])
        inner = own.is_loopback or own.is_unspecified or own.is_multicast
        if own.version == 4 and not inner and not any(own in net for net in _WITHIN):
            yield str(own)


def _metrics(clouds: Iterable[KnownCloud]) -> str:
    metrics = "; ".join(f"{cloud.metric} ({cloud.title})" for cloud in clouds)
    return f"the gateway's own metric: {metrics}" if metrics else "the gateway's own metric of SYNs that it dropped"


def _cause(clues: Clues, certainty: Certainty, seen: tuple[Evidence, ...], fits: tuple[_Fit, ...]) -> Cause:
    words = (*saying.logged(clues, RULE.kind), *saying.named(clues))
    near = tuple(fit.cloud for fit in fits) or _near(clues)
    small = bool(fits) and fits[0].gateway.ports < _OF_ANYBODY
    private = " or ".join(cloud.private for cloud in near) or "a private endpoint"
    return RULE.cause(
        clues,
        certainty,
        seen,
        at=fits[0].at if fits else None,
        what=f"{RULE.what} for {'this machine' if small else 'a destination'}",
        words=words,
        confirm="" if certainty is Certainty.CERTAIN else _metrics(near or clues.clouds),
        fixes=(
            *(Fix(cloud.more if len(near) == 1 else f"{cloud.title}: {cloud.more}") for cloud in near),
            Fix("fewer connections to each destination: keep them open and use them again, or share them"),
            Fix(f"no NAT on the way: {private} of the destination, or public addresses"),
        ),
    )
