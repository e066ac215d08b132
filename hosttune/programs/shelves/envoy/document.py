"""A bootstrap as tables and lists with their lines: JSON below comments, or YAML where its library is there."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from json.decoder import JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from hosttune.errors import UsageError

_DEEPEST = 100
_VALUES = 1_000_000
_YAML = 4 << 20  # bytes: some seconds


class Table(dict[str, Any]):
    """A table; `where` is the file:line at which it begins. Numbers may be texts, as protobuf's JSON has them."""

    where: str = ""

    def of(self, name: str) -> Any:
        """Return a field by its name, or by that which protobuf's JSON has for it; None where it is not set."""
        value = self.get(name)
        return value if value is not None else self.get(camel(name))

    def table(self, *names: str) -> Table:
        """Return a table within tables, an empty one where it is not set."""
        now = self
        for name in names:
            value = now.of(name)
            if not isinstance(value, Table):
                value = Table()
                value.where = now.where
            now = value
        return now

    def tables(self, name: str) -> list[Table]:
        """Return the tables of a list."""
        value = self.of(name)
        return [one for one in value if isinstance(one, Table)] if isinstance(value, list) else []

    def text(self, name: str) -> str:
        value = self.of(name)
        return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""

    def number(self, name: str) -> int | None:
        """Return a number that is not negative, None where it is not set, or none."""
        text = self.text(name)
        return int(text) if re.fullmatch(r"\d{1,20}", text) else None

    def true(self, name: str, default: bool = False) -> bool:
        value = self.of(name)
        return default if value is None else str(value).lower() == "true"


@lru_cache(4096)
def camel(name: str) -> str:
    """Return the name of a field in protobuf's JSON."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


@lru_cache(4096)
def snake(name: str) -> str:
    """Return the name of a field in its definition."""
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), name)


def read(path: str, text: str) -> Table:
    """Return the bootstrap; raises UsageError `file:line` for what cannot be parsed, or is too much."""
    bare = re.sub(r"\A(?:[ \t]*(?:#[^\n]*)?\n)+", lambda match: "\n" * match[0].count("\n"), text.lstrip("\ufeff"))
    is_json = bare.lstrip().startswith("{")
    try:
        return _json(path, bare) if is_json else _yaml(path, bare)
    except json.JSONDecodeError as error:
        wrong = f"{path}:{error.lineno}: {error.msg}; fix it, `envoy --mode validate -c {path}` shows where"
    try:
        return _yaml(path, bare)  # a flow of YAML may have comments, and texts without quotes
    except UsageError:
        raise UsageError(wrong) from None


def _json(path: str, text: str) -> Table:
    if text.count(",") > _VALUES:
        raise UsageError(f"{path}: more than {_VALUES:,} values; name a smaller file")
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    starts: list[int] = []
    at, line = 0, 1

    def table(state: tuple[str, int], *rest: Any) -> tuple[Table, int]:
        nonlocal at, line
        begin = state[1]
        # tables begin one after the other: each part of the text is counted once
        line += text.count("\n", at, begin)
        at, here = begin, line
        starts.append(begin)
        if len(starts) > _DEEPEST:
            raise UsageError(f"{path}:{here}: nested deeper than {_DEEPEST}")
        values, end = JSONObject(state, *rest)
        starts.pop()
        made = Table(values)
        made.where = f"{path}:{here}"
        return made, end

    decoder.parse_object = table  # type: ignore[attr-defined]
    decoder.scan_once = py_make_scanner(decoder)  # type: ignore[attr-defined]
    try:
        value, _ = decoder.raw_decode(text, len(text) - len(text.lstrip()))
    except RecursionError as error:
        raise UsageError(f"{path}: nested deeper than {_DEEPEST}") from error
    return value if isinstance(value, Table) else Table()


def _yaml(path: str, text: str) -> Table:
    try:
        import yaml
    except ImportError as error:
        raise UsageError(f"{path}: YAML takes the extra: pip install 'hosttune[envoy]'; JSON does not") from error
    if len(text) > _YAML:
        raise UsageError(f"{path}: {len(text):,} bytes of YAML, at most {_YAML:,} are read; name it as JSON")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        value = _Built(path).of(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: {error.problem}; fix it, `envoy --mode validate` shows where") from error
    except yaml.YAMLError as error:
        what = str(error).replace("\n", " ")
        raise UsageError(f"{path}: {what}; fix it, `envoy --mode validate` shows where") from error
    return value if isinstance(value, Table) else Table()


class _Built:
    """Values of YAML's events, built without recursion; what aliases stand for is counted each time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: list[tuple[Any, list[Any], str | None, int]] = []
        self._count = 0

    def of(self, events: Any) -> Any:
        """Return the first document."""
        for event in events:
            kind = type(event).__name__
            where = f"{self._path}:{event.start_mark.line + 1}"
            if kind == "ScalarEvent":
                null = event.implicit[0] and event.value in ("", "~", "null", "Null", "NULL")
                self._add(None if null else event.value, event.anchor, 1, where)
            elif kind == "AliasEvent":
                self._add(*self._alias(event.anchor, where), where)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._begin(Table() if kind[0] == "M" else [], event.anchor, where)
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self._end(where)
            elif kind == "DocumentEndEvent":
                break
        return self._root

    _root: Any = None

    def _alias(self, anchor: str, where: str) -> tuple[Any, None, int]:
        if anchor not in self._anchors:
            raise UsageError(f"{where}: the alias *{anchor} stands for nothing before it")
        value, size = self._anchors[anchor]
        return value, None, size

    def _begin(self, value: Any, anchor: str | None, where: str) -> None:
        if len(self._open) >= _DEEPEST:
            raise UsageError(f"{where}: nested deeper than {_DEEPEST}")
        if isinstance(value, Table):
            value.where = where
        self._open.append((value, [], anchor, self._count))

    def _end(self, where: str) -> None:
        value, parts, anchor, before = self._open.pop()
        if isinstance(value, Table):
            value.update({str(key): part for key, part in zip(parts[::2], parts[1::2], strict=False)})
        else:
            value.extend(parts)
        self._add(value, None, 1, where)
        if anchor:
            self._anchors[anchor] = value, self._count - before

    def _add(self, value: Any, anchor: str | None, size: int, where: str) -> None:
        self._count += size
        if self._count > _VALUES:
            raise UsageError(f"{where}: more than {_VALUES:,} values, those that aliases stand for included")
        if anchor:
            self._anchors[anchor] = value, size
        if self._open:
            self._open[-1][1].append(value)
        else:
            self._root = value
