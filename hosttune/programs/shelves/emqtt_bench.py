"""emqtt-bench: a command for each source address and port, all of them from one script a host."""

from __future__ import annotations

import math
import shlex

from hosttune.model import Deployment, PlannedHost
from hosttune.programs import pieces


def files(deployment: Deployment) -> dict[str, str]:
    """Return emqtt-bench.sh of each load generator."""
    texts: dict[str, str] = {}
    begun = 0
    for host in pieces.running(deployment, "emqtt_bench"):
        if host.pairs:
            texts[f"hosts/{host.name}/emqtt-bench.sh"] = _text(deployment, host, begun)
        begun += host.workload.connections
    return texts


def _text(deployment: Deployment, host: PlannedHost, begun: int) -> str:
    commands, message = _commands(deployment, host, begun), deployment.sizing.topology.message
    return pieces.filled(
        __file__,
        "emqtt_bench.sh.in",
        head=pieces.head(deployment, host, "emqtt-bench"),
        count=len(commands),
        seconds=f"{math.ceil(message.count * message.interval):,}" if message.count else "",
        commands=[f"{shlex.join(command)} &" for command in commands],
    )


def _commands(deployment: Deployment, host: PlannedHost, begun: int) -> list[list[str]]:
    groups: dict[tuple[str, int], list[str]] = {}
    for pair in host.pairs:
        groups.setdefault((pair.source, pair.backend.port), []).append(pair.backend.address)
    most = _most(host)
    parts: list[tuple[str, int, list[str], int]] = []
    for (source, port), share in zip(groups, _shared(host.workload.connections, len(groups)), strict=True):
        for count in _shared(share, max(-(-share // most), 1)):
            parts.append((source, port, groups[source, port], count))
    commands: list[list[str]] = []
    for source, port, addresses, count in parts:
        if count:
            every = math.ceil(1000 * len(parts) / host.workload.rate)
            commands.append(_command(deployment, source, port, addresses, count, begun, max(every, 1)))
        begun += count
    return commands


def _most(host: PlannedHost) -> int:
    """Return what one process may carry: it is an Erlang node of its own."""
    return max(host.tier.nofile - host.workload.own_descriptors, 1) if host.tier.nofile else host.workload.connections


def _shared(count: int, parts: int) -> list[int]:
    base, rest = divmod(count, parts)
    return [base + (number < rest) for number in range(parts)]


def _command(
    deployment: Deployment, source: str, port: int, addresses: list[str], count: int, first: int, every: int
) -> list[str]:
    message = deployment.sizing.topology.message
    words = ["emqtt_bench", "pub" if message.count else "conn"]
    words += ["-h", ",".join(dict.fromkeys(addresses)), "-p", str(port), "-c", str(count), "-n", str(first)]
    words += ["-i", str(every), "--ifaddr", source]
    words += ["-k", str(min(message.keepalive, 65_535))] if message.keepalive else []
    if message.count:
        words += ["-t", "hosttune", "-s", str(message.size), "-q", str(message.qos)]
        words += ["-I", str(max(round(message.interval * 1000), 1))]
    return words
