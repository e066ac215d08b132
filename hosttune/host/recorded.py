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
from collections.abc import Callable
from typing import Any

from hosttune.errors import HostError, UsageError
from hosttune.host import Host, json_bounds, named_file, shapes
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
            told = f"{path}:{error.lineno}: cut short or not JSON"
            raise UsageError(f"{told}; make it anew with `hosttune snapshot`") from error
        except ValueError as error:
            why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:100]
            raise UsageError(f"{path}: not a snapshot: {why}; make it anew with `hosttune snapshot`") from error
        _check(path, answers)
        return cls(answers)

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
        found = self.inner.glob(pattern)
        self.answers["globs"][pattern] = found
        return found

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


def _check(path: str, answers: Any) -> None:
    def wrong(what: str) -> UsageError:
        return UsageError(f"{path}: {what}; make it anew with `hosttune snapshot`")

    if not isinstance(answers, dict) or answers.get("schema") != SCHEMA:
        raise wrong(f"not a snapshot of schema {SCHEMA}")
    _check_tables(answers, wrong)
    if "again" in answers:
        if not isinstance(answers["again"], dict):
            raise wrong("key again is no table")
        _check_tables(answers["again"], wrong)


def _check_tables(answers: dict[str, Any], wrong: Callable[[str], UsageError]) -> None:
    for kind in ("reads", "globs", "probes"):
        if not isinstance(answers.get(kind), dict):
            raise wrong(f"key {kind!r} is missing or no table")
    for kind in ("reads", "probes"):
        for key, answer in answers[kind].items():
            right = isinstance(answer, dict) and (
                (kind == "probes" or isinstance(answer["is"], str))
                if "is" in answer
                else str(answer.get("error")) in Reason.__members__ and isinstance(answer.get("detail"), str)
            )
            if not right:
                raise wrong(f"key {kind}.{key!r} is no answer")
            why = ""
            if "is" in answer:
                if kind == "reads" and len(answer["is"]) > LARGEST:
                    raise wrong(f"key reads.{key!r} is longer than a file may be that is read")
                shape = shapes.wrong_text if kind == "reads" else shapes.wrong
                why = shape(key if kind == "reads" else key.partition(" ")[0], answer["is"])
            if why:
                raise wrong(f"key {kind}.{key!r}: {why}")
    for key, found in answers["globs"].items():
        if not (isinstance(found, list) and all(isinstance(p, str) for p in found)):
            raise wrong(f"key globs.{key!r} is no list of paths")
        odd = next((path for path in found if not _fits(path, key)), None)
        if odd is not None:
            raise wrong(f"key globs.{key!r}: {odd!r} does not match it")
    links = answers.get("links", {})
    if not (isinstance(links, dict) and all(isinstance(target, str) for target in links.values())):
        raise wrong("key links is no table of paths")
