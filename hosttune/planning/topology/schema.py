"""What a topology file may hold, table by table. This module alone of the package uses pydantic."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
)

from hosttune import counts
from hosttune.errors import TopologyError
from hosttune.model.capacity import BindMode
from hosttune.model.topology import CLOUDS, Leg
from hosttune.planning.topology import keys
from hosttune.planning.topology.addresses import MOST
from hosttune.planning.topology.keys import nearest

MOST_TIERS = 64
_EXAMPLES = {"name": '"my-topology"', "connections": "1_000_000", "rate": "1_000"}
_LIKE = {
    "name": 'a name of a-z, 0-9 and -: "my-topology"',
    "role": 'a name of a-z, 0-9 and -: "lb"',
    "program": 'a program: "haproxy"',
    "interface": 'an interface: "ens5"',
    "title": "at most 200 characters, on one line",
    "ports": "at most 64 ports: [1883]",
    "port_range": "two ports: [1024, 65535]",
}
"""How the value of a key looks, for one that has another form."""


def _addresses(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    left: list[int] = info.context  # type: ignore[assignment]  # `read` always gives one
    return keys.address_list(value, left)


_NUMBER = BeforeValidator(counts.written)


def _upto(most: float, least: float = 0) -> Any:
    return Field(ge=least, le=most, strict=True)


Addresses = Annotated[tuple[str, ...], PlainValidator(_addresses)]
Paths = Annotated[tuple[str, ...], PlainValidator(keys.paths)]
Size = Annotated[int, BeforeValidator(keys.size), _upto(1 << 50)]  # 1 PiB: more than a host has
Switch = Annotated[bool, Field(strict=True)]
# what the kernel bounds in common is bounded here: 2147483584 is sysctl_nr_open_max (fs/file.c)
Limit = Annotated[int, _upto(2147483584), _NUMBER]
Count = Annotated[int, _upto(10**12), _NUMBER]
Positive = Annotated[int, _upto(10**12, 1), _NUMBER]
Seconds = Annotated[int, _upto(10**8), _NUMBER]
Port = Annotated[int, _upto(65535, 1)]
Ports = Annotated[tuple[Port, ...], Field(max_length=64), BeforeValidator(keys.listed), AfterValidator(keys.once)]
End = Annotated[int, _upto(10**9)]  # whether two make a range is for `validate`
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Word = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Target(Strict):
    name: Name
    title: Word = ""
    connections: Count
    rate: Annotated[int, _upto(10**7, 1), _NUMBER]
    hold: Seconds = 0
    headroom: Annotated[Fraction, PlainValidator(keys.headroom)] = Fraction(0)
    below_knee: Switch = True


class Sent(Strict):
    size: Size = 0
    count: Annotated[int, _upto(10**9), _NUMBER] = 0
    interval: Annotated[float, _upto(10**8, 0.001)] = 1.0
    fan_out: Annotated[int, _upto(10**9), _NUMBER] = 0
    keepalive: Seconds = 0
    qos: Annotated[int, _upto(2)] = 1
    stay: Seconds = 0


class Hosted(Strict):
    role: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,63})?$")] = ""
    to: Annotated[tuple[Leg, ...], PlainValidator(keys.legs)] = ()
    program: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_.-]{0,31})?$")] = ""
    hosts: Annotated[Annotated[int, _upto(MOST)] | None, BeforeValidator(keys.wanted)] = None
    spare: Annotated[int, _upto(MOST)] = 0
    addresses: Addresses = ()
    ports: Ports = ()
    memory: Annotated[Size | None, BeforeValidator(keys.wanted)] = None
    memory_kept: Size = 0
    cores: Annotated[int, _upto(8192, 1)] | None = None  # NR_CPUS, arch/x86/Kconfig
    sources: Annotated[Annotated[int, _upto(MOST, 1)] | None, BeforeValidator(keys.wanted)] = 1
    sources_each: Annotated[int, _upto(MOST, 1)] | None = None
    source_addresses: Addresses = ()
    # IFNAMSIZ, include/uapi/linux/if.h
    interface: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$")] = ""
    bind_mode: BindMode | None = None
    port_range: tuple[End, End] | None = None
    reserved_ports: Annotated[str, PlainValidator(keys.reserved)] = ""
    connections_max: Positive | None = None
    connections: Positive | None = None
    nofile: Limit | None = None
    processes: Annotated[int, _upto(4096, 1)] = 1
    backlog: Annotated[int, _upto(2**31 - 1, 1)] | None = None
    stall: Annotated[float, _upto(3600)] | None = None
    application_memory: Size | None = None
    conntrack: Switch | None = None
    cloud: Literal["", "aws", "azure", "gcp"] = ""
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
    """Return what is wrong with a value, and how to fix it."""
    kind, value, limits = first["type"], keys.shown(first["input"]), first.get("ctx", {})
    if kind == "extra_forbidden":
        known = KEYS[table.partition(".")[0]] if table else tuple(File.model_fields)
        return f"no such {'key' if table else 'table'}; {nearest(key, known)}"
    if kind == "missing" and not table:
        return "no such table; `hosttune plan --example` prints a whole file"
    if kind == "missing" and key in _EXAMPLES:
        return f"missing; write {key} = {_EXAMPLES[key]}"
    if kind == "value_error":
        return str(first["msg"]).removeprefix("Value error, ")
    if kind in ("enum", "literal_error"):
        names = [name for name in _WORDS[key] if name]
        return f"{value} is not known; there are {', '.join(names)}"
    wrong = _WRONG.get(kind, "cannot stand here; write {like}")
    return f"{value} {wrong.format(like=_LIKE.get(key, 'what hosttune plan --example shows'), **limits)}"


_WORDS: dict[str, tuple[str, ...]] = {"bind_mode": tuple(BindMode), "cloud": CLOUDS}
_WRONG = {
    "int_type": "is no whole number; write one without quotes",
    "float_type": "is no number; write one without quotes",
    "greater_than_equal": "is too small; write {ge:,} or more",
    "less_than_equal": "is too large; write {le:,} at most",
    "bool_type": "is neither true nor false; write one of them, without quotes",
}
"""What is wrong by the type of pydantic's error."""
