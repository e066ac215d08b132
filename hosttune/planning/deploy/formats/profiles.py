"""A profile for each host: its role with the plan's load, as `hosttune check` and `apply` take it with --profile."""

from __future__ import annotations

import json
import re

from hosttune.model import Deployment, PlannedHost, Workload
from hosttune.model.findings import Value
from hosttune.programs import pieces

_ALWAYS = ("connections", "rate", "hold", "sockets_per_connection", "descriptors_per_connection")
_MORE = (
    *("tuples_per_connection", "own_descriptors", "own_descriptors_exact", "stall"),
    *("bytes_in_flight", "message_size"),
)
# what a profile gives with its reason only
_REASONED = ("pipes_per_connection", "threads_per_connection", "application_memory", "backlog", "disconnect")

_PER_PROCESS = ("nofile:", "sysctl:fs.nr_open")  # what each of several processes has for itself (getrlimit(2))


def path(host: PlannedHost) -> str:
    """Return where a host's profile stands below the directory of the emission."""
    return f"profiles/{host.name}.toml"


def files(deployment: Deployment) -> dict[str, str]:
    """Return the profile of each host."""
    return {path(host): _text(deployment, host) for host in deployment.hosts}


def name(deployment: Deployment, host: PlannedHost) -> str:
    """Return the profile's name: TOPOLOGY-HOST, as far as a name may be long."""
    own = _plain(host.name)
    return f"{_plain(deployment.sizing.topology.name)[: 63 - len(own)]}-{own}"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", text.lower()).strip("-") or "plan"


def quoted(text: str) -> str:
    """Return a basic string of TOML; it differs from JSON's in DEL and in characters beyond 16 bits."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(deployment: Deployment, host: PlannedHost) -> str:
    topology = deployment.sizing.topology
    lines = [
        f"# {pieces.head(deployment, host, 'a profile')}",
        f"# hosttune check --profile {path(host)}",
        "",
        "[profile]",
        f"name = {quoted(name(deployment, host))}",
        f"title = {quoted(f'{host.name} of {topology.name}')}",
        f"extends = [{quoted(host.tier.role)}]",
        "",
        "[workload]",
        *_load(host),
        *_ways(host.workload),
        *_reasons(topology.name, host),
        *_rows(topology.name, host),
    ]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _load(host: PlannedHost) -> list[str]:
    keys = [*_ALWAYS, *_MORE, *_reasoned(host)]
    return [f"{key} = {_value(getattr(host.workload, key))}" for key in keys]


def _reasoned(host: PlannedHost) -> list[str]:
    """Return the reasoned figures that the plan has; where it has none, the role's own are as good."""
    plain = Workload(connections=1, rate=1)
    given = {"application_memory": host.tier.application_memory, "backlog": host.tier.backlog}
    return [k for k in _REASONED if getattr(host.workload, k) != getattr(plain, k) or given.get(k) is not None]


def _ways(workload: Workload) -> list[str]:
    """Return how connections go on: nothing of it for a host that dials nowhere."""
    lines = [f'bind_mode = "{workload.bind_mode}"']
    if workload.bind_range:
        lines.append(f"bind_range = {_value(workload.bind_range)}")
    if workload.sources:
        lines.append(f"sources = {_value(workload.sources)}")
    if workload.backends:
        lines.append("backends = [")
        for backend in workload.backends:
            named = [f"name = {quoted(backend.name)}"] if backend.name not in ("", str(backend)) else []
            dialled = [f"sources = {_value(backend.sources)}"] if backend.sources else []
            words = [f"backend = {quoted(str(backend))}", *named, *dialled]
            lines.append(f"  {{ {', '.join(words)} }}," if len(words) > 1 else f"  {quoted(str(backend))},")
        lines.append("]")
    return lines


def _reasons(topology: str, host: PlannedHost) -> list[str]:
    keys = _reasoned(host)
    reasons = [
        f"{key} = {quoted(f'as the plan of {topology} has it, from the topology or from the role')}" for key in keys
    ]
    return ["", "[workload.why]", *reasons] if keys else []


def _rows(topology: str, host: PlannedHost) -> list[str]:
    """Return what the plan reckons with in place of the role's own: the range of ports, and those left out of it."""
    lines: list[str] = []
    source = f"the plan of {topology}"
    if host.tier.port_range:
        why = "the plan counts on just these ports; another range has another limit"
        lines += _row("sysctl:net.ipv4.ip_local_port_range", "equals", host.tier.port_range, "ports", why, source)
    for setting in host.settings:
        if setting.subject == "sysctl:net.ipv4.ip_local_reserved_ports":
            lines += _row(setting.subject, "covers", setting.value, "ports", setting.why, source)
        elif host.tier.processes > 1 and setting.subject.startswith(_PER_PROCESS):
            why = f"each of {host.tier.processes:,} processes has a share of the connections, and limits of its own"
            lines += _row(setting.subject, "at_least", setting.value, setting.unit, why, source)
    return lines


def _row(subject: str, operator: str, value: Value, unit: str, why: str, source: str) -> list[str]:
    return [
        "",
        "[[require]]",
        f"subject = {quoted(subject)}",
        f"operator = {quoted(operator)}",
        f"value = {quoted(value) if isinstance(value, str) else _value(value)}",
        f"unit = {quoted(unit)}",
        f"why = {quoted(why)}",
        f"source = {quoted(source)}",
        'severity = "error"',
    ]
