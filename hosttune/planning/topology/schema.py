"""What a topology file may hold, table by table. This module alone of the package uses pydantic."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError, ValidationInfo

from hosttune.errors import TopologyError
from hosttune.model.capacity import BindMode
from hosttune.model.topology import CLOUDS, Leg
from hosttune.planning.topology import keys
from hosttune.planning.topology.addresses import MOST
from hosttune.planning.topology.keys import nearest

MOST_TIERS = 64
_EXAMPLES = {"name": '"my-topology"', "connections": "1_000_000", "rate": "1_000"}

_NAME = keys.word(r"[a-z0-9][a-z0-9-]{0,63}", 'a name of a-z, 0-9 and -: "my-topology"')


def _whole(least: int, most: int) -> PlainValidator:
    return PlainValidator(keys.whole(least, most))


def _addresses(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    left: list[int] = info.context  # type: ignore[assignment]  # `read` always gives one
    return keys.address_list(value, left)


Addresses = Annotated[tuple[str, ...], PlainValidator(_addresses)]
Paths = Annotated[tuple[str, ...], PlainValidator(keys.paths)]
Size = Annotated[int, PlainValidator(keys.size)]
Switch = Annotated[bool, PlainValidator(keys.switch)]
# what the kernel bounds in common is bounded here: 2147483584 is sysctl_nr_open_max (fs/file.c)
Limit = Annotated[int, _whole(0, 2147483584)]
Count = Annotated[int, _whole(0, 10**12)]
Positive = Annotated[int, _whole(1, 10**12)]
Hosts = Annotated[int | None, PlainValidator(keys.wanted(keys.whole(0, MOST)))]
Sources = Annotated[int | None, PlainValidator(keys.wanted(keys.whole(1, MOST)))]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Target(Strict):
    name: Annotated[str, PlainValidator(_NAME)]
    title: Annotated[str, PlainValidator(keys.line)] = ""
    connections: Count
    rate: Annotated[int, _whole(1, 10**7)]
    hold: Annotated[int, _whole(0, 10**8)] = 0
    headroom: Annotated[Fraction, PlainValidator(keys.headroom)] = Fraction(0)
    below_knee: Switch = True


class Sent(Strict):
    size: Size = 0
    count: Annotated[int, _whole(0, 10**9)] = 0
    interval: Annotated[float, PlainValidator(keys.number(0.001, 10**8))] = 1.0
    fan_out: Annotated[int, _whole(0, 10**9)] = 0
    keepalive: Annotated[int, _whole(0, 10**8)] = 0
    qos: Annotated[int, _whole(0, 2)] = 1
    stay: Annotated[int, _whole(0, 10**8)] = 0


class Hosted(Strict):
    role: Annotated[str, PlainValidator(_NAME)] = ""
    to: Annotated[tuple[Leg, ...], PlainValidator(keys.legs)] = ()
    program: Annotated[str, PlainValidator(keys.word(r"([a-z0-9][a-z0-9_.-]{0,31})?", 'a program: "haproxy"'))] = ""
    hosts: Hosts = None
    spare: Annotated[int, _whole(0, MOST)] = 0
    addresses: Addresses = ()
    ports: Annotated[tuple[int, ...], PlainValidator(keys.ports)] = ()
    memory: Annotated[int | None, PlainValidator(keys.wanted(keys.size))] = None
    memory_kept: Size = 0
    cores: Annotated[int, _whole(1, 8192)] | None = None  # NR_CPUS, arch/x86/Kconfig
    sources: Sources = 1
    sources_each: Annotated[int, _whole(1, MOST)] | None = None
    source_addresses: Addresses = ()
    # IFNAMSIZ, include/uapi/linux/if.h
    interface: Annotated[
        str, PlainValidator(keys.word(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}", 'an interface: "ens5"'))
    ] = ""
    bind_mode: Annotated[BindMode, PlainValidator(keys.bind_mode)] | None = None
    port_range: Annotated[tuple[int, int], PlainValidator(keys.port_range)] | None = None
    reserved_ports: Annotated[str, PlainValidator(keys.reserved)] = ""
    connections_max: Positive | None = None
    connections: Positive | None = None
    nofile: Limit | None = None
    processes: Annotated[int, _whole(1, 4096)] = 1
    backlog: Annotated[int, _whole(1, 2**31 - 1)] | None = None
    stall: Annotated[float, PlainValidator(keys.number(0, 3600))] | None = None
    application_memory: Size | None = None
    conntrack: Switch | None = None
    cloud: Annotated[str, PlainValidator(keys.one_of("", *CLOUDS))] = ""
    tracked_max: Count | None = None
    reports: Paths = ()
    snapshots: Paths = ()


class File(Strict):
    topology: Target
    message: Sent = Sent()
    tier: dict[str, Hosted] = {}


KEYS = {
    "topology": tuple(Target.model_fields),
    "message": tuple(Sent.model_fields),
    "tier": tuple(Hosted.model_fields),
}
"""The keys of each table; those of `tier` are of each of them."""


class Wrong(Protocol):
    """Makes an error of what is wrong and how to fix it, and of the places to blame, worst first.

    A place is a table and its key: ("tier.lb", "sources"); ("", "") is the file.
    """

    def __call__(self, text: str, *places: tuple[str, str]) -> TopologyError: ...


def shape(tables: dict[str, Any], wrong: Wrong) -> None:
    """Raise what `wrong` makes of what is no table, or is a tier by a name that none can have."""
    for name in File.model_fields:
        if not isinstance(tables.get(name, {}), dict):
            raise wrong(f"no table; write [{name}{'.NAME' if name == 'tier' else ''}] and its keys below", ("", name))
    for name, tier in tables.get("tier", {}).items():
        if not keys.TIER.fullmatch(name) or name in File.model_fields:
            raise wrong("no name for a tier; write a-z, 0-9 and -, a letter first", (f"tier.{name[:60]}", ""))
        if not isinstance(tier, dict):
            raise wrong(f"no table; write [tier.{name}] and its keys below", ("tier", name))
    if len(tables.get("tier", {})) > MOST_TIERS:
        raise wrong(f"{len(tables['tier'])} tiers; at most {MOST_TIERS} are planned for", ("tier", ""))


def read(tables: dict[str, Any], wrong: Wrong) -> File:
    """Return the tables as models; raises what `wrong` makes of the first error."""
    shape(tables, wrong)
    try:
        return File.model_validate(tables, context=[MOST])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = [str(part) for part in first["loc"]]
        depth = 2 if where[0] == "tier" else 1
        place = (".".join(where[:depth]), where[depth]) if len(where) > depth else ("", where[0])
        raise wrong(_text(first, *place), place) from error


def _text(first: Any, table: str, key: str) -> str:
    if first["type"] == "extra_forbidden":
        known = KEYS[table.partition(".")[0]] if table else tuple(File.model_fields)
        return f"no such {'key' if table else 'table'}; {nearest(key, known)}"
    if first["type"] == "missing":
        return (
            f"missing; write {key} = {_EXAMPLES[key]}"
            if table
            else "no such table; `hosttune plan --example` prints a whole file"
        )
    return str(first["msg"]).removeprefix("Value error, ")
