"""nginx with its stream module: split_clients chooses the source address, proxy_bind binds to it."""

from __future__ import annotations

from collections import Counter

from hosttune.model import Deployment, Pair, PlannedHost
from hosttune.model.listening import endpoint
from hosttune.programs import pieces

_PARTS = 10_000  # split_clients has percentages of two digits behind the point


def files(deployment: Deployment) -> dict[str, str]:
    """Return nginx.conf of each load balancer; none where a host has more pairs than split_clients can tell apart."""
    hosts = [host for host in pieces.running(deployment, "nginx") if 0 < len(host.pairs) <= _PARTS]
    sharing = pieces.towards(deployment, hosts)
    return {f"hosts/{host.name}/nginx.conf": _text(deployment, host, sharing) for host in hosts}


def _text(deployment: Deployment, host: PlannedHost, sharing: Counter[str]) -> str:
    topology = deployment.sizing.topology
    workers = host.tier.cores or host.tier.processes
    kept = host.workload.own_descriptors
    # two for each proxied connection, and the listeners; the workers share the ports, and so the connections
    connections = 2 * -(-pieces.most(host, topology) // workers)
    if host.tier.nofile:
        connections = min(connections, max(host.tier.nofile - kept, 2))
    seconds = pieces.quiet(topology)
    return pieces.filled(
        __file__,
        "nginx.conf.in",
        head=pieces.head(deployment, host, "nginx"),
        needs=pieces.needs(host),
        workers=workers,
        descriptors=connections + kept,
        # each worker has a channel to its master beside its listeners
        connections=connections + len(host.ports) + 1,
        **_split(host),
        upstreams=_upstreams(deployment, host, sharing),
        servers=[line for port in host.ports for line in _server(host, port, seconds)],
    )


def shares(count: int) -> list[str]:
    """Return the percentages of so many equal parts, all but the last, which takes what remains."""
    base, rest = divmod(_PARTS, count)
    parts = [base + (number < rest) for number in range(count - 1)]
    return [f"{part // 100}.{part % 100:02}%" for part in parts]


def _crossed(host: PlannedHost) -> bool:
    """Say whether every source dials every backend, so that the two can be chosen apart."""
    sources = {pair.source for pair in host.pairs}
    return len(host.pairs) == len(sources) * len({str(pair.backend) for pair in host.pairs})


def _split(host: PlannedHost) -> dict[str, object]:
    """Return what chooses the source of a connection: by itself, else with its backend."""
    numbers = [str(number) for number in range(1, len(host.pairs) + 1)]
    upstreams = _upstream_names(host)
    return {
        "crossed": _crossed(host),
        "sources": _rows([pieces.address(source) for source in dict.fromkeys(pair.source for pair in host.pairs)]),
        "pairs": _rows(numbers),
        "source_of": [f"{n} {pieces.address(p.source)};" for n, p in zip(numbers, host.pairs, strict=True)],
        "broker_of": [f"{n} {upstreams[str(p.backend)]};" for n, p in zip(numbers, host.pairs, strict=True)],
    }


def _rows(values: list[str]) -> list[str]:
    return [f"{share} {value};" for share, value in zip([*shares(len(values)), "*"], values, strict=True)]


def _upstream_names(host: PlannedHost) -> dict[str, str]:
    backends = dict.fromkeys(str(pair.backend) for pair in host.pairs)
    return {backend: f"brokers_{number}" for number, backend in enumerate(backends, 1)}


def _upstreams(deployment: Deployment, host: PlannedHost, sharing: Counter[str]) -> list[str]:
    by_backend: dict[str, list[Pair]] = {}
    for pair in host.pairs:
        by_backend.setdefault(str(pair.backend), []).append(pair)
    every = [pieces.together(deployment, host, pairs, sharing) for pairs in by_backend.values()]
    limits = pieces.carrying(host, every)
    servers = {to: _backend(to, most) for to, most in zip(by_backend, limits, strict=True)}
    if _crossed(host):
        return ["upstream brokers {", "    zone brokers 1m;", "    least_conn;", *servers.values(), "}"]
    lines: list[str] = []
    for to, name in _upstream_names(host).items():
        lines += [f"upstream {name} {{", f"    zone {name} 64k;", servers[to], "}"]
    return lines


def _backend(to: str, limit: int | None) -> str:
    """Return the server line of a backend, with the connections that all sources may have towards it."""
    most = f" max_conns={limit}" if limit else ""
    return f"    server {to}{most} max_fails=0;"


def _server(host: PlannedHost, port: int, seconds: int | None) -> list[str]:
    to = "brokers" if _crossed(host) else "$broker"
    backlog = f" backlog={host.workload.backlog}" if host.workload.backlog else ""
    return [
        "server {",
        "    # a queue of its own for each worker, so that they share the load evenly",
        f"    listen {endpoint(host.address, port)} reuseport{backlog};",
        f"    proxy_pass {to};",
        "    # nginx sets IP_BIND_ADDRESS_NO_PORT: a port serves once for each backend",
        "    proxy_bind $source;",
        "    proxy_connect_timeout 10s;",
        f"    {pieces.silence(seconds)}",
        f"    proxy_timeout {f'{seconds}s' if seconds else '24d'};",
        "}",
    ]
