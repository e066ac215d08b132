"""A machine that answered once: its answers, and its errors, replay anywhere.

A snapshot is one JSON file: `{"schema": "hosttune/snapshot/1", "reads": {PATH: ANSWER}, "globs": {PATTERN: [PATH]},
"probes": {"NAME ARGS": ANSWER}, "links": {PATH: TARGET}, "again": {...}}`, where ANSWER is `{"is": ...}` or
`{"error": REASON, "detail": TEXT}`. Only links that are some are kept; recordings made before there were any have no
such table. `again` is a second gathering of what changes, with the same tables; a recording that was made at one moment
has none.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Mapping
from typing import Any

from hosttune.errors import HostError, UsageError
from hosttune.host import Host, json_bounds, named_file
from hosttune.host import answers as answer_types
from hosttune.host.live import LARGEST
from hosttune.model import FileState, Reason

SCHEMA = "hosttune/snapshot/1"


class Recorded:
    """A host made of recorded answers; what was not asked then is `not in the snapshot` now.

    `again` are the answers of a second moment, None where there was but one.
    """

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self._reads = answers["reads"]
        self._globs = answers["globs"]
        self._probes = answers["probes"]
        self._links = answers.get("links", {})
        again = answers.get("again")
        self.again = Recorded(again) if again else None

    @classmethod
    def load(cls, path: str) -> Recorded:
        """Open a snapshot file; raises UsageError with one line where it is missing, cut short or no snapshot."""
        try:
            answers = json_bounds.parse(named_file.read(path, json_bounds.LARGEST).data)
        except (OSError, HostError) as error:
            why = named_file.why(error)
            raise UsageError(f"{path}: {why}; name a file made by `hosttune snapshot -o FILE`") from error
        except json.JSONDecodeError as error:
            problem = f"{path}:{error.lineno}: cut short or not JSON"
            raise UsageError(f"{problem}; make it anew with `hosttune snapshot`") from error
        except ValueError as error:
            why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:100]
            raise UsageError(f"{path}: not a snapshot: {why}; make it anew with `hosttune snapshot`") from error
        return cls.of(path, answers)

    @classmethod
    def of(cls, path: str, answers: Any) -> Recorded:
        """Return the host of a document that was read already; `path` names it in errors. Raises UsageError."""
        _check(path, answers)
        return cls(answers)

    def answers(self, table: str) -> Mapping[str, Any]:
        """Return the answers of one moment, of `reads`, `globs`, `probes` or `links`."""
        return {"reads": self._reads, "globs": self._globs, "probes": self._probes, "links": self._links}[table]

    def with_answers(self, of: Callable[[str, str], bool], other: Recorded) -> Recorded:
        """Return this host with the answers of another to the questions that `of` (table, question) says."""
        return Recorded(
            {
                table: {
                    **{key: answer for key, answer in self.answers(table).items() if not of(table, key)},
                    **{key: answer for key, answer in other.answers(table).items() if of(table, key)},
                }
                for table in ("reads", "globs", "probes", "links")
            }
        )

    def with_texts(self, texts: Mapping[str, str]) -> Recorded:
        """Return this host with other texts of some paths."""
        told = {path: {"is": text} for path, text in texts.items()}
        return self.with_answers(lambda table, key: table == "reads" and key in told, Recorded(_only_reads(told)))

    @property
    def still(self) -> object:
        return self

    def read(self, path: str) -> str:
        return str(_answer(self._reads, path, path))

    def glob(self, pattern: str) -> list[str]:
        if pattern in self._globs:
            return list(self._globs[pattern])
        depth = pattern.count("/")
        known = [p for p, a in self._reads.items() if "is" in a or a["error"] != Reason.ABSENT.name]
        if not any(c in pattern for c in "*?[") and any(path.startswith(f"{pattern}/") for path in known):
            return [pattern]  # the directory of a file that was read
        return sorted(p for p in known if p.count("/") == depth and fnmatch.fnmatchcase(p, pattern))

    def probe(self, name: str, **args: Any) -> Any:
        return _answer(self._probes, _probe_key(name, args), f"{name} probe")

    def state(self, path: str) -> FileState | None:
        """Return what was read; owner and mode were not recorded. A file nobody asked for is taken to be absent."""
        try:
            return FileState(self.read(path))
        except HostError as error:
            if error.reason in (Reason.ABSENT, Reason.NOT_RECORDED):
                return None
            raise

    def link(self, path: str) -> str:
        return str(self._links.get(path, ""))


def _only_reads(reads: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"reads": reads, "globs": {}, "probes": {}, "links": {}}


class Recording:
    """A host that passes every question on to `inner` and keeps each answer and each error."""

    def __init__(self, inner: Host) -> None:
        self.inner = inner
        self.answers: dict[str, dict[str, Any]] = {"reads": {}, "globs": {}, "probes": {}, "links": {}}

    @property
    def still(self) -> object | None:
        """Return itself, for what was derived of another recording is not in this one."""
        return self if getattr(self.inner, "still", None) is not None else None

    def read(self, path: str) -> str:
        text = self._keep("reads", path, lambda: self.inner.read(path))
        return str(text)

    def glob(self, pattern: str) -> list[str]:
        paths = self.inner.glob(pattern)
        self.answers["globs"][pattern] = paths
        return paths

    def probe(self, name: str, **args: Any) -> Any:
        return self._keep("probes", _probe_key(name, args), lambda: self.inner.probe(name, **args))

    def state(self, path: str) -> FileState | None:
        return self.inner.state(path)

    def link(self, path: str) -> str:
        target = self.inner.link(path)
        if target:
            self.answers["links"][path] = target
        return target

    def text(self) -> str:
        """Return the snapshot file's text; stable order, so that two recordings can be compared."""
        return json.dumps({"schema": SCHEMA, **self.answers}, indent=1, sort_keys=True) + "\n"

    def add(self, again: Recording) -> None:
        """Take in a second gathering, whose answers stand beside the first ones."""
        self.answers["again"] = again.answers

    def _keep(self, kind: str, key: str, ask: Any) -> Any:
        try:
            answer = ask()
        except HostError as error:
            self.answers[kind][key] = {"error": error.reason.name, "detail": error.detail}
            raise
        self.answers[kind][key] = {"is": answer}
        return answer


