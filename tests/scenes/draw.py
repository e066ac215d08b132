"""Draw a scene from a seed."""

from __future__ import annotations

import random
from typing import Any

from hosttune.model import BindMode
from hosttune.ports import text_of
from tests.scenes.scene import (
    CLIENTS,
    CLIENTS6,
    NOBODY,
    NOBODY_UID,
    PORTS,
    SERVERS,
    SERVERS6,
    Holder,
    How,
    Scene,
    State,
)

_MODES = (BindMode.CONNECT,) * 4 + (BindMode.NO_PORT,) * 2 + (BindMode.BIND,) * 2 + (BindMode.EXPLICIT,) * 2
_OUTGOING = (How.CONNECT, How.NO_PORT, How.BIND, How.PLAIN, How.EXPLICIT)
_LEFT_OVER = (State.TIME_WAIT, State.TIME_WAIT, State.FIN_WAIT2, State.CLOSE_WAIT, State.SYN_SENT)
_STATES = (*[State.ESTABLISHED] * 4, *_LEFT_OVER)
_MOST = 60
"""Connections of one holder."""


def scene(seed: int) -> Scene:
    """Return the scene of a seed."""
    draw = random.Random(seed)
    mode = draw.choice(_MODES)
    low, high = _range(draw)
    v6 = draw.random() < 0.15
    clients, servers = (CLIENTS6, SERVERS6) if v6 else (CLIENTS, SERVERS)
    backends = ((servers[0], PORTS[0]),)
    if mode is not BindMode.BIND and draw.random() < 0.25:
        backends += (draw.choice([(servers[0], PORTS[1]), (servers[1], PORTS[0])]),)
    sources: tuple[str, ...] = ()
    if mode is not BindMode.CONNECT and draw.random() < 0.7:
        sources = tuple(draw.sample(clients, draw.choice((1, 1, 2, 3))))
    chosen = _chosen(draw, mode, low, high)
    by = {} if sources else _by_rule(draw, mode, backends[0], v6)
    filters = () if v6 or by or draw.random() >= 0.12 else _filters(draw, backends)
    holders = []
    for _ in range(draw.choice((0, 1, 1, 2, 2, 3, 4))):
        holders.append(_holder(draw, mode, chosen or (low, high), backends, clients, v6))
    return Scene(
        seed=seed,
        mode=mode,
        low=low,
        high=high,
        backends=backends,
        sources=sources,
        chosen=chosen,
        sysctls=_sysctls(draw, low, high),
        server=(("net.ipv4.tcp_timestamps", "0"),) if draw.random() < 0.15 else (),
        holders=tuple(holders),
        filters=filters,
        **by,
    )


def _by_rule(draw: random.Random, mode: BindMode, to: tuple[str, int], v6: bool) -> dict[str, Any]:
    """Return rules of routing that pick another source, for what they go by, and what the program has of that."""
    if draw.random() >= (0.3 if mode is BindMode.CONNECT else 0.15):
        return {}
    source = draw.choice((CLIENTS6 if v6 else CLIENTS)[1:])
    network, whole = ("fd77::/64", "::/0") if v6 else ("10.77.0.0/24", "0.0.0.0/0")
    kind = draw.choice(("dport", "dport", "to", "uid", "uid", "mark", "mark", "sport", "udp"))
    match = {
        "dport": f"to {whole} ipproto tcp dport {draw.choice(PORTS)}",
        "to": f"to {to[0]}",
        "uid": f"to {whole} uidrange {NOBODY_UID}-{NOBODY_UID}",
        "mark": f"to {whole} fwmark {draw.choice(('9', '9', '0x1/0xf'))}",
        "sport": f"to {whole} ipproto tcp sport 1-65534",
        "udp": f"to {whole} ipproto udp dport {to[1]}",
    }[kind]
    made: dict[str, Any] = {"rules": (f"route add {network} dev c0 src {source} table 7", f"rule add {match} lookup 7")}
    if kind in ("uid", "mark"):
        made["told"] = draw.random() < 0.6
        made[kind] = draw.choice((0, NOBODY_UID)) if kind == "uid" else draw.choice((0, 9, 0x21))
    return made


