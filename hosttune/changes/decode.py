"""A record as text and back: JSON, one field a line, the second line a SHA-256 of all the others.

The text is the same for the same record, so any byte that is not as it was written is seen. `sed 2d FILE | sha256sum`
gives the sum that the second line must have. A field more is a line more in `decode`, and in changes/record.py.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from hosttune.changes import backends
from hosttune.changes.confirm import PROCESS, SYSTEMD, Confirm
from hosttune.changes.record import Instance, Invocation, Record, Status
from hosttune.changes.request import Request
from hosttune.model import Change, FileState, Operator, Requirement, Severity, State, Subject, Value, Who

T = TypeVar("T")

SCHEMA = "hosttune/journal/2"
HIGHEST_ID = 999_999_999

_MODE = 0o7777  # set-user-ID, set-group-ID and sticky too: inode(7)
_LAST_ID = 2**32 - 2  # the last uid and gid: -1 means "leave it" to chown(2)
_SUM = re.compile(r'\{\n "sha256": "([0-9a-f]{64})",\n')


def text_of(record: Record) -> str:
    """Return the text of a record, ASCII; raises ValueError for a number that JSON does not take."""
    return sealed({"schema": SCHEMA, **encode(record)})


def sealed(fields: dict[str, Any]) -> str:
    """Return the text of plain values under their sum."""
    rest = ",\n".join(f" {json.dumps(name)}: {_lines(value)}" for name, value in fields.items()) + "\n}\n"
    return f'{{\n "sha256": "{_sum(rest)}",\n{rest}'


def record_of(text: str) -> Record:
    """Return the record of a text; raises ValueError with what is wrong, by the name of the field."""
    found = _SUM.match(text)
    if found is None:
        old = re.search(r'"schema": "(hosttune/journal/[0-9]{1,4})"', text[:200])
        other = old is not None and old[1] != SCHEMA
        raise ValueError(f"{old[1]}, of another release" if old and other else "no record, or one cut or changed since")
    if _sum(text[found.end() :]) != found[1]:
        raise ValueError("it was changed or cut since it was written: its SHA-256 is another")
    try:
        return decode({name: value for name, value in json.loads(text).items() if name != "sha256"})
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def flaw(record: Record) -> str:
    """Return why a record could not be read again, by the name of the field; "" where it could."""
    try:
        again = record_of(text_of(record))
    except ValueError as error:
        return str(error)
    wrong = [f.name for f in dataclasses.fields(record) if getattr(record, f.name) != getattr(again, f.name)]
    return f"{wrong[0]}: it would be read as another one" if wrong else ""


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
    """Return a record from plain values; raises ValueError or TypeError, by the name of the field."""
    fields = _Fields(found)
    fields.take("schema", _schema)
    record = Record(
        id=fields.take("id", _within(1, HIGHEST_ID)),
        status=fields.take("status", Status),
        made=fields.take("made", _invocation),
        request=fields.take("request", _request),
        changes=fields.take("changes", _changes),
        reload=fields.take("reload", _truth),
        restarts=fields.take("restarts", _many(_unit)),
        one_way=fields.take("one_way", _texts),
        where=fields.take("where", _where),
        way_back=fields.take("way_back", _changes),
        rewrites=fields.take("rewrites", _rewrites),
        left=fields.take("left", _changes),
        rollbacks=fields.take("rollbacks", _many(_invocation)),
        confirm=fields.take("confirm", _confirm),
        pending=fields.take("pending", _changes),
    )
    fields.end()
    if record.confirm is None and record.status in (Status.UNCONFIRMED, Status.CONFIRMING):
        raise ValueError(f"confirm: null, and it is {record.status}")
    return record


class _Fields:
    """The fields of a JSON object, each taken once; an error names the field, and the one that holds it."""

    def __init__(self, found: Any) -> None:
        if not isinstance(found, dict):
            raise TypeError(f"{_shown(found)} is no object")
        self._left = dict(found)

    def take(self, name: str, read: Callable[[Any], T]) -> T:
        """Return a field as `read` has it."""
        if name not in self._left:
            raise ValueError(f"{name} is missing")
        return _named(name, read, self._left.pop(name))

    def end(self) -> None:
        """Raise ValueError where a field is left: one of another release."""
        for name in self._left:
            raise ValueError(f"{_shown(name)} is a field that this release does not know")


def _named(name: str, read: Callable[[Any], T], found: Any) -> T:
    try:
        return read(found)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from error


def _many(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def all_of(found: Any) -> tuple[T, ...]:
        if not isinstance(found, list):
            raise TypeError(f"{_shown(found)} is no list")
        return tuple([_named(f"[{number}]", read, one) for number, one in enumerate(found)])

    return all_of


def _confirm(found: Any) -> Confirm | None:
    if found is None:
        return None
    fields = _Fields(found)
    made = Confirm(
        seconds=fields.take("seconds", _within(1, 86_400)),
        boot=fields.take("boot", _text),
        deadline=fields.take("deadline", _whole),
        until=fields.take("until", _text),
        timer=fields.take("timer", _timer),
        ended=fields.take("ended", _text),
    )
    fields.end()
    return made


def _timer(found: Any) -> str:
    if found not in (SYSTEMD, PROCESS):
        raise ValueError(f"{_shown(found)} keeps no timer")
    return str(found)


def _invocation(found: Any) -> Invocation:
    fields = _Fields(found)
    made = Invocation(
        when=fields.take("when", _text),
        command=fields.take("command", _text),
        who=fields.take("who", _who),
        reason=fields.take("reason", _text),
    )
    fields.end()
    return made


def _who(found: Any) -> Who:
    fields = _Fields(found)
    who = Who(**{name: fields.take(name, _text) for name in ("login", "sudo", "ssh", "tty")})
    fields.end()
    return who


def _where(found: Any) -> Instance:
    fields = _Fields(found)
    where = Instance(**{name: fields.take(name, _text) for name in ("boot", "namespace", "name")})
    fields.end()
    return where


def _request(found: Any) -> Request:
    fields = _Fields(found)
    request = Request(
        requirements=fields.take("requirements", _many(_requirement)),
        runtime=fields.take("runtime", _truth),
        persist=fields.take("persist", _truth),
        only=fields.take("only", _texts),
        live=fields.take("live", _truth),
        restart=fields.take("restart", _truth),
        addresses=fields.take("addresses", _many(_target("address"))),
        roles=fields.take("roles", _texts),
        connections=fields.take("connections", _whole),
        leave=fields.take("leave", _texts),
        anyip=fields.take("anyip", _many(_target("anyip"))),
        remove=fields.take("remove", _many(_target("address"))),
        remove_anyip=fields.take("remove_anyip", _many(_target("anyip"))),
        allow=fields.take("allow", _texts),
    )
    fields.end()
    return request


def _requirement(found: Any) -> Requirement:
    fields = _Fields(found)
    requirement = Requirement(
        subject=fields.take("subject", lambda text: Subject.parse(_text(text))),
        operator=fields.take("operator", Operator),
        wants=fields.take("wants", _many(_value)),
        severity=fields.take("severity", Severity),
        roles=fields.take("roles", _texts),
        **{name: fields.take(name, _text) for name in ("why", "source", "unit", "demand", "waived", "origin")},
    )
    fields.end()
    return requirement


def _change(found: Any) -> Change:
    fields = _Fields(found)
    change = Change(
        backend=fields.take("backend", _text),
        target=fields.take("target", _text),
        before=fields.take("before", _state),
        after=fields.take("after", _state),
        serves=fields.take("serves", _texts),
        why=fields.take("why", _text),
    )
    fields.end()
    for name, state in (("before", change.before), ("after", change.after)):
        _named(name, lambda state: backends.check(change.backend, change.target, state), state)
    return change


def _rewrites(found: Any) -> dict[int, tuple[Change, ...]]:
    fields = _Fields(found)
    wrong = [key for key in found if not re.fullmatch(r"[1-9][0-9]{0,8}", key)]
    if wrong:
        raise ValueError(f"{_shown(wrong[0])} is no number of an apply")
    return {int(key): fields.take(key, _changes) for key in found}


def _state(found: Any) -> State:
    if found is None or isinstance(found, str):
        return found
    fields = _Fields(found)
    state = FileState(
        text=fields.take("text", _file_text),
        mode=fields.take("mode", _within(0, _MODE)),
        uid=fields.take("uid", _owner),
        gid=fields.take("gid", _owner),
        attributes=fields.take("attributes", _many(_attribute)),
    )
    fields.end()
    return state


def _attribute(found: Any) -> tuple[str, str]:
    if not isinstance(found, list) or len(found) != 2:
        raise TypeError(f"{_shown(found)} is no extended attribute")
    name, value = _file_text(found[0]), _text(found[1])
    if not name or "\0" in name or not re.fullmatch(r"(?:[0-9a-f]{2})*", value):
        raise ValueError(f"{_shown(found)} is no extended attribute")  # xattr(7)
    return name, value


def _file_text(found: Any) -> str:
    _text(found).encode("utf-8", "surrogateescape")  # raises ValueError for what no file can hold
    return str(found)


def _owner(found: Any) -> int | None:
    return None if found is None else _within(0, _LAST_ID)(found)


def _value(found: Any) -> Value:
    if isinstance(found, list):
        return _many(_whole)(found)
    return found if isinstance(found, str) else _whole(found)


def _target(backend: str) -> Callable[[Any], str]:
    def target(found: Any) -> str:
        backends.check(backend, _text(found), "present")
        return str(found)

    return target


def _unit(found: Any) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.@:\\-]{1,255}\.service", _text(found)):
        raise ValueError(f"{_shown(found)} is no service")
    return str(found)


def _schema(found: Any) -> str:
    if found != SCHEMA:
        raise ValueError(f"{_shown(found)}, of another release")
    return SCHEMA


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{_shown(found)} is no text")
    return found


def _truth(found: Any) -> bool:
    if not isinstance(found, bool):
        raise TypeError(f"{_shown(found)} is neither true nor false")
    return found


def _whole(found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError(f"{_shown(found)} is no whole number")
    return found


def _within(low: int, high: int) -> Callable[[Any], int]:
    def within(found: Any) -> int:
        if not low <= _whole(found) <= high:
            raise ValueError(f"{found} is not within {low} and {high}")
        return int(found)

    return within


def _lines(value: Any) -> str:
    """Return a value as JSON; a list of objects has one a line, so that a person can read it."""
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(one)}" for one in value) + "\n ]"


def _sum(rest: str) -> str:
    return hashlib.sha256(b"{\n" + rest.encode("utf-8", "surrogateescape")).hexdigest()


def _shown(found: Any) -> str:
    return ascii(found if not isinstance(found, list | dict) else type(found).__name__)[:60]


_texts = _many(_text)
_changes = _many(_change)
