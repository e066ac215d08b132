"""What stands in the files that people write: each table and key of a profile and of a topology in words.

Their types, bounds and defaults come from the schemas, which know no words; a test holds that both name the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table: what it may be, what it is where it is left out ("" for nothing), what it means."""

    name: str
    kind: str
    default: str
    help: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file, as it is written: `[workload]`; what it is for; its keys."""

    head: str
    help: str
    keys: Sequence[Key]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: its name, a sentence, paragraphs, its tables, a whole file as an example, pages to see too."""

    name: str
    sentence: str
    paragraphs: Sequence[str]
    tables: Sequence[Table]
    example: str
    see: Sequence[str]


Words = Mapping[str, tuple[str, Mapping[str, str]]]
"""By the head of a table: what it is for, and what each of its keys means."""

PROFILE_SENTENCE = "what a host of a role is required to have"
PROFILE_TEXT = (
    "A profile is a TOML file: who it is for, the load of a host of that role, and a row for each setting that such a "
    "host needs. `--profile FILE` reads one; in /etc/hosttune/profiles it is a role by the name of its file, for "
    "`--role`. `hosttune profile validate FILE` checks one, `hosttune profile show ROLE` shows what a role requires of "
    "this host.",
    "A count is written as 1000000, 1_000_000, 1e6 or in quotes as 1M or 200k; k and M are thousands and millions.",
)
PROFILE_EXAMPLE = """\
[profile]
name = "edge"
title = "Edge balancer with half a million clients"
extends = ["lb"]

[workload]
connections = "500k"
rate = 2_000

[[require]]
subject = "sysctl:net.core.somaxconn"
operator = "at_least"
value = 32768
why = "clients come back all at once after an outage"
source = "listen(2)"
number_source = "ours: twice the burst that was measured"
severity = "error"
"""
PROFILE: Words = {
    "profile": (
        "Who the profile is for.",
        {
            "name": "Name of the role: a-z, 0-9 and -.",
            "title": "One line for `hosttune profile list`.",
            "extends": "Profiles whose workload, rows and descriptions it begins with; later ones win.",
            "service": "Unit whose program handles the connections, where no option names one.",
            "service_raises_nofile": "The program raises its own soft limit of descriptors to the hard one.",
        },
    ),
    "workload": (
        "The load of one host of the role, where no option says otherwise.",
        {
            "connections": "Connections at the same time.",
            "rate": "New connections per second.",
            "sockets_per_connection": "Sockets of each: 2 where connections are proxied, 0 where they are forwarded.",
            "descriptors_per_connection": "Descriptors of each.",
            "tuples_per_connection": "Source ports of each: 1 where the host opens connections, 0 where it accepts.",
            "own_descriptors": "Descriptors that the program needs for other things.",
            "own_descriptors_exact": "That number is exact, and not an estimate.",
            "stall": "Longest pause of accept(), in seconds.",
            "hold": "Seconds a connection lives, 0: for ever.",
            "bytes_in_flight": "Bytes of each connection that wait unread or unsent.",
            "message_size": "Bytes of each message among them, 0: unknown.",
            "pipes_per_connection": "Pipes of a proxy that splices.",
            "threads_per_connection": "Threads of a program that has one for each connection.",
            "application_memory": "Bytes that the program needs for each connection, 0: unknown.",
            "backlog": "What the program passes to listen(2), 0: unknown.",
            "disconnect": "Share of the connections that may end at once, 0 to 1.",
            "bind_mode": "How source ports are chosen, hosttune(7).",
            "bind_range": "First and last port, where the program chooses them itself.",
            "mark": "SO_MARK of the program's sockets.",
            "device": "Interface or VRF that they are bound to.",
            "backends": "Where connections go: ADDRESS:PORT, or tables with backend, name and sources.",
            "sources": "Source addresses, or all.",
            "why": "A reason by key, as [workload.why]; required of what cannot be read from a host.",
            "number_source": "Where a number comes from, by key.",
        },
    ),
    "require": (
        "One row a setting; a row of a profile that is extended is replaced by one of the same subject and operator.",
        {
            "subject": "sysctl:NAME, nofile:service, nofile:login or another that `hosttune explain` knows.",
            "operator": "How the value of the host is compared.",
            "value": "What it is compared with: a number, a text, or a list of numbers.",
            "values": "The ends of between; the choices of one_of.",
            "demand": "A formula of the workload in place of a value.",
            "params": "Numbers that the formula uses.",
            "unit": "Unit of the value.",
            "why": "What goes wrong otherwise.",
            "source": "Where the mechanism is documented.",
            "number_source": "Where the number comes from.",
            "severity": "Severity of a failure.",
            "to_default": "A value that is too large is set to the kernel's default.",
            "bounds": "Limits of `hosttune capacity` that the row is about.",
            "when": "Where the row holds: distribution, virtualisation, cloud, container, kernel.",
            "drop": "Leave out the row of a profile that is extended.",
            "waive": "Accept what the host has, with the reason.",
        },
    ),
    "about": (
        "What `hosttune explain` says of a subject, by its name.",
        {
            "what": "What it is.",
            "unit": "Its unit.",
            "default": "The kernel's default, in words.",
            "default_value": "The same as a value.",
            "too_low": "What goes wrong when it is too low.",
            "too_high": "What goes wrong when it is too high.",
            "scope": "Host, network namespace, process.",
            "legal": "Least and greatest value that the kernel accepts.",
            "source": "Where it is documented.",
            "matters": "Whether many connections need it: yes, rarely or no, a colon, why.",
            "hardening": "Value that guides of hardening give it, a colon, why.",
        },
    ),
}

