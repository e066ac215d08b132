"""What hosttune promises to stay (the page `stability`), collected from the program as plain rows of text.

Each part of it is a mapping from what is promised to how it is now: a field of a document to its type, a parameter of a
function to its type and default. That makes an addition a new row, and all else a row that is gone or another.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from pydantic import TypeAdapter
from typer.main import get_command

import hosttune
from hosttune import api, errors, model
from hosttune.changes import codec, record
from hosttune.cli import app
from hosttune.host import recorded
from hosttune.manual import exits, verb
from hosttune.model import Backend, Bound, PortPool, Reason, Report, Severity, Tick, Trend, Unknown, Use, Verdict, View
from hosttune.planning.topology import schema as topology
from hosttune.profile import schema as profile
from hosttune.render import exposition, schemas
from hosttune.render.of_node import prometheus as whole
from hosttune.render.of_report import prometheus
from hosttune.render.of_view import prometheus as look
from tests.render import nodes
from tests.render.test_render_examples import MACHINE, finding, report

Rows = dict[str, str]


def contract() -> dict[str, Rows]:
    """Return all parts of the contract by their names."""
    return {
        "documents": dict(_documents()),
        "files": dict(_files()),
        "options": dict(_options()),
        "exit codes": {f"{name} {code}": "" for name in sorted(_verbs()) for code in exits.of(name)},
        "library": dict(_library()),
        "metrics": dict(_metrics()),
    }


def differences(before: Mapping[str, Rows], now: Mapping[str, Rows]) -> tuple[list[str], list[str]]:
    """Return what breaks whoever relies on a contract, and what was only added to it; each row in one line."""
    broken, added = [], []
    for part in sorted({*before, *now}):
        old, new = before.get(part, {}), now.get(part, {})
        broken += [f"{part}: removed: {row} {old[row]}".rstrip() for row in old if row not in new]
        broken += [
            f"{part}: changed: {row}: was {old[row]}, is {new[row]}"
            for row in old
            if new.get(row, old[row]) != old[row]
        ]
        for row in new.keys() - old.keys():
            asked = new[row].endswith("(required)") and _owner(part, row) in {_owner(part, known) for known in old}
            (broken if asked else added).append(f"{part}: added: {row} {new[row]}".rstrip())
    return broken, sorted(added)


def _owner(part: str, row: str) -> str:
    """Return the table of a file, the verb or the function that a row belongs to."""
    return row.rpartition(".")[0] if part == "files" else row.partition(":")[0]


def _documents() -> Iterator[tuple[str, str]]:
    """Yield each field of each JSON document, `hosttune/NAME/N: KIND.FIELD`, by the schemas that are committed."""
    for path in sorted(Path(schemas.__file__).parent.glob("*.schema.json")):
        schema = json.loads(path.read_text())
        title = "/".join(schema["$id"].removeprefix("urn:").split(":"))
        yield title, "document"
        for kind, held in {"": schema, **schema["$defs"]}.items():
            for row, said in _fields(held):
                yield f"{title}: {kind}{row}", said


def _fields(held: Mapping[str, Any], asked: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the fields of an object, or the values of an enumeration, of a JSON schema.

    Where it is read, those that must be there are told apart; what is written always has all of them.
    """
    for value in held.get("enum", []):
        yield f"={value}", "value"
    for name, field in held.get("properties", {}).items():
        must = asked and name in held.get("required", ())
        yield f".{name}", _kind(field) + (" (required)" if must else "")
        for value in field.get("enum", []):
            yield f".{name}={value}", "value"


def _kind(schema: Any) -> str:
    """Return the type of a field in a few words; what else bounds it is left out."""
    if not isinstance(schema, dict):
        return str(schema)
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "one of some"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(sorted({_kind(each) for each in schema[several]}))
    if schema.get("type") == "array":
        inner = schema.get("prefixItems")
        return f"list of {_kind(schema['items'])}" if inner is None else f"[{', '.join(map(_kind, inner))}]"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"table of {_kind(schema['additionalProperties'])}"
    kind = schema.get("type", "any")
    return kind if isinstance(kind, str) else " or ".join(kind)


def _files() -> Iterator[tuple[str, str]]:
    """Yield what may stand in the files that people write, and what the program finds again."""
    for file, kind in (("profile", profile.File), ("topology", topology.File)):
        schema = kind.model_json_schema()
        for name, held in {"": schema, **schema.get("$defs", {})}.items():
            for row, said in _fields(held, asked=True):
                yield f"{file}: {name}{row}", said
    schema = TypeAdapter(record.Record).json_schema(mode="serialization")
    for name, held in {"": schema, **schema["$defs"]}.items():
        for row, said in _fields(held):
            yield f"{codec.SCHEMA}: {name}{row}", said
    yield recorded.SCHEMA, "file"


def _verbs() -> dict[str, verb.Verb]:
    """Return each verb by its name, without the groups."""
    found: dict[str, verb.Verb] = {}
    waiting = [verb.verb(get_command(app), "hosttune")]
    while waiting:
        one = waiting.pop()
        waiting += one.verbs
        if not one.verbs or not one.words:
            found[one.words] = one
    return found


