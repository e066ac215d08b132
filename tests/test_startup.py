"""Heavy libraries are imported in the leaves that need them, never by the command line itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.changes import tree

HEAVY = ("pyroute2", "pydantic", "psutil", "rich", "jsonschema", "crossplane")


def imported(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(out.stdout.splitlines()[-1]))


def test_the_command_line_imports_nothing_heavy() -> None:
    assert not imported("import hosttune.cli") & set(HEAVY)


@pytest.mark.parametrize(
    "module",
    [
        f"hosttune.commands.{verb}"
        for verb in ("check", "resolve", "prove", "watch", "report", "sources_plan", "sources_change")
    ],
)
def test_a_verb_imports_its_leaves_late(module: str) -> None:
    assert not imported(f"import {module}") & set(HEAVY)


def test_a_journal_without_records_is_read_without_a_schema(tmp_path: Path) -> None:
    read = f"journal.read(LiveHost({str(tree.image(tmp_path))!r}))"
    assert not imported(f"from hosttune.changes import journal\nfrom hosttune.host.live import LiveHost\n{read}") & set(
        HEAVY
    )
