"""What a command line names is taken apart by the shelf of its program, and by nobody where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.programs import command_line
from hosttune.programs.command_line import Arguments
from tests.plugged import plugged

SHELF = """
from hosttune.programs.command_line import Arguments


def command(argv):
    return Arguments(tuple(argv[2::2]), defaults=("/etc/relay.conf",))
"""


@pytest.mark.parametrize("program", ["relayd", "relayd.service", "relayd@2.service", "/usr/sbin/relayd", ""])
def test_the_shelf_of_the_program_takes_it_apart(program: str, tmp_path: Path) -> None:
    with plugged("hosttune.programs.shelves", "relayd", SHELF, tmp_path):
        given = command_line.given_by(program, ["/usr/sbin/relayd", "-f", "/a", "-f", "b"])
        assert given.paths == given.files == ("/a", "b")
        assert command_line.given_by(program, ["/usr/sbin/relayd"]).files == ("/etc/relay.conf",)


@pytest.mark.parametrize("argv", [[], ["/bin/sh", "-c", "haproxy -f x"], [""], ["/usr/bin/k6", "run", "k6.js"]])
def test_nothing_is_known_of_another(argv: list[str]) -> None:
    assert command_line.given_by("", argv) == Arguments()
