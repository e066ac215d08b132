"""What a bootstrap of Envoy comes to: its listeners, the clusters that they lead to, and its own limits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from hosttune.model import BindMode, Configuration, Entry, OwnLimit, Section, Server, Settings
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.envoy import clusters, document, fields, listeners
from hosttune.programs.shelves.envoy.clusters import Cluster
from hosttune.programs.shelves.envoy.document import Table
from hosttune.programs.shelves.envoy.listeners import Listener, Share

_BOOTSTRAP = "envoy.config.bootstrap.v3."
_KEYS = "static_?[rR]esources|dynamic_?[rR]esources|layered_?[rR]untime|overload_?[mM]anager"
_RUNTIME = "overload.global_downstream_max_connections"
_MONITOR = "DownstreamConnectionsConfig"
_DYNAMIC = ("lds_config", "lds_resources_locator", "cds_config", "cds_resources_locator", "ads_config")
_FINEST = 10**12
_BUFFER = 1 << 20  # per_connection_buffer_limit_bytes, config.listener.v3.Listener


def recognises(text: str) -> bool:
    """Say whether it has a field of a bootstrap of its own: at the left edge of YAML, anywhere in JSON."""
    bare = re.sub(r"^[ \t]*#[^\n]*$", "", text, flags=re.M).lstrip("\ufeff \t\r\n")
    if bare.startswith("{"):
        return re.search(rf"[{{,]\s*[\"']?({_KEYS})[\"']?\s*:", bare) is not None
    return re.search(rf"^[\"']?({_KEYS})[\"']?[ \t]*:(\s|$)", bare, re.M) is not None


def read(given: Given) -> Configuration:
    """Return what a bootstrap comes to; raises UsageError `file:line` for what is neither JSON nor YAML.

    Clusters that share the connections of a listener by weights are one section, any other is its own. What comes from
    elsewhere (xds, eds, rds) is unknown.
    """
    path, *more = given.paths
    notes = [f"{other}: Envoy takes one file; it is not read" for other in more]
    boot = document.read(path, given.text(path))
    fields.check(boot, f"{_BOOTSTRAP}Bootstrap", notes)
    fields.check(boot.table("static_resources"), f"{_BOOTSTRAP}Bootstrap.StaticResources", notes)
    static = boot.table("static_resources")
    wrong = [name for name in ("listeners", "clusters") if not isinstance(static.of(name), list | None)]
    notes.extend(f"{static.where}: {name} of static_resources is no list; passed over" for name in wrong)
    runtime = _runtime(boot)
    heard = listeners.read(boot, runtime, notes)
    default = boot.table("cluster_manager", "upstream_bind_config")
    tables = {table.text("name"): table for table in boot.table("static_resources").tables("clusters")}
    wanted = _wanted(heard, boot, tables, notes)
    built = {name: clusters.read(given, tables[name], default, notes) for name in wanted if name in tables}
    alone = [] if heard else [Listener("", path, shares=[((name, 1),) for name in wanted])]
    sections = tuple(_sections(heard or alone, built))
    leads = {one.name: tuple(_name(share, one) for share in one.shares) for one in heard}
    known = {section.name for section in sections}
    notes.extend(_said(heard, built))
    return Configuration(
        "envoy",
        (path,),
        Settings("envoy", path),
        entries=tuple(
            Entry(one.name, one.where, tuple(one.limits), tuple(n for n in leads[one.name] if n in known), one.backlog)
            for one in heard
        ),
        sections=(*sections, *_elsewhere(boot)),
        limits=tuple(_limits(boot, runtime, heard, notes)),
        mode=BindMode.CONNECT,
        notes=tuple(dict.fromkeys(notes)),
    )


def _runtime(boot: Table) -> dict[str, tuple[str, str]]:
    """Return the keys of the static layers with their values and where they stand; a later layer wins."""
    values: dict[str, tuple[str, str]] = {}
    for layer in boot.table("layered_runtime").tables("layers"):
        _flatten(layer.table("static_layer"), "", values)
    return values


def _flatten(table: Table, before: str, values: dict[str, tuple[str, str]]) -> None:
    for key, value in table.items():
        if isinstance(value, Table):
            _flatten(value, f"{before}{key}.", values)
        elif isinstance(value, str):
            values[f"{before}{key}"] = value, table.where


def _wanted(heard: Sequence[Listener], boot: Table, tables: Mapping[str, Table], notes: list[str]) -> list[str]:
    """Return the clusters that get connections of the role: those that listeners lead to, else any that may be."""
    wanted = {name: None for one in heard for share in one.shares for name, _ in share}
    if not boot.table("static_resources").tables("listeners"):
        control = set(_control(boot))
        wanted = {name: None for name in tables if name not in control}
        why = "no listener is in the file; the cluster is taken to be in use"
        notes.extend(f"{tables[name].where}: cluster {name}: {why}" for name in wanted)
    if any(one.anywhere for one in heard):
        control = set(_control(boot))
        more = [name for name in tables if name not in wanted and name not in control]
        listener = next(one for one in heard if one.anywhere)
        if more:
            notes.append(f"{listener.anywhere}: every cluster of the file is counted")
        for name in more:
            listener.shares.append(((name, 1),))
            wanted[name] = None
    for name, table in tables.items():
        if name not in wanted:
            notes.append(f"{table.where}: no listener leads to cluster {name}; skipped")
    return list(wanted)


def _control(value: object) -> Iterator[str]:
    """Yield the clusters that Envoy itself talks to: of its own control plane, logs and checks."""
    left: list[tuple[str, object]] = [("", value)]
    while left:
        key, now = left.pop()
        if isinstance(now, Table):
            if document.snake(key) in ("envoy_grpc", "http_uri"):
                yield now.text("cluster_name") or now.text("cluster")
            names = now.of("cluster_names")
            yield from (str(name) for name in names) if isinstance(names, list) else ()
            left.extend(now.items())
        elif isinstance(now, list):
            left.extend((key, one) for one in now)


def _sections(heard: Sequence[Listener], built: Mapping[str, Cluster]) -> Iterator[Section]:
    """Yield a section for each set of clusters that share connections, each set once, each breaker once."""
    seen: set[Share] = set()
    limited: set[str] = set()
    for listener in heard:
        for share in listener.shares:
            if share in seen:
                continue
            seen.add(share)
            if made := _section(share, listener, built, limited):
                yield made


def _name(share: Share, listener: Listener) -> str:
    names = [name for name, _ in share]
    if len(names) == 1:
        return f"cluster {names[0]}"
    return f"clusters {', '.join(names)}" if len(names) < 4 else f"{len(names):,} clusters of {listener.name}"


def _section(share: Share, listener: Listener, built: Mapping[str, Cluster], limited: set[str]) -> Section | None:
    parts: list[tuple[Cluster, Fraction]] = []
    whole = sum(weight for _, weight in share)
    unknown: list[str] = []
    for name, weight in share:
        if name in built:
            parts.append((built[name], Fraction(weight, whole)))
        else:
            unknown.append(f"{listener.where}: {listener.name} leads to cluster {name}, which is not in the file")
    every = [cluster for cluster, _ in parts]
    return Section(
        _name(share, listener),
        every[0].where if every else listener.where,
        _servers(parts),
        limits=tuple(_breakers(parts, _name(share, listener), limited)),
        uneven=next((cluster.uneven for cluster in every if cluster.uneven), ""),
        unknown=tuple(dict.fromkeys([*unknown, *(line for cluster in every for line in cluster.unknown)])),
        growing=next((cluster.growing for cluster in every if cluster.growing), ""),
    )


def _servers(parts: Sequence[tuple[Cluster, Fraction]]) -> tuple[Server, ...]:
    """Return the servers of several clusters, their weights in proportion to the clusters' shares."""
    exact = [
        (server, share * Fraction(server.weight, whole))
        for cluster, share in parts
        for whole in (sum(other.weight for other in cluster.servers),)
        for server in cluster.servers
    ]
    scale = _scale({share.denominator for _, share in exact})
    weights = [max(round(share * scale), 1) for _, share in exact]
    least = math.gcd(*weights) if weights else 1
    return tuple(replace(server, weight=w // least) for (server, _), w in zip(exact, weights, strict=True))


def _scale(denominators: set[int]) -> int:
    """Return what makes all shares whole numbers, or one that leaves errors that nobody sees where that is huge."""
    scale = 1
    for denominator in denominators:
        scale = math.lcm(scale, denominator)
        if scale > _FINEST:
            return _FINEST
    return scale


def _breakers(parts: Sequence[tuple[Cluster, Fraction]], name: str, limited: set[str]) -> Iterator[OwnLimit]:
    """Yield the circuit breakers, each once; one for all where several clusters share alike and have the same."""
    limits = [(cluster.breaker, share) for cluster, share in parts if cluster.breaker and cluster.name not in limited]
    limited.update(cluster.name for cluster, _ in parts)
    alike = {(limit.value, bool(limit.where), share) for limit, share in limits}
    if len(limits) > 1 and len(alike) == 1 and len(limits) == len(parts):
        yield replace(limits[0][0], of=name, copies=len(limits))
        return
    for limit, share in limits:
        yield replace(limit, part=share)


def _elsewhere(boot: Table) -> Iterator[Section]:
    """Yield a section for what comes from a control plane: nobody can count it by the file."""
    dynamic = boot.table("dynamic_resources")
    given = [name for name in _DYNAMIC if dynamic.of(name) is not None]
    if given:
        what = f"{dynamic.where}: listeners or clusters come by {', '.join(given)}, and are not in the file"
        yield Section("clusters of dynamic_resources", dynamic.where, (), unknown=(what,))


def _limits(
    boot: Table, runtime: Mapping[str, tuple[str, str]], heard: Sequence[Listener], notes: list[str]
) -> Iterator[OwnLimit]:
    """Yield the limit of all downstream connections: of the overload manager, else of the runtime."""
    made: list[OwnLimit] = []
    for row in boot.table("overload_manager").tables("resource_monitors"):
        fields.check(row, "envoy.config.overload.v3.ResourceMonitor", notes)
        kind, config = listeners.typed(row)
        most = config.number("max_active_downstream_connections")
        if kind == _MONITOR and most is not None:
            made.append(listeners.limit(most, "max_active_downstream_connections", "", config.where))
    if not made and _RUNTIME in runtime and runtime[_RUNTIME][0].isdecimal():
        value, where = runtime[_RUNTIME]
        made.append(listeners.limit(int(value), _RUNTIME, "", where))
    if made and heard and all(one.exempt for one in heard):
        notes.append(f"{made[0].where}: {made[0].setting} holds for none of the listeners: they are exempt from it")
        return
    yield from made


def _said(heard: Sequence[Listener], built: Mapping[str, Cluster]) -> Iterator[str]:
    """Yield what a reader is told beside the numbers."""
    buffers = [_BUFFER if one.buffer is None else one.buffer for one in heard]
    if buffers and max(buffers) >= _BUFFER and built:
        first = heard[buffers.index(max(buffers))]
        yield (
            f"{first.where}: {first.name} keeps up to {max(buffers):,} bytes of each connection in each direction "
            "while a peer is slow (per_connection_buffer_limit_bytes)"
        )
    if any(one.http for one in heard):
        first = next(one for one in heard if one.http)
        shared = "a connection to a cluster is counted for each client, many may share one"
        yield f"{first.where}: {first.name} is HTTP: {shared}"
