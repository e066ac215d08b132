"""The journal: one file for each apply, with all it takes to go back, on disk before the first write.

A record is `applying` before the first write, then `applied`, or `undone` where a write failed; `rolling-back` with
its way back before the first write of a rollback, then `rolled-back`. What is neither applying nor rolling back is
whole. Form: `hosttune/journal/1`, see `encode`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hosttune.changes.backends import directory
from hosttune.changes.request import Request
from hosttune.errors import ApplyError, HostError, RefusedError
from hosttune.host import Host, WritableHost
from hosttune.model import Change, FileState, Operator, Requirement, Severity, State, Subject, Value

SCHEMA = "hosttune/journal/1"
DIRECTORY = "/var/lib/hosttune"
WAIT = 10.0
"""Seconds that a run waits for another one to end before it refuses."""


class Status(StrEnum):
    APPLYING = "applying"
    APPLIED = "applied"
    UNDONE = "undone"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class Record:
    """One apply.

    `one_way` are targets whose old value the kernel does not take back. `way_back` are the writes of its rollback,
    `rewrites` what the others' changes become by it.
    """

    id: int
    status: Status
    when: str
    command: str
    request: Request
    changes: tuple[Change, ...]
    reload: bool = False
    restarts: tuple[str, ...] = ()
    one_way: tuple[str, ...] = ()
    way_back: tuple[Change, ...] = ()
    rewrites: dict[int, tuple[Change, ...]] = field(default_factory=dict)


def records(host: Host) -> list[Record]:
    """Return all records, oldest first; raises RefusedError for one that cannot be read, with the file's name."""
    found = []
    for path in host.glob(f"{DIRECTORY}/[0-9]*.json"):
        try:
            found.append(decode(json.loads(host.read(path))))
        except (HostError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            what = f"{type(error).__name__} {error}".strip()
            raise RefusedError(
                f"{path}: not a journal that this hosttune can read ({what}); it holds the way back of an apply: keep "
                "it, and take back by hand what it lists, or use the release that wrote it"
            ) from error
    return sorted(found, key=lambda record: record.id)


def save(host: WritableHost, record: Record) -> None:
    """Put a record on disk, whole and synced; raises OSError."""
    text = json.dumps({"schema": SCHEMA, **encode(record)}, indent=1, ensure_ascii=True) + "\n"
    host.put(path_of(record), FileState(text, 0o600))


def path_of(record: Record) -> str:
    """Return the file of a record."""
    return f"{DIRECTORY}/{record.id:06d}.json"


@contextmanager
def locked(host: WritableHost) -> Iterator[None]:
    """Be the only run that writes; raises RefusedError where it cannot, or another one goes on for more than WAIT."""
    lock = f"{DIRECTORY}/lock"
    with ExitStack() as held:
        try:
            for path in directory.missing(host, lock):
                host.make_directory(path)
            held.enter_context(host.lock(lock, WAIT))
        except HostError as error:
            raise RefusedError(f"another hosttune is applying or rolling back ({error.detail}); wait for it") from error
        except OSError as error:
            raise RefusedError(f"{lock}: {error.strerror}; the journal is kept there: run as root") from error
        yield


def encode(record: Record) -> dict[str, Any]:
    """Return a record as plain values."""
    return plain(record)  # type: ignore[no-any-return]  # a dataclass becomes a dict


def plain(value: Any) -> Any:
    """Return a value of the model as JSON has it."""
    if isinstance(value, Subject):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def decode(found: Any) -> Record:
    """Return a record from plain values; raises ValueError, KeyError or TypeError where they are none."""
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"not of schema {SCHEMA}")
    return Record(
        id=_whole(found["id"]),
        status=Status(found["status"]),
        when=_text(found["when"]),
        command=_text(found["command"]),
        request=_request(found["request"]),
        changes=_changes(found["changes"]),
        reload=bool(found["reload"]),
        restarts=_texts(found["restarts"]),
        one_way=_texts(found["one_way"]),
        way_back=_changes(found["way_back"]),
        rewrites={int(key): _changes(value) for key, value in found["rewrites"].items()},
    )


def _request(found: dict[str, Any]) -> Request:
    return Request(
        requirements=tuple(_requirement(one) for one in found["requirements"]),
        runtime=bool(found["runtime"]),
        persist=bool(found["persist"]),
        only=_texts(found["only"]),
        live=bool(found["live"]),
        restart=bool(found["restart"]),
        addresses=_texts(found["addresses"]),
        roles=_texts(found["roles"]),
        connections=_whole(found["connections"]),
        leave=_texts(found.get("leave", [])),
    )


def _requirement(found: dict[str, Any]) -> Requirement:
    texts = {name: _text(found[name]) for name in ("why", "source", "unit", "demand", "waived", "origin")}
    return Requirement(
        subject=Subject.parse(_text(found["subject"])),
        operator=Operator(found["operator"]),
        wants=tuple(_value(one) for one in found["wants"]),
        severity=Severity(found["severity"]),
        roles=_texts(found["roles"]),
        **texts,
    )


def _changes(found: list[dict[str, Any]]) -> tuple[Change, ...]:
    return tuple(
        Change(
            backend=_text(one["backend"]),
            target=_text(one["target"]),
            before=_state(one["before"]),
            after=_state(one["after"]),
            serves=_texts(one["serves"]),
            why=_text(one["why"]),
        )
        for one in found
    )


def _state(found: Any) -> State:
    if found is None or isinstance(found, str):
        return found
    return FileState(
        text=_text(found["text"]),
        mode=_whole(found["mode"]),
        uid=None if found["uid"] is None else _whole(found["uid"]),
        gid=None if found["gid"] is None else _whole(found["gid"]),
        attributes=tuple((_text(name), bytes.fromhex(value).hex()) for name, value in found["attributes"]),
    )


def _value(found: Any) -> Value:
    if isinstance(found, list):
        return tuple(_whole(one) for one in found)
    return found if isinstance(found, str) else _whole(found)


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in found)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{found!r} is no text")
    return found


def _whole(found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError(f"{found!r} is no whole number")
    return found


def not_saved(error: OSError) -> ApplyError:
    """Return what to say where the journal itself cannot be written: nothing has been touched then."""
    return ApplyError(f"{DIRECTORY}: the way back cannot be kept ({error.strerror}), so nothing was changed")
