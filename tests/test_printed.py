"""Commands as printed: each that a verb prints is taken by the command line, and runs as it stands.

What only looks is run on the recording that it was printed of; what writes, with --dry-run. What cannot be run here
stands in NOT_RUN, each with its reason.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from hosttune.cli.application import app
from hosttune.render import binding
from hosttune.spelling import OF_ROOT, VERBS
from tests import verbs
from tests.diagnosis import pasted
from tests.fuzz import outcome
from tests.netns.sandbox import inside

ROOT = Path(__file__).resolve().parent.parent
STOCK = "tests/hosts/debian12-stock.json"
BACKEND = ("--backend", "10.0.0.9:1883", "--connections", "200000")
WIDE = "4000"

_COMMAND = re.compile(rf"(?<![\w./-])(?:sudo )?hosttune (?:{'|'.join(VERBS)})\b(?:[^`\n]*)")
_OPEN = re.compile(r"(?<![\w./=-])(?:ROLE|UNIT|PID|NAME|HOST|HOST:PORT|FILE|DIR|KEY|N)(?![\w./-])|\bDIR/")
"""Words that a person has to fill in."""

NOT_RUN = {
    "prove": "it makes namespaces and opens thousands of connections: tests/proofs runs it",
    "watch": "it runs until it is stopped: tests/commands/test_watch.py",
    "snapshot": "it records this machine, and is named without the file to write: tests/test_cli.py",
    "hook": "it builds an archive with pip, from an index: tests/hooks/test_pyz.py",
    "history": "the journal of this machine is root's: tests/changes",
    "rollback": "there is no apply here to undo: tests/changes runs what an apply prints",
    "confirm": "the same",
    "sources": "it asks the neighbours of this machine: tests/commands/test_sources_plan.py",
    "report": "it needs the record of a watch: tests/watching",
    "diff": "it needs a second host: tests/commands/test_diff.py",
}
"""Verbs that are parsed, and not run here, with the reason."""


def _screens() -> Iterator[tuple[str, ...]]:
    """Yield command lines of every verb that prints commands."""
    for path in sorted((ROOT / "tests/hosts").glob("*.json")):
        yield "check", "--role", "lb", "--snapshot", f"tests/hosts/{path.name}"
    for role in ("client", "broker"):
        yield "check", "--role", role, "--snapshot", STOCK, *BACKEND
    for host in ("debian12-service-1024", "debian12-container"):
        yield "capacity", "--role", "lb", "--snapshot", f"tests/hosts/{host}.json", *BACKEND
        for errno in ("EADDRNOTAVAIL", "EMFILE"):
            yield "diagnose", "--errno", errno, "--snapshot", f"tests/hosts/{host}.json", *BACKEND[:2]
    yield "diagnose", "--snapshot", STOCK, "-v"
    for path in sorted((ROOT / "profiles/topologies").glob("*.toml")):
        yield "plan", path.stem
    yield "plan", "whitepaper-2019", "--set", "target.connections=50000000"
    # refusals and hints
    yield "explain", "no.such.key"
    yield "rollback", "99999", "--yes"
    yield "confirm", "99999", "--yes"
    yield ("diff",)
    yield "report", "/etc/passwd"
    yield "check", "--role", "nope"
    yield "check", "--bogus"
    yield "check", "--snapshot", "/etc/passwd"
    yield "resolve", "--root", "/tmp", "--boot"
    yield "hook", "cloud-init", "--role", "lb"
    yield "apply", "--except", "no.such.key", "--role", "lb", "--dry-run"


@cache
def _printed(columns: str) -> dict[str, tuple[str, ...]]:
    """Return each command that the screens print, with the one that printed it first."""
    found: dict[str, tuple[str, ...]] = {}
    before, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), columns
    here = Path.cwd()
    os.chdir(ROOT)
    try:
        for args in _screens():
            answer = outcome.run(args)
            for command in _COMMAND.findall(re.sub(r" \\\n\s+", " ", answer.out + answer.err)):
                found.setdefault(command.strip(), args)
    finally:
        os.chdir(here)
        os.environ.pop("COLUMNS")
        os.environ.update({} if before is None else {"COLUMNS": before})
    return found


def _words(command: str) -> list[str]:
    words = shlex.split(command)
    return words[words[0] == "sudo" :]


def test_each_printed_command_is_taken_by_the_command_line() -> None:
    printed = _printed(WIDE)
    assert len(printed) > 12, "the screens print few commands: the pattern finds them no more"
    for command, by in printed.items():
        if _words(command)[1:] and not _OPEN.search(command) and "--help" not in command:
            words = _words(command)
            if words[1] == "profile" or words[1] in NOT_RUN:
                continue
            try:
                pasted._ours(command)
            except Exception as error:
                pytest.fail(f"{command!r}, printed by {' '.join(by)}: {error}")


def test_each_printed_command_runs() -> None:
    """De-duplicated by shape: the verb and the options that it has, but not their values."""
    shapes: dict[tuple[str, ...], str] = {}
    for command in _printed(WIDE):
        verb, *rest = _words(command)[1:]
        if verb not in NOT_RUN and not _OPEN.search(command):
            shapes.setdefault((verb, *(word for word in rest if word.startswith("-"))), command)
    assert {"check", "explain", "plan"} <= {shape[0] for shape in shapes}
    here = Path.cwd()
    os.chdir(ROOT)
    try:
        for command in shapes.values():
            verb, *rest = _words(command)[1:]
            if verb == "apply":
                continue  # below, in a namespace
            looks = ["--snapshot", STOCK] if verb in ("capacity", "check", "diagnose") else []
            more = [] if "--snapshot" in rest or "--help" in rest else looks
            answer = outcome.run([verb, *rest, *more])
            assert answer.past, f"{command}: {answer.err}"
    finally:
        os.chdir(here)


def test_no_command_is_broken_on_a_terminal_of_80_columns() -> None:
    wide, narrow = _printed(WIDE), _printed("80")
    # a bar's note may be cut; what is not there at all is not broken
    broken = [command for command in narrow if command not in wide]
    assert not broken


@pytest.mark.slow
def test_the_fix_of_a_check_is_taken_by_apply_in_a_network_namespace() -> None:
    assert inside("tests.test_printed", "fixed").strip() == "taken"


def fixed() -> None:
    """Check in here beside a listener in the range, and run each fix with --dry-run: none is refused."""
    with socket.create_server(("127.0.0.1", 20000)):
        done = verbs.hosttune(
            "check", "--role", "client", "--connections", "50000", env={**os.environ, "COLUMNS": WIDE}
        )
        fixes = [line for line in _COMMAND.findall(done.stdout) if " apply " in line]
        assert fixes and "--reserve-listeners" in fixes[0], done.stdout
        for command in fixes:
            ran = verbs.hosttune(*_words(command)[1:], "--dry-run")
            # changes are wanted, or there are none
            assert ran.returncode in (0, 4), f"{command}: {ran.returncode} {ran.stderr}"
    print("taken")


def test_the_verbs_that_are_spelled_are_those_of_the_command_line() -> None:
    import typer

    command = typer.main.get_command(app)
    assert set(VERBS) == set(command.commands)  # type: ignore[attr-defined]  # it is a group


def test_every_program_that_is_printed_with_sudo_is_known() -> None:
    texts = [path.read_text() for path in (ROOT / "hosttune").rglob("*.py")]
    found = {name for text in texts for name in re.findall(r"[\"`:] ?sudo (?!may )([a-z]+) [^o]", text)}
    assert found <= {*OF_ROOT, "hosttune"}


def test_what_binds_can_be_explained() -> None:
    for key in binding.KEYS.values():
        assert outcome.run(["explain", key]).code == 0, key
