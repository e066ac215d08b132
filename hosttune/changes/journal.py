"""The journal: one file for each apply, with all it takes to go back, on disk before the first write.

A record is `applying` before the first write, then `applied`, or `undone` where a write failed; `rolling-back` with
its way back before the first write of a rollback, then `rolled-back`, or `partly-rolled-back` where it left what
somebody else has changed since. One that waits to be confirmed is `unconfirmed` after `applying`, and `confirming`
before the first write of the confirm, which makes it `applied`. What ends in -ing was interrupted. Form:
`hosttune/journal/1`, see `encode`. A journal is not trusted: what it names is checked before anything is done with it.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hosttune.changes import backends
from hosttune.changes.backends import directory
from hosttune.changes.confirm import Confirm
from hosttune.changes.request import Request
from hosttune.errors import ApplyError, HostError, RefusedError, StoppedError
from hosttune.host import Host, WritableHost
from hosttune.model import Change, FileState, Operator, Reason, Requirement, Severity, State, Subject, Value

SCHEMA = "hosttune/journal/1"
DIRECTORY = "/var/lib/hosttune"
WAIT = 10.0
"""Seconds that a run waits for another one to end before it refuses."""

_LAST_ID = 2**32 - 2  # the last uid and gid: -1 means "leave it" to chown(2)


class Status(StrEnum):
    APPLYING = "applying"
    UNCONFIRMED = "unconfirmed"
    CONFIRMING = "confirming"
    APPLIED = "applied"
    UNDONE = "undone"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    PARTLY = "partly-rolled-back"


@dataclass(frozen=True, slots=True)
class Where:
    """Which boot of which kernel, and which network namespace of it; "" where that cannot be told."""

    boot: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One apply.

    `one_way` are targets whose old value the kernel does not take back. `way_back` are the writes of its rollback,
    `rewrites` what the others' changes become by it, `left` those of its own that stay: others have changed them.
    `confirm` is there from the first write until it is confirmed, `pending` are the changes that wait for that.
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
    where: Where = Where()
    way_back: tuple[Change, ...] = ()
    rewrites: dict[int, tuple[Change, ...]] = field(default_factory=dict)
    left: tuple[Change, ...] = ()
    confirm: Confirm | None = None
    pending: tuple[Change, ...] = ()


def records(host: Host) -> list[Record]:
    """Return all records, oldest first; raises RefusedError for one that cannot be read, with the file's name."""
    found = []
    for path in host.glob(f"{DIRECTORY}/[0-9]*.json"):
        name = path.rpartition("/")[2]
        if not re.fullmatch(r"[0-9]{6,9}\.json", name):
            continue  # a copy that somebody made
        try:
            _trust(host, path)
            record = decode(json.loads(host.read(path)))
            if path_of(record) != path:
                raise ValueError(f"it says that it is number {record.id}")
            found.append(record)
        except (HostError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, HostError) and error.reason is Reason.UNREADABLE:
                why = error.detail.removeprefix(f"{path}: ")
                raise RefusedError(f"{path}: cannot be read: {why}; run as root") from error
            what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            raise RefusedError(
                f"{path}: not a journal that this hosttune can read ({what}); it holds the way back of an apply: keep "
                "it, and take back by hand what it lists, or use the release that wrote it"
            ) from error
    return sorted(found, key=lambda record: record.id)


def _trust(host: Host, path: str) -> None:
    """Raise ValueError for a journal that somebody else could have written."""
    state = host.state(path)
    if state is not None and (state.uid not in (None, 0, os.geteuid()) or state.mode & 0o022):
        raise ValueError(f"owned by uid {state.uid}, mode {state.mode:04o}: others can write it; only root may")


def here(host: Host) -> Where:
    """Return the boot and the network namespace that this run is in."""
    try:
        found = host.probe("instance")
    except (HostError, OSError):
        return Where()
    return Where(str(found["boot"]), str(found["namespace"]))


def save(host: WritableHost, record: Record) -> None:
    """Put a record on disk, whole and synced; raises OSError."""
    text = json.dumps({"schema": SCHEMA, **encode(record)}, indent=1, ensure_ascii=True) + "\n"
    host.put(path_of(record), FileState(text, 0o600))


def path_of(record: Record) -> str:
    """Return the file of a record."""
    return f"{DIRECTORY}/{record.id:06d}.json"


