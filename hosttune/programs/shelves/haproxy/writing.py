"""HAProxy: one server line for each source and broker, so that every pair has a pool of ports of its own."""

from __future__ import annotations

from collections import Counter

from hosttune.model import BindMode, Deployment, Pair, PlannedHost
from hosttune.model.capacity import endpoint
from hosttune.model.programs import known_as
from hosttune.programs import pieces

# nothing longer is taken for a timeout, in milliseconds: include/haproxy/ticks.h, 31 bits
_LONGEST = 2**31 - 1
_DEVICE = "txn.device"
_LIMITED = (
    "    # a pool of ports for each line; its maxconn keeps the pool from being filled beyond what the plan allows",
)
_UNLIMITED = (
    "    # a pool of ports for each line, and no maxconn: all pools together do not carry the plan. With it devices",
    "    # would wait in a queue and be dropped without a word; without it HAProxy says what has run out",
)
Names = dict[tuple[str, int], str]
_MOST_THREADS = 64  # MAX_THREADS of 2.6


def files(deployment: Deployment) -> dict[str, str]:
    """Return haproxy.cfg of each load balancer; haproxy-1.cfg and so on where several processes share its port."""
    found: dict[str, str] = {}
    hosts = list(pieces.running(deployment, "haproxy"))
    sharing = pieces.towards(deployment, hosts)
    names = pieces.name_of(deployment) if hosts else {}
    for host in hosts:
        many = host.tier.processes
        for number in range(1, many + 1):
            name = f"haproxy-{number}.cfg" if many > 1 else "haproxy.cfg"
            found[f"hosts/{host.name}/{name}"] = _text(deployment, host, number, sharing, names)
    return found


def _text(deployment: Deployment, host: PlannedHost, number: int, sharing: Counter[str], names: Names) -> str:
    topology = deployment.sizing.topology
    threads = min(max((host.tier.cores or 0) // host.tier.processes, 1), _MOST_THREADS) if host.tier.cores else 0
    known = known_as(deployment.programs, "haproxy").traits
    own = known.kept_back.value + len(host.ports) + known.per_thread.value * threads
    kept = max(host.workload.own_descriptors, own)
    maxconn = pieces.per_process(host, topology, kept)
    seconds = pieces.quiet(topology)
    silent = min(seconds * 1000, _LONGEST) if seconds else _LONGEST
    lines = [
        f"# {pieces.head(deployment, host, 'HAProxy')}",
        *_where(host, number),
        "global",
        "    log stdout format raw daemon",
        f"    maxconn {maxconn}",
        *([f"    nbthread {threads}"] if threads else []),
        "    # descriptors: those of both sides of each connection, and its own",
        f"    ulimit-n {pieces.descriptors(host, maxconn, kept)}",
        "",
        "defaults",
        "    mode tcp",
        "    log global",
        "    option tcplog",
        "    # a line only for a connection that ended badly",
        "    option dontlog-normal",
        "    option redispatch",
        "    timeout connect 10s",
        "    timeout queue 10s",
        "    # a healthy device is silent for so long at the most" if seconds else "    # a connection stays",
        f"    timeout client {silent}ms",
        f"    timeout server {silent}ms",
        "",
        "frontend devices",
        *[f"    bind {endpoint(host.address, port)}{_backlog(host)}" for port in host.ports],
        f"    maxconn {maxconn}",
        *_inspect(deployment),
        "    default_backend brokers",
        "",
        "backend brokers",
        *_balance(deployment, host, maxconn, silent),
        *_servers(deployment, host, number, sharing, names),
    ]
    return "\n".join(lines) + "\n"


def _where(host: PlannedHost, number: int) -> list[str]:
    extra = (
        f" of {host.tier.processes}; all of them bind the same port (SO_REUSEPORT)" if host.tier.processes > 1 else ""
    )
    lines = [f"# Process {number}{extra}."] if extra else []
    if host.extra:
        lines.append(f"# Needs {len(host.extra)} more addresses on this host: README.md says how to add them.")
    return lines


def _backlog(host: PlannedHost) -> str:
    return f" backlog {host.workload.backlog}" if host.workload.backlog else ""


def _inspect(deployment: Deployment) -> list[str]:
    """Wait for the first packet, which names the device.

    `balance hash` finds nothing in the request itself at 2.6: it takes a variable that is set here.
    """
    if not pieces.mqtt(deployment.sizing.topology):
        return []
    return [
        "    tcp-request inspect-delay 5s",
        "    # a device is known by its MQTT client identifier; what is no MQTT goes on when the delay is over",
        f"    tcp-request content set-var({_DEVICE}) req.payload(0,0),mqtt_field_value(connect,client_identifier)"
        " if { req.payload(0,0),mqtt_is_valid }",
    ]


def _balance(deployment: Deployment, host: PlannedHost, maxconn: int, silent: int) -> list[str]:
    """Say how a device comes to its broker, and back to it."""
    spread = "    # spreads evenly over all server lines, however few addresses the devices come from:"
    source = "    # balance source would send all devices behind one address to one broker"
    if not pieces.mqtt(deployment.sizing.topology):
        return [spread, source, "    balance leastconn"]
    if host.tier.processes > 1:
        return [
            "    # a device comes back to its broker by its MQTT client identifier, through any process;",
            "    # balance source would send all devices behind one address to one broker",
            f"    balance hash var({_DEVICE})",
        ]
    return [
        spread,
        source,
        "    balance leastconn",
        "    # a device comes back to its broker and source by its MQTT client identifier",
        f"    stick-table type string len 64 size {maxconn} expire {silent}ms",
        f"    stick on var({_DEVICE})",
    ]


def _servers(deployment: Deployment, host: PlannedHost, number: int, sharing: Counter[str], names: Names) -> list[str]:
    seen: Counter[str] = Counter()
    allowed = _allowed(deployment, host, sharing)
    lines = [*(_LIMITED if allowed else _UNLIMITED)]
    for number_of_pair, pair in enumerate(host.pairs):
        to = str(pair.backend)
        seen[to] += 1
        name = names.get((pair.backend.address, pair.backend.port), f"{pair.tier}_{len(seen)}".replace("-", "_"))
        words = ["server", f"{name}_s{seen[to]}", to, *_source(deployment, host, pair, number)]
        if allowed and (most := allowed[number_of_pair]):
            words += ["maxconn", str(max(most // host.tier.processes, 1))]
        lines.append(f"    {' '.join(words)}")
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