def _probe_key(name: str, args: dict[str, Any]) -> str:
    return f"{name} {json.dumps(args, sort_keys=True)}"


def _answer(answers: dict[str, Any], key: str, what: str) -> Any:
    answer = answers.get(key)
    if answer is None:
        raise HostError(Reason.NOT_RECORDED, what)
    if "is" in answer:
        return answer["is"]
    raise HostError(Reason[answer["error"]], answer["detail"])


def _fits(path: str, pattern: str) -> bool:
    """Say whether a path can be an answer to a pattern: those who ask take it apart at its slashes."""
    plain = pattern.rstrip("/")
    return path.count("/") == plain.count("/") and fnmatch.fnmatchcase(path, plain)


class _WrongError(Exception):
    """What of a snapshot is not as it should be."""


def _check(path: str, answers: Any) -> None:
    try:
        if not isinstance(answers, dict) or answers.get("schema") != SCHEMA:
            raise _WrongError(f"not a snapshot of schema {SCHEMA}")
        _check_tables(answers)
        if "again" in answers:
            _check_tables(_table(answers, "again"))
    except _WrongError as error:
        raise UsageError(f"{path}: {error}; make it anew with `hosttune snapshot`") from error


def _check_tables(answers: dict[str, Any]) -> None:
    for kind, wrong in (("reads", _wrong_text), ("probes", _wrong_answer)):
        for key, answer in _table(answers, kind).items():
            if _was_answered(f"{kind}.{key!r}", answer):
                _refuse(f"{kind}.{key!r}", wrong(key, answer["is"]))
    for pattern, paths in _table(answers, "globs").items():
        _refuse(f"globs.{pattern!r}", _wrong_paths(pattern, paths))
    _refuse("links", answer_types.unlike(dict[str, str], answers.get("links", {})))


def _table(answers: dict[str, Any], kind: str) -> dict[str, Any]:
    table = answers.get(kind)
    if not isinstance(table, dict):
        raise _WrongError(f"key {kind!r} is missing or no table")
    return table


def _was_answered(key: str, answer: Any) -> bool:
    """Say whether there was an answer, and no error; raises _WrongError for what is neither."""
    if isinstance(answer, dict) and "is" in answer:
        return True
    known = isinstance(answer, dict) and str(answer.get("error")) in Reason.__members__
    if not (known and isinstance(answer.get("detail"), str)):
        raise _WrongError(f"key {key} is not a recorded answer")
    return False


def _refuse(key: str, why: str) -> None:
    if why:
        raise _WrongError(f"key {key}: {why}")


def _wrong_text(path: str, text: Any) -> str:
    if not isinstance(text, str):
        return "no text"
    if len(text) > LARGEST:
        return "longer than a file may be that is read"
    return answer_types.wrong_text(path, text)


def _wrong_answer(key: str, answer: Any) -> str:
    return answer_types.wrong(key.partition(" ")[0], answer)


def _wrong_paths(pattern: str, paths: Any) -> str:
    if why := answer_types.unlike(list[str], paths):
        return why
    odd = next((path for path in paths if not _fits(path, pattern)), None)
    return "" if odd is None else f"{odd!r} does not match it"