def _filters(draw: random.Random, backends: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """Return a rule of source NAT with a range of ports, or one that counts connections."""
    if len(backends) == 1 and draw.random() < 0.4:
        address, port = backends[0]
        what = f"ip daddr {address} tcp dport {port} ct state new ct count over {draw.randrange(5, 90)}"
        chain = "add chain ip f o { type filter hook output priority 0; }"
        return ("add table ip f", chain, f"add rule ip f o {what} {draw.choice(('drop', 'reject'))}")
    low = draw.randrange(2000, 60000)
    ports = f"{low}-{low + draw.randrange(0, 120)}"
    to = draw.choice((f"masquerade to :{ports}", *(f"snat to {address}:{ports}" for address in CLIENTS[:2])))
    random_ = draw.choice(("", "", " random", " fully-random"))
    chain = "add chain ip n post { type nat hook postrouting priority 100; }"
    return ("add table ip n", chain, f"add rule ip n post oifname c0 ip protocol tcp {to}{random_}")


def _range(draw: random.Random) -> tuple[int, int]:
    size = draw.choice((1, 2, 3, 4, 5, 7, *[draw.randrange(40, 201) for _ in range(14)]))
    low = draw.choice((draw.randrange(1, 800), *[draw.randrange(2000, 65535 - size) for _ in range(7)]))
    return low, low + size - 1


def _chosen(draw: random.Random, mode: BindMode, low: int, high: int) -> tuple[int, int] | None:
    """Return ports of a program's own, to bind to or for connect(): those of the range, some of them, or others."""
    if mode is BindMode.BIND or (mode is not BindMode.EXPLICIT and draw.random() >= 0.25):
        return None
    size = draw.randrange(20, 121)
    start = draw.choice((low, min(low + (high - low) // 2, 65535 - size), draw.randrange(2000, 65000)))
    return start, start + size - 1


def _sysctls(draw: random.Random, low: int, high: int) -> tuple[tuple[str, str], ...]:
    pairs = [("net.ipv4.ip_unprivileged_port_start", "0")] if low < 1024 else []
    pairs.append(("net.ipv4.ip_local_port_range", f"{low} {high}"))
    reserved = draw.choice(("", "", "", "block", "parity", "some", "all"))
    size = high - low + 1
    ports = {
        "block": [*range(low + size // 3, low + size // 2 + 1)],
        "parity": [port for port in range(low, low + size // 2) if port % 2 == low % 2],
        "some": draw.sample(range(low, high + 1), min(size, 9)),
        "all": [*range(low, high + 1)],
    }.get(reserved, [])
    if ports and (reserved != "all" or draw.random() < 0.2):
        pairs.append(("net.ipv4.ip_local_reserved_ports", text_of(sum(1 << port for port in ports))))
    reuse = draw.choice(("", "0", "1", "1", "2"))
    if reuse:
        pairs.append(("net.ipv4.tcp_tw_reuse", reuse))
    if draw.random() < 0.1:
        pairs.append(("net.ipv4.tcp_timestamps", "0"))
    return tuple(pairs)


def _holder(
    draw: random.Random,
    mode: BindMode,
    ports: tuple[int, int],
    backends: tuple[tuple[str, int], ...],
    clients: tuple[str, ...],
    v6: bool,
) -> Holder:
    """Return sockets that hold some of the ports, or ports beside them."""
    if draw.random() < 0.35:
        return _idle(draw, ports, v6)
    how, state = draw.choice(_OUTGOING), draw.choice(_STATES)
    servers = SERVERS6 if v6 else SERVERS
    to = draw.choice((*backends, (servers[0], PORTS[1]), (servers[1], PORTS[0]), (servers[1], PORTS[1])))
    if to in backends and mode is BindMode.EXPLICIT:
        # what goes to the workload's own backends is taken to be the workload's
        how = How.EXPLICIT
    if state is State.SYN_SENT:
        to = (NOBODY[v6], PORTS[0])
    address = "" if how is How.CONNECT else draw.choice(clients)
    count = draw.randrange(1, _MOST)
    chosen: tuple[int, ...] = ()
    if how in (How.PLAIN, How.EXPLICIT):
        count = min(count, ports[1] - ports[0] + 1)
        first = draw.randrange(ports[0], ports[1] - count + 2)
        chosen = tuple(range(first, first + count))
        if draw.random() < 0.3:
            chosen = tuple(sorted(draw.sample(range(ports[0], ports[1] + 1), count)))
    return Holder(
        how,
        address,
        count,
        chosen,
        to,
        state,
        reuse_address=how is How.EXPLICIT or (how is How.BIND and draw.random() < 0.3),
        reuse_port=how in (How.BIND, How.EXPLICIT) and draw.random() < 0.2,
    )


def _idle(draw: random.Random, ports: tuple[int, int], v6: bool) -> Holder:
    """Return sockets that listen, or are only bound, on any address."""
    addresses = ["0.0.0.0", "127.0.0.1", *CLIENTS[:2], "::", "::"]
    if v6:
        addresses += [*CLIENTS6[:2], "::1"]
    address = draw.choice(addresses)
    count = min(draw.randrange(1, 13), ports[1] - ports[0] + 1)
    held = tuple(sorted(draw.sample(range(ports[0], ports[1] + 1), count)))
    how = draw.choice((How.LISTEN, How.BOUND))
    reuse_port = draw.random() < 0.2
    return Holder(
        how,
        address,
        count,
        held,
        reuse_address=draw.random() < 0.5,
        reuse_port=reuse_port,
        v6only=":" in address and draw.random() < 0.4,
    )
