"""Heavy libraries are imported in the leaves that need them; a start that answers nothing of a host knows no nouns."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import hosttune.commands
from tests.bench import startup
from tests.changes import tree

HEAVY = {"pyroute2", "pydantic", "psutil", "rich", "jsonschema", "crossplane"}


def imported(code: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(out.stdout.splitlines()[-1]))


def run(*words: str) -> set[str]:
    """Return the modules that hosttune holds when a verb has ended."""
    return imported(f"from hosttune import cli\ntry:\n    cli.main({list(words)})\nexcept SystemExit:\n    pass")


def test_a_journal_without_records_is_read_without_a_schema(tmp_path: Path) -> None:
    read = f"journal.read(LiveHost({str(tree.image(tmp_path))!r}))"
    imports = "from hosttune.changes import journal\nfrom hosttune.host.live import LiveHost"
    assert not imported(f"{imports}\n{read}") & HEAVY


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_no_noun_is_imported_to_say_what_hosttune_is(word: str) -> None:
    found = run(word)
    assert not {name for name in found if name.startswith(("hosttune.model", "hosttune.host", "hosttune.facts"))}
    assert not found & (HEAVY - {"rich"})  # typer draws its help with it


def test_a_library_that_is_imported_costs_nothing_before_it_is_asked() -> None:
    assert not {name for name in imported("import hosttune") if name.startswith("hosttune.")}


@pytest.mark.parametrize("more", [[], ["--backend", "192.0.2.1:80"]], ids=["alone", "a backend"])
def test_a_check_imports_nothing_heavy(more: list[str]) -> None:
    assert not run("check", "--role", "lb", *more) & HEAVY


def test_a_check_waits_for_no_other_program_and_for_no_other_verb() -> None:
    found = run("check", "--role", "lb")
    assert "hosttune.workflows.finding" in found
    assert not found & {"yaml", "xml.etree.ElementTree", "xml.parsers.expat", "secrets"}
    shelves = "hosttune.programs.shelves."
    assert not {name for name in found if name.startswith(shelves) and name.endswith(".writing")}
    # that of the role's unit is read where it does not run; Envoy and Tsung have no unit here
    assert not {name for name in found if name.startswith((f"{shelves}envoy.", f"{shelves}tsung."))}
    nouns = ("diagnosis", "explanation", "fleet", "proofs", "resolution", "sources", "topology", "watching")
    assert not found & {f"hosttune.model.{noun}" for noun in nouns}


def test_verbs_import_their_leaves_late() -> None:
    names = [f"hosttune.commands.{module.name}" for module in pkgutil.iter_modules(hosttune.commands.__path__)]
    assert not imported(f"import {', '.join(names)}") & HEAVY


def test_the_benchmark_fails_where_a_command_does() -> None:
    wrong = startup.Case("wrong", (sys.executable, "-c", "raise SystemExit('no module named hosttune')"))
    with pytest.raises(RuntimeError, match="exit status 1: no module named hosttune"):
        startup.measure([wrong], 1)
    fine = startup.Case("fine", (sys.executable, "-c", "raise SystemExit(3)"), fine=(3,))
    assert startup.measure([fine], 1)[0] > 0