TOPOLOGY_SENTENCE = "tiers of hosts that hosttune plan sizes"
TOPOLOGY_TEXT = (
    "A topology is a TOML file: the target, the messages, and a table for each tier of hosts, from clients to brokers. "
    "`hosttune plan FILE` sizes it, `hosttune plan --example` prints one. `--set tier.key=value` puts another value in "
    'place of one of the file; a number that is "?" is found by `--solve`.',
    "A count is written as 1000000, 1_000_000, 1e6 or in quotes as 1M or 200k; k and M are thousands and millions. A "
    'size is in bytes, or a text with a unit: "32GiB", "512 MiB".',
)
TOPOLOGY_EXAMPLE = """\
[topology]
name = "small"
connections = "200k"
rate = 1_000

[tier.client]
role = "client"
hosts = 8
addresses = ["10.0.1.1-10.0.1.8"]
to = ["lb"]

[tier.lb]
role = "lb"
program = "haproxy"
hosts = 1
addresses = ["10.0.2.1"]
ports = [1883]
sources = "?"
to = ["broker"]

[tier.broker]
role = "broker"
hosts = 2
addresses = ["10.0.3.1-10.0.3.2"]
ports = [1883]
"""
TOPOLOGY: Words = {
    "topology": (
        "The target.",
        {
            "name": "Name: a-z, 0-9 and -.",
            "title": "One line for the head of a plan.",
            "connections": "Connections of all clients together.",
            "rate": "New connections per second, of all together.",
            "hold": "Seconds a connection lives, 0: for ever.",
            "headroom": 'Share to keep free of every limit: 0.1 or "10%".',
            "below_knee": "Size it so that connect() stays fast, hosttune(7).",
        },
    ),
    "message": (
        "What each connection sends.",
        {
            "size": "Bytes of a message.",
            "count": "Messages of each connection.",
            "interval": "Seconds between two of them.",
            "fan_out": "Receivers of each message.",
            "keepalive": "Seconds between two keepalive messages, 0: none.",
            "qos": "Quality of service of MQTT.",
            "stay": "Seconds that a client stays connected after its last message.",
        },
    ),
    "tier": (
        "One tier of hosts that are alike; [tier.lb] is the tier lb.",
        {
            "role": "Profile of its hosts; default: the name of the tier.",
            "to": 'Tiers that it connects to: "lb", ["lb"], or {db = 2} for two connections for each of its own.',
            "program": "Program of its hosts, as haproxy, nginx, envoy, mosquitto, tsung.",
            "hosts": "Number of hosts.",
            "spare": "Hosts of them that may fail.",
            "addresses": "Addresses of the hosts: FIRST-LAST or single ones.",
            "ports": "Ports that they listen on.",
            "memory": "RAM of each.",
            "memory_kept": "RAM of each that is kept for other things.",
            "cores": "CPUs of each.",
            "sources": "Source addresses of each.",
            "sources_each": "Source addresses of each towards one backend.",
            "source_addresses": "Those addresses: FIRST-LAST or single ones.",
            "interface": "Interface that they are on.",
            "bind_mode": "How source ports are chosen, hosttune(7).",
            "port_range": "First and last source port.",
            "reserved_ports": "Ports in it that are reserved for others, as 8080,9000-9100.",
            "connections_max": "Connections that the program is configured for.",
            "connections": "Connections of each host, where that is not the share of the target.",
            "nofile": "Limit of descriptors of the program.",
            "processes": "Processes that share the load on each host.",
            "backlog": "What the program passes to listen(2).",
            "stall": "Longest pause of accept(), in seconds.",
            "application_memory": "Bytes that the program needs for each connection.",
            "conntrack": "Connection tracking is on.",
            "cloud": "Provider of the hosts, for its own limits.",
            "tracked_max": "Connections that the provider tracks for each host.",
            "reports": "JSON reports of real hosts of the tier, below the folder of the file.",
            "snapshots": "Recordings of real hosts of the tier, the same.",
        },
    ),
}