@contextmanager
def locked(host: WritableHost, waiting: Callable[[str], None]) -> Iterator[None]:
    """Be the only run that writes; raises RefusedError where it cannot, or another one goes on for more than WAIT.

    `waiting` is told who is waited for, many times.
    """
    lock = f"{DIRECTORY}/lock"
    with ExitStack() as held:
        try:
            for path in directory.missing(host, lock):
                host.make_directory(path)
            held.enter_context(host.lock(lock, WAIT, waiting))
            held.enter_context(stopped_by_signals())
        except HostError as error:
            raise RefusedError(f"another hosttune is applying or rolling back ({error.detail}); wait for it") from error
        except OSError as error:
            mend = "run as root" if error.errno in (errno.EACCES, errno.EPERM) else "make room for it, or mend that"
            raise RefusedError(f"{lock}: {error.strerror}; the journal is kept there: {mend}") from error
        yield


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP (a lost terminal) into an exception, so that what was done is taken back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise StoppedError(f"stopped by {signal.Signals(number).name}", 128 + number)

    # what the person who started it has ignored (nohup) stays ignored
    watched = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    old = {number: signal.signal(number, stop) for number in watched}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


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
        restarts=_units(found["restarts"]),
        one_way=_texts(found["one_way"]),
        where=Where(_text(found["where"]["boot"]), _text(found["where"]["namespace"])),
        way_back=_changes(found["way_back"]),
        rewrites={int(key): _changes(value) for key, value in found["rewrites"].items()},
        left=_changes(found["left"]),
        confirm=_confirm(found["confirm"]),
        pending=_changes(found["pending"]),
    )


def _confirm(found: Any) -> Confirm | None:
    if found is None:
        return None
    texts = {name: _text(found[name]) for name in ("boot", "until", "timer", "ended")}
    return Confirm(seconds=_whole(found["seconds"]), deadline=_whole(found["deadline"]), **texts)


def _request(found: dict[str, Any]) -> Request:
    return Request(
        requirements=tuple(_requirement(one) for one in found["requirements"]),
        runtime=bool(found["runtime"]),
        persist=bool(found["persist"]),
        only=_texts(found["only"]),
        live=bool(found["live"]),
        restart=bool(found["restart"]),
        addresses=_targets("address", found["addresses"]),
        roles=_texts(found["roles"]),
        connections=_whole(found["connections"]),
        leave=_texts(found.get("leave", [])),
        anyip=_targets("anyip", found.get("anyip", [])),
        remove=_targets("address", found.get("remove", [])),
        remove_anyip=_targets("anyip", found.get("remove_anyip", [])),
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
    return tuple(_change(one) for one in found)


def _change(found: dict[str, Any]) -> Change:
    change = Change(
        backend=_text(found["backend"]),
        target=_text(found["target"]),
        before=_state(found["before"]),
        after=_state(found["after"]),
        serves=_texts(found["serves"]),
        why=_text(found["why"]),
    )
    for state in (change.before, change.after):
        backends.check(change.backend, change.target, state)
    return change


def _state(found: Any) -> State:
    if found is None or isinstance(found, str):
        return found
    state = FileState(
        text=_text(found["text"]),
        mode=_within(found["mode"], 0o777),
        uid=None if found["uid"] is None else _within(found["uid"], _LAST_ID),
        gid=None if found["gid"] is None else _within(found["gid"], _LAST_ID),
        attributes=tuple((_name(name), bytes.fromhex(value).hex()) for name, value in found["attributes"]),
    )
    state.text.encode("utf-8", "surrogateescape")  # raises ValueError for what no file can hold
    return state


def _value(found: Any) -> Value:
    if isinstance(found, list):
        return tuple(_whole(one) for one in found)
    return found if isinstance(found, str) else _whole(found)


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in found)


def _targets(backend: str, found: Any) -> tuple[str, ...]:
    for target in _texts(found):
        backends.check(backend, target, "present")
    return _texts(found)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{found!r} is no text")
    return found


def _whole(found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError(f"{found!r} is no whole number")
    return found


def _within(found: Any, most: int) -> int:
    if not 0 <= _whole(found) <= most:
        raise ValueError(f"{found} is not within 0 and {most}")
    return int(found)


def _name(found: Any) -> str:
    if "\0" in _text(found) or not found:
        raise ValueError(f"{found!r} names no attribute")
    return str(found)


def _units(found: Any) -> tuple[str, ...]:
    wrong = [unit for unit in _texts(found) if not re.fullmatch(r"[A-Za-z0-9_.@:\\-]{1,255}\.service", unit)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no service")
    return _texts(found)


def not_saved(error: OSError) -> ApplyError:
    """Return what to say where the journal itself cannot be written: nothing has been touched then."""
    return ApplyError(f"{DIRECTORY}: the way back cannot be kept ({error.strerror}), so nothing was changed")