def _options() -> Iterator[tuple[str, str]]:
    """Yield the names of the options of each verb, and its arguments; texts and metavars are for people."""
    for name, one in sorted(_verbs().items()):
        yield name or "hosttune", "verb"
        for option in one.options:
            for spelled in option.names:
                said = "value" if option.metavar else "flag"
                yield f"{name or 'hosttune'}: {spelled}", said + (" (required)" if option.required else "")
        for number, argument in enumerate(one.arguments, 1):
            yield f"{name}: argument {number}", "value" + (" (required)" if argument.required else "")


def _library() -> Iterator[tuple[str, str]]:
    """Yield the public names: functions and options with their parameters, errors with what they derive from, nouns."""
    places = ((hosttune, "hosttune"), (api, "hosttune.api"))
    for package, place in places:
        for name in package.__all__:
            if package is api and name in hosttune.__all__:
                continue  # the same function under both
            if name.endswith("Error"):
                continue  # with all errors, below
            yield from _called(f"{place}.{name}", getattr(package, name))
    for name, kind in sorted(vars(errors).items()):
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == errors.__name__:
            yield f"hosttune.errors.{name}", ", ".join(base.__name__ for base in kind.__bases__)
    for name in model.__all__:
        noun = getattr(model, name)
        yield f"hosttune.model.{name}", "class" if inspect.isclass(noun) else "function"


def _called(name: str, thing: Any) -> Iterator[tuple[str, str]]:
    """Yield the signature of a function or class: one row a parameter, with its place where it has one."""
    signature = inspect.signature(thing)
    returned = signature.return_annotation
    yield name, "class" if inspect.isclass(thing) else f"returns {_annotated(returned)}"
    for place, given in enumerate(signature.parameters.values(), 1):
        where = "" if given.kind is given.KEYWORD_ONLY else f" {place}."
        default = given.default
        if default is given.empty:
            optional = "" if given.kind in (given.VAR_POSITIONAL, given.VAR_KEYWORD) else " (required)"
        elif dataclasses.is_dataclass(default):
            optional = f" = {type(default).__name__}()"
        else:
            optional = f" = {default!r}"
        yield f"{name}:{where} {given.name}", _annotated(given.annotation) + optional


def _annotated(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _metrics() -> Iterator[tuple[str, str]]:
    """Yield each metric with the names of its labels, from a check and a watch that have all of them."""
    found: dict[str, set[str]] = {}
    for text in (prometheus.render(_checked()), look.render(_watched()), whole.render(nodes.node())):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).add(",".join(sorted(sample.labels)))
    for name, labels in sorted(found.items()):
        yield name, " or ".join(f"{{{each}}}" for each in sorted(labels))


def _checked() -> Report:
    """Return a report of which every metric of `check` has a sample."""
    many = exposition.MOST + 1
    ends = {"established": 20, "time_wait": 5, "other": 0, "free": 50, "free_most": 50}
    pools = [
        PortPool(
            "10.0.0.9", Backend("10.0.0.11", port), model.BindMode.NO_PORT, 1024, 1123, 100, 0, 0, 100, **ends, knee=50
        )
        for port in range(1, many + 1)
    ]
    ports = [
        Bound("ports", "ports", 100, 50, 7, scope=model.Scope.BACKEND, of=f"10.0.0.11:{port}")
        for port in range(1, many + 1)
    ]
    rate = Bound("churn", "TIME_WAIT", 470, used=0, unit="connections/s")
    unknown = Bound("conntrack", "conntrack", Unknown(Reason.INVISIBLE))
    found = (finding("a", Verdict.FAIL), finding("b", Verdict.DRIFT, Severity.WARNING))
    return report(found, (*ports, rate, unknown), pools=tuple(pools), taken=1795609287.5)


def _watched() -> View:
    """Return a look of which every metric of `watch` has a sample."""
    uses = (
        Use("ports", "ports", 25, 100, "ports", "", 50, "connect", ("10.0.0.9", "10.0.0.11:1883")),
        Use("accept-queue", "accept queue", 3, 129, "connections", "", 64, of=("[::]:1883",)),
    )
    return View(MACHINE, Tick(1795609287.5, 10.0, {}, uses), 1.0, {}, tuple(map(Trend, uses)), drops=2.0, ghosts=1.0)


def documented(page: str) -> set[str]:
    """Return the metrics that the table of a page names, with what stands in braces within a name spelled out."""
    names: set[str] = set()
    for cell in re.findall(r"^\| (`hosttune_[^|]+) \|", page, re.M):
        for name in re.findall(r"`([a-z_{},]+)`", re.sub(r"\{[a-z_,]+\}`", "`", cell)):
            first, _, rest = name.partition("{")
            inner, _, last = rest.partition("}")
            names |= {f"{first}{each}{last}" for each in inner.split(",")}
    return names
