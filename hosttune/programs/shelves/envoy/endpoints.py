"""The endpoints of a cluster that get connections: by their health and priority, with their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.programs.shelves.envoy import fields
from hosttune.programs.shelves.envoy.document import Table

_ENDPOINT = "envoy.config.endpoint.v3."
_PANIC = 50  # healthy_panic_threshold, per cent
_OVERPROVISIONING = 140  # overprovisioning_factor, per cent
_OUT = {"UNHEALTHY": "2", "DRAINING": "3", "TIMEOUT": "4", "DEGRADED": "5"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint at an address as it is written; `out` is why it is out, "" for a healthy one."""

    where: str
    address: str
    port: int
    weight: int
    out: str


def used(cluster: Table, notes: list[str], unknown: list[str]) -> tuple[Endpoint, ...]:
    """Return those that get connections; adds what is passed over, and what cannot be counted.

    The least priority that has healthy ones gets all of them while enough of it is healthy. Where less than the panic
    threshold is, health is not looked at (Envoy's manual: Priority levels, Panic threshold).
    """
    load = cluster.table("load_assignment")
    fields.check(load, f"{_ENDPOINT}ClusterLoadAssignment", notes)
    levels: dict[int, list[Endpoint]] = {}
    for locality in load.tables("endpoints"):
        fields.check(locality, f"{_ENDPOINT}LocalityLbEndpoints", notes)
        if locality.of("leds_cluster_locality_config") is not None:
            unknown.append(f"{locality.where}: the endpoints of a locality come by leds")
        priority = min(locality.number("priority") or 0, 128)
        levels.setdefault(priority, []).extend(_endpoints(locality, notes, unknown))
    name = cluster.text("name")
    ordered = [(level, rows) for level, rows in sorted(levels.items()) if rows]
    panic = _per_cent(cluster.table("common_lb_config", "healthy_panic_threshold").text("value"), _PANIC)
    factor = load.table("policy").number("overprovisioning_factor") or _OVERPROVISIONING
    chosen = next(((level, rows) for level, rows in ordered if not all(row.out for row in rows)), None)
    if chosen is None:
        chosen = ordered[0] if ordered else (0, [])
        if ordered:
            notes.append(f"{cluster.where}: no endpoint of cluster {name} is healthy: Envoy takes all (panic mode)")
        return tuple(chosen[1])
    level, rows = chosen
    healthy = [row for row in rows if not row.out]
    others = sum(len(more) for other, more in ordered if other != level)
    share = 100 * len(healthy) / len(rows)
    if others:
        spills = share * factor / 100 < 100
        less = "most of the connections, the others get the rest" if spills else "every connection while enough are up"
        notes.append(f"{cluster.where}: cluster {name}: priority {level} gets {less}")
    elif share < panic:
        few = f"{len(healthy):,} of {len(rows):,} are healthy"
        notes.append(f"{cluster.where}: cluster {name}: {few}: Envoy takes all (panic mode)")
        return tuple(rows)
    notes.extend(
        f"{row.where}: {row.address}:{row.port} is {row.out}; it gets no connection" for row in rows if row.out
    )
    return tuple(healthy)


def _endpoints(locality: Table, notes: list[str], unknown: list[str]) -> Iterator[Endpoint]:
    for row in locality.tables("lb_endpoints"):
        fields.check(row, f"{_ENDPOINT}LbEndpoint", notes)
        endpoint = row.table("endpoint")
        fields.check(endpoint, f"{_ENDPOINT}Endpoint", notes)
        address = endpoint.table("address")
        socket = address.table("socket_address")
        port = socket.number("port_value") or 0
        if address.of("pipe") is not None:
            notes.append(
                f"{row.where}: {address.table('pipe').text('path')} is a Unix socket, which takes no ports; skipped"
            )
        elif socket.text("protocol") in ("UDP", "1"):
            notes.append(f"{row.where}: {socket.text('address')} is reached by UDP; skipped")
        elif not socket.text("address") or not 0 < port < 65536:
            what = socket.text("named_port") or row.text("endpoint_name") or "no address and port"
            unknown.append(f"{row.where}: an endpoint with {what}: its address and port are not known")
        else:
            weight = max(row.number("load_balancing_weight") or 1, 1)
            yield Endpoint(row.where, socket.text("address"), port, weight, _health(row.text("health_status")))


def _health(text: str) -> str:
    return next((name for name, number in _OUT.items() if text in (name, number)), "")


def _per_cent(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default
