"""What a profile file may hold. This module alone uses pydantic."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from hosttune import addresses, counts, scope
from hosttune.errors import ProfileError
from hosttune.facts import kinds
from hosttune.profile.demand import FUNCTIONS

_SENTENCE = r"^[^\x00-\x1f\x7f-\x9f]*$"

_REASONED = ("pipes_per_connection", "threads_per_connection", "application_memory", "backlog", "disconnect")
_TABLES = ("why", "number_source")

Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
Number = BeforeValidator(counts.written)
"""A count as a person writes it: "200k", "1M", 1e6."""
Count = Annotated[int, Field(strict=True, ge=0, le=10**12), Number]
Line = Annotated[str, Field(max_length=600, pattern=_SENTENCE)]
Single = Whole | Line | list[Whole]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]


def _address(text: str) -> str:
    try:
        addresses.spelled(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address; write a numeric one") from error
    return text


def _endpoint(text: str) -> str:
    if said := scope.scheme(text):
        raise ValueError(f"{text!r}: {said}")
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or (":" in host and bare == host):
        raise ValueError(f"{text!r} names no port; write ADDRESS:PORT, or [ADDRESS]:PORT for IPv6")
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:9]) < 65536):
        raise ValueError(f"{port!r} is no port; write a number from 1 to 65535")
    _address(bare)
    if addresses.needs_zone(addresses.numeric(bare)) and "%" not in bare:
        raise ValueError(f"{text!r} is link-local, and each link has such; name the interface, as [{bare}%eth0]:{port}")
    return text


Address = Annotated[str, Field(max_length=100), AfterValidator(_address)]
Endpoint = Annotated[str, Field(max_length=100), AfterValidator(_endpoint)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(Strict):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Line
    extends: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]] = []
    service: Annotated[str, Field(pattern=r"^([A-Za-z0-9_.@:-]+\.service)?$")] = ""
    service_raises_nofile: Annotated[bool, Field(strict=True)] = False


class Towards(Strict):
    backend: Endpoint
    name: Line = ""
    sources: Annotated[list[Address], Field(max_length=10_000)] = []


class Load(Strict):
    connections: Annotated[int, Field(strict=True, ge=1, le=10**9), Number] | None = None
    rate: Annotated[int, Field(strict=True, ge=1, le=10**7), Number] | None = None
    sockets_per_connection: Annotated[int, Field(strict=True, ge=0, le=16)] | None = None
    descriptors_per_connection: Annotated[int, Field(strict=True, ge=0, le=16)] | None = None
    tuples_per_connection: Annotated[int, Field(strict=True, ge=0, le=16)] | None = None
    own_descriptors: Count | None = None
    own_descriptors_exact: bool | None = None
    stall: Annotated[float, Field(ge=0, le=3600)] | None = None
    hold: Count | None = None
    bytes_in_flight: Count | None = None
    message_size: Count | None = None
    pipes_per_connection: Annotated[float, Field(ge=0, le=16)] | None = None
    threads_per_connection: Annotated[int, Field(strict=True, ge=0, le=1000)] | None = None
    application_memory: Count | None = None
    backlog: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None
    disconnect: Annotated[float, Field(ge=0, le=1)] | None = None
    bind_mode: Literal["connect", "no-port", "bind", "explicit"] | None = None
    bind_range: Annotated[list[Port], Field(min_length=2, max_length=2)] | None = None
    mark: Annotated[int, Field(strict=True, ge=0, lt=2**32)] | None = None
    device: Annotated[str, Field(pattern=r"^[^\s/\x00-\x1f]{1,15}$")] | None = None
    backends: Annotated[list[Endpoint | Towards], Field(max_length=10_000)] | None = None
    sources: Annotated[list[Address | Literal["all"]], Field(max_length=10_000)] | None = None
    why: dict[str, Line] = {}
    number_source: dict[str, Line] = {}

    @model_validator(mode="after")
    def _reasoned(self) -> Load:
        """Ask a reason and a source of each figure that says what programs and peers do: it is nowhere to be read."""
        unreasoned = [name for name in _REASONED if getattr(self, name) is not None and not self.why.get(name)]
        if unreasoned:
            raise ValueError(f"{unreasoned[0]} has no reason; write it, with its source, under [workload.why]")
        for table in _TABLES:
            unknown = [name for name in getattr(self, table) if name not in type(self).model_fields or name in _TABLES]
            if unknown:
                raise ValueError(f"{table}: {unknown[0]} is no key of workload")
        return self

    @model_validator(mode="after")
    def _forwarding(self) -> Load:
        """Let a role have no socket of its connections, which then have no descriptor and no tuple either."""
        if self.sockets_per_connection == 0 and (self.descriptors_per_connection or self.tuples_per_connection):
            raise ValueError(
                "sockets_per_connection is 0: write descriptors_per_connection and tuples_per_connection 0"
            )
        if self.descriptors_per_connection == 0 and self.sockets_per_connection:
            raise ValueError("descriptors_per_connection is 0: that is only where sockets_per_connection is")
        return self

    @model_validator(mode="after")
    def _addressed(self) -> Load:
        if self.bind_range and self.bind_range[0] > self.bind_range[1]:
            raise ValueError("bind_range ends before it begins; write [low, high]")
        if self.sources and "all" in self.sources and len(self.sources) > 1:
            raise ValueError("sources: all already names every address; leave the others out")
        return self


class When(Strict):
    distribution: list[Line] = []
    virtualisation: list[Line] = []
    cloud: list[Line] = []
    container: bool | None = None
    kernel: Annotated[str, Field(pattern=r"^(>=|<)\d{1,4}(\.\d{1,4}){0,2}$")] = ""


class Require(Strict):
    subject: str
    operator: Literal["equals", "at_least", "at_most", "between", "covers", "one_of", "not_below_now"] | None = None
    value: Single | None = None
    values: list[Single] | None = None
    demand: str | None = None
    params: dict[str, Annotated[float, Field(ge=0, le=1e12)]] = {}
    unit: Line = ""
    why: Line = ""
    source: Line = ""
    number_source: Line = ""
    severity: Literal["info", "warning", "error"] = "warning"
    to_default: bool = False
    bounds: Annotated[list[Annotated[str, Field(pattern=r"^[a-z-]{1,40}$")]], Field(max_length=8)] = []
    when: When = When()
    drop: bool = False
    waive: Line = ""

    @field_validator("subject")
    @classmethod
    def _known_subject(cls, text: str) -> str:
        if len(text) > 200 or not kinds.valid(text):
            raise ValueError("not a subject; write sysctl:net.core.somaxconn or nofile:service")
        return text

    @field_validator("demand")
    @classmethod
    def _known_demand(cls, name: str | None) -> str | None:
        if name is not None and name not in FUNCTIONS:
            raise ValueError(f"unknown function; there are {', '.join(FUNCTIONS)}")
        return name

    @model_validator(mode="after")
    def _whole_row(self) -> Require:
        if not self.drop and not (self.waive and self.operator is None):
            if self.operator is None:
                raise ValueError("operator is missing")
            if not (self.why and self.source):
                raise ValueError("why and source are missing; a value without a reason helps nobody")
            self._right_values(self.operator)
        return self

    def _right_values(self, operator: str) -> None:
        """Raise ValueError where the row has not what its operator takes."""
        given = sum(x is not None for x in (self.value, self.values, self.demand))
        if operator == "not_below_now" and given:
            raise ValueError(f"{operator} takes no value")
        if operator != "not_below_now" and given != 1:
            raise ValueError(f"{operator} takes one of value, values and demand")
        if operator in ("between", "one_of") and not self.values:
            raise ValueError(f"{operator} takes values")
        if operator == "between" and len(self.values or []) != 2:
            raise ValueError("between takes values = [low, high]")
        if operator == "covers" and self.demand is None and not _is_range_or_list(self.value):
            raise ValueError("covers takes value = [low, high] or a list of ports as text")


def _is_range_or_list(value: Single | None) -> bool:
    if isinstance(value, list):
        return len(value) == 2 and value[0] <= value[1]
    return isinstance(value, str)


class About(Strict):
    what: Line
    unit: Line
    default: Line
    default_value: Single | None = None
    too_low: Line
    too_high: Line
    scope: Line
    legal: Annotated[list[Annotated[int, Field(strict=True)]], Field(min_length=2, max_length=2)] | None = None
    source: Line
    matters: Annotated[Line, Field(pattern=r"^(yes|rarely|no): \S")] = ""
    hardening: Annotated[Line, Field(pattern=r"^\S+: \S")] | None = None


_Release = Annotated[str, Field(pattern=r"^[0-9]{1,2}\.[0-9]{1,3}$")]


class Described(Strict):
    """What `explain` says of a sysctl that no role asks for: a table of profiles/keys/explained."""

    what: Line
    unit: Line
    default: Line
    default_value: Single | None = None
    default_from: _Release | None = None
    since: _Release | None = None
    gone: _Release | None = None
    inert: _Release | None = None
    too_low: Line = ""
    too_high: Line = ""
    scope: Annotated[Line, Field(pattern=r"^(of the host|per (network|IPC) namespace)")]
    matters: Annotated[Line, Field(pattern=r"^(yes|rarely|no): \S")]
    source: Line


class Descriptions(Strict):
    """A file of profiles/keys/explained, by key."""

    key: dict[str, Described]


class File(Strict):
    profile: Head
    workload: Load = Load()
    require: Annotated[list[Require], Field(max_length=2000)] = []
    about: dict[str, About] = {}


_WRONG = {
    "extra_forbidden": "no such key",
    "missing": "missing; write it",
    "int_type": "{value} is no whole number; write one without quotes, or as 1M",
    "float_type": "{value} is no number; write one without quotes",
    "float_parsing": "{value} is no number; write one without quotes",
    "greater_than_equal": "{value}: must be {ge:,} or more",
    "less_than_equal": "{value}: must be at most {le:,}",
    "less_than": "{value}: must be below {lt:,}",
    "string_type": "{value} is no text; write it in quotes",
    "bool_type": "{value} is neither true nor false; write one of them, without quotes",
    "list_type": "{value} is no list; write it in [ ]",
    "dict_type": "{value} is no table",
    "model_type": "{value} is no table",
    "literal_error": "{value} is not known; there are {expected}",
    "string_pattern_mismatch": "{value} cannot stand here",
    "string_too_long": "a text of more than {max_length:,} characters",
    "too_long": "more than {max_length:,} of them",
    "too_short": "fewer than {min_length:,} of them",
}
"""What is wrong by the type of pydantic's error; the text of any other is our own."""


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**18 else "a number of more than 18 digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def validate(path: str, tables: dict[str, Any]) -> None:
    """Raise ProfileError, one line for the first error: file, table, key, what is wrong."""
    try:
        File.model_validate(tables)
    except ValidationError as error:
        raise ProfileError(f"{path}: {_first(error, tables)}") from error


def _first(error: ValidationError, tables: dict[str, Any]) -> str:
    errors = error.errors(include_url=False)
    first = errors[0]
    where = [str(part) for part in first["loc"]]
    if where[:1] == ["require"] and len(where) > 1:
        row = tables["require"][int(where[1])]
        subject = row.get("subject", "no subject") if isinstance(row, dict) else "no table"
        where[0:2] = [f"require {int(where[1]) + 1} ({subject})"]
    if first["type"] == "missing" and where == ["profile"]:
        return 'no [profile] table; begin with [profile], name = "my-role" and title = "..." (hosttune-profile(5))'
    message = _WRONG.get(first["type"], first["msg"].removeprefix("Value error, "))
    message = message.format(value=_shown(first["input"]), **first.get("ctx", {}))
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{': '.join(where)}: {message}{more}".encode("unicode_escape").decode("ascii")
