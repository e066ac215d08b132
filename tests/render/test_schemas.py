"""The JSON schemas: four validators take each, which share no code, and it has a name that nobody fetches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import jschon
import jsonschema
import jsonschema_rs
import pytest

from hosttune.render import schemas
from tests import verbs
from tests.vm.guest import REPO

# of a library below jschon
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rfc3986")

SCHEMAS = {path.name.removesuffix(".schema.json"): path for path in (REPO / "hosttune").rglob("*.schema.json")}
jschon.create_catalog("2020-12")


def _jsonschema(schema: Any) -> Callable[[Any], bool]:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid  # type: ignore[no-any-return]


def _fast(schema: Any) -> Callable[[Any], bool]:
    check = fastjsonschema.compile(schema)

    def valid(document: Any) -> bool:
        try:
            check(document)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    return valid


def _jschon(schema: Any) -> Callable[[Any], bool]:
    made = jschon.JSONSchema(schema)
    assert made.validate().valid
    return lambda document: bool(made.evaluate(jschon.JSON(document)).valid)


COMPILERS: dict[str, Callable[[Any], Callable[[Any], bool]]] = {
    "jsonschema": _jsonschema,
    "fastjsonschema": _fast,
    "jsonschema-rs": lambda schema: jsonschema_rs.validator_for(schema).is_valid,
    "jschon": _jschon,
}


def load(path: Path) -> Any:
    # anew for each: fastjsonschema rewrites what it is given
    return json.loads(path.read_text(encoding="utf-8"))


def test_there_are_all_of_them() -> None:
    assert len(SCHEMAS) >= 12


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_it_is_called_by_a_name_of_ours(name: str) -> None:
    """A relative one becomes the base of every $ref in it, and a validator may go and fetch that."""
    schema = load(SCHEMAS[name])
    assert schema["$id"] == f"urn:hosttune:{name}:{2 if name == 'diagnosis' else 1}"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", sorted(schemas.nouns()))
def test_it_is_what_the_types_make_it(name: str) -> None:
    written = schemas.path_of(name).read_text(encoding="utf-8")
    assert written == schemas.text_of(name), "run `python -m hosttune.render.schemas`, and look at what changes"


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_it_compiles(name: str, compiler: str) -> None:
    valid = COMPILERS[compiler](load(SCHEMAS[name]))
    assert not valid({"schema": "another"}) and not valid([])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("report", ("check", "--role", "lb")),
        ("report", ("capacity", "--role", "client", "--connections", "1000")),
        ("diagnosis", ("diagnose",)),
    ],
)
def test_what_is_printed_is_valid_in_all_four(name: str, words: tuple[str, ...]) -> None:
    done = verbs.hosttune(*words, "--format", "json", "--snapshot", str(REPO / "tests/hosts/debian12-stock.json"))
    document = json.loads(done.stdout)
    for compiler, compile_ in COMPILERS.items():
        assert compile_(load(SCHEMAS[name]))(document), compiler
