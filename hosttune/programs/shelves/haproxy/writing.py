"""HAProxy: one server line for each source and broker, so that every pair has a pool of ports of its own."""

from __future__ import annotations

from collections import Counter

from hosttune.model import BindMode, Deployment, Pair, PlannedHost
from hosttune.model.listening import endpoint
from hosttune.model.programs import known_as
from hosttune.programs import pieces

# nothing longer is taken for a timeout, in milliseconds: include/haproxy/ticks.h, 31 bits
_LONGEST = 2**31 - 1
Names = dict[tuple[str, int], str]
_MOST_THREADS = 64  # MAX_THREADS of 2.6


def files(deployment: Deployment) -> dict[str, str]:
    """Return haproxy.cfg of each load balancer; haproxy-1.cfg and so on where several processes share its port."""
    texts: dict[str, str] = {}
    hosts = list(pieces.running(deployment, "haproxy"))
    sharing = pieces.towards(deployment, hosts)
    names = pieces.name_of(deployment) if hosts else {}
    for host in hosts:
        many = host.tier.processes
        for number in range(1, many + 1):
            name = f"haproxy-{number}.cfg" if many > 1 else "haproxy.cfg"
            texts[f"hosts/{host.name}/{name}"] = _text(deployment, host, number, sharing, names)
    return texts


def _text(deployment: Deployment, host: PlannedHost, number: int, sharing: Counter[str], names: Names) -> str:
    topology = deployment.sizing.topology
    threads = min(max((host.tier.cores or 0) // host.tier.processes, 1), _MOST_THREADS) if host.tier.cores else 0
    known = known_as(deployment.programs, "haproxy").traits
    own = known.kept_back.value + len(host.ports) + known.per_thread.value * threads
    kept = max(host.workload.own_descriptors, own)
    maxconn = pieces.per_process(host, topology, kept)
    seconds, mqtt = pieces.quiet(topology), pieces.mqtt(topology)
    allowed = _allowed(deployment, host, sharing)
    silent = min(seconds * 1000, _LONGEST) if seconds else _LONGEST
    return pieces.filled(
        __file__,
        "haproxy.cfg.in",
        head=pieces.head(deployment, host, "HAProxy"),
        where=_where(host, number),
        maxconn=maxconn,
        threads=[f"nbthread {threads}"] if threads else [],
        descriptors=pieces.descriptors(host, maxconn, kept),
        silence=pieces.silence(seconds),
        silent=silent,
        binds=[f"bind {endpoint(host.address, port)}{_backlog(host)}" for port in host.ports],
        # `balance hash` finds nothing in the request itself at 2.6: it takes a variable that is set before
        mqtt=mqtt,
        hashed=mqtt and host.tier.processes > 1,
        sticks=mqtt and host.tier.processes == 1,
        limited=allowed,
        servers=_servers(deployment, host, number, allowed, names),
    )


def _where(host: PlannedHost, number: int) -> list[str]:
    many = host.tier.processes
    which = f"# Process {number} of {many}; all of them bind the same port (SO_REUSEPORT)."
    return [*([which] if many > 1 else []), *pieces.needs(host)]


def _backlog(host: PlannedHost) -> str:
    return f" backlog {host.workload.backlog}" if host.workload.backlog else ""


def _servers(
    deployment: Deployment, host: PlannedHost, number: int, allowed: list[int | None], names: Names
) -> list[str]:
    seen: Counter[str] = Counter()
    lines: list[str] = []
    for index, pair in enumerate(host.pairs):
        to = str(pair.backend)
        seen[to] += 1
        name = names.get((pair.backend.address, pair.backend.port), f"{pair.tier}_{len(seen)}".replace("-", "_"))
        words = ["server", f"{name}_s{seen[to]}", to, *_source(deployment, host, pair, number)]
        if allowed and (most := allowed[index]):
            words += ["maxconn", str(max(most // host.tier.processes, 1))]
        lines.append(" ".join(words))
    return lines


def _allowed(deployment: Deployment, host: PlannedHost, sharing: Counter[str]) -> list[int | None]:
    """Return what each pair may carry; nothing where all of a leg together are less than what it shall carry."""
    allowed = [pieces.limit(deployment, host, pair, sharing) for pair in host.pairs]
    for leg in host.tier.to:
        mine = [most for pair, most in zip(host.pairs, allowed, strict=True) if pair.tier in leg.tiers]
        if sum(most or 0 for most in mine) < host.workload.connections * leg.per and None not in mine:
            return []
    return allowed


def _source(deployment: Deployment, host: PlannedHost, pair: Pair, number: int) -> list[str]:
    """Without a port HAProxy sets IP_BIND_ADDRESS_NO_PORT (src/proto_tcp.c); each process has its part of a range."""
    mode = host.workload.bind_mode
    if mode is BindMode.CONNECT and len(host.sources) == 1:
        return []  # routing chooses the address, the only one
    if mode is not BindMode.EXPLICIT:
        return ["source", pieces.address(pair.source)]
    low, high = pieces.chosen_ports(deployment, host, pair)
    low, high = pieces.slices(low, high, host.tier.processes)[number - 1]
    return ["source", f"{pieces.address(pair.source)}:{low}-{high}"]
