"""What hosttune says that this machine carries, before the devices come.

    python -m tests.bench.million.predict ADDRESS LANES

prints the connections that the source ports of this network namespace allow towards the lanes at an address.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path

from hosttune.capacity import CapacityFacts, capacity
from hosttune.facts import counters, machine, pool
from hosttune.host.live import LiveHost
from hosttune.model import Backend, BindMode, Bound, Configuration, Reading, Reason, Subject, Unknown, Workload
from hosttune.programs import knowledge
from hosttune.programs.configuration import Given, read
from tests.bench.million.stage import PORT

SOCKETS = 4
"""Of one device: its own, the two of the balancer, that of the broker; all on this machine, all watched by an epoll."""
_SYSCTLS = ("fs.file-max", "fs.nr_open", "fs.epoll.max_user_watches", "net.ipv4.tcp_mem")


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound in devices; `hard` None: it does not refuse."""

    name: str
    hard: int | None
    why: str


def of_balancer(configuration: Path, nofile: int) -> int:
    """Return the connections that one HAProxy carries with so many descriptors, its configuration given."""
    return _hard(_find(capacity(gather(configuration, nofile, ())), "nofile"))


def limits(facts: CapacityFacts, lanes: int, clients: int, application: int, floor: int) -> list[Limit]:
    """Return every bound in devices, the smallest first.

    `facts` are of the time before the first device, `clients` is what `predict` printed in the devices' namespace,
    `application` the bytes of HAProxy for each device, as measured, `floor` the bytes of memory that shall stay free.
    """
    here, load = facts.machine, dataclasses.replace(facts.workload, application_memory=application)
    here = dataclasses.replace(here, memory_available=max((here.memory_available or 0) - floor, 0))
    bounds = capacity(dataclasses.replace(facts, machine=here, workload=load))
    memory, each = _find(bounds, "memory"), _hard(_find(bounds, "nofile"))
    watches, ports = _find(bounds, "epoll-watches"), _find(bounds, "ports:all")
    found = [
        Limit("memory", _hard(memory), f"{memory.reads}; {floor >> 20:,} MiB stay free"),
        Limit("nofile of the balancers", each * lanes, f"{lanes} HAProxy processes of {each:,} connections"),
        Limit("epoll watches", _hard(watches), f"fs.epoll.max_user_watches, {SOCKETS} watches a device"),
        Limit("ports of the balancers", _hard(ports), f"1 source address, {lanes} ports of the broker"),
        Limit("ports of the devices", clients, f"1 source address, {lanes} ports of the balancer"),
        Limit("fs.file-max", None, "root with CAP_SYS_ADMIN is exempt"),
    ]
    return sorted(found, key=lambda one: (one.hard is None, one.hard or 0))


def of_ports(address: str, lanes: int) -> int:
    """Return the connections that the source ports of this network namespace allow."""
    return _hard(_find(capacity(gather(None, 1024, towards(address, lanes))), "ports:all"))


def towards(address: str, lanes: int) -> tuple[Backend, ...]:
    return tuple(Backend(address, PORT + lane) for lane in range(lanes))


def gather(configuration: Path | None, nofile: int, backends: tuple[Backend, ...]) -> CapacityFacts:
    """Return what hosttune reckons with, read now and in this network namespace; `nofile` is that of each HAProxy."""
    host = LiveHost()
    load = Workload(
        connections=1,
        rate=1,
        sockets_per_connection=SOCKETS,
        descriptors_per_connection=2,
        bind_mode=BindMode.CONNECT,
        backends=backends,
    )
    return CapacityFacts(
        readings={f"sysctl:{name}": _sysctl(name) for name in _SYSCTLS},
        pools=pool.survey(host, backends, (), load.bind_mode, None).pools() if backends else (),
        workload=load,
        machine=machine.gather(host),
        nofile=_reading(Subject("nofile", "unit/haproxy"), (nofile, nofile)),
        program="haproxy",
        files_open=counters.read(host, "/proc/sys/fs/file-nr").get("files.open"),
        sockets_open=counters.read(host, "/proc/net/sockstat").get("sockstat.TCP.alloc"),
        configuration=_read(configuration) if configuration else None,
        programs=knowledge.of("haproxy"),
    )


def _read(path: Path) -> Configuration:
    return read(Given(LiveHost(), (str(path),))).configuration


def _sysctl(name: str) -> Reading:
    path = Path("/proc/sys", name.replace(".", "/"))
    subject = Subject("sysctl", name)
    if not path.exists():  # net.ipv4.tcp_mem is not shown in a network namespace
        return Reading(subject, Unknown(Reason.INVISIBLE, "in this namespace"), Unknown(Reason.UNSET, "not looked at"))
    numbers = tuple(int(word) for word in path.read_text().split())
    return _reading(subject, numbers if len(numbers) > 1 else numbers[0])


def _reading(subject: Subject, value: int | tuple[int, ...]) -> Reading:
    return Reading(subject, value, Unknown(Reason.UNSET, "not looked at"))


def _find(bounds: tuple[Bound, ...], name: str) -> Bound:
    return next(bound for bound in bounds if bound.id == name)


def _hard(bound: Bound) -> int:
    if not isinstance(bound.hard, int):
        raise RuntimeError(f"{bound.name}: {bound.hard}")
    return bound.hard


if __name__ == "__main__":
    print(of_ports(sys.argv[1], int(sys.argv[2])))
