"""Commands in what is shown to a person: spelled for the reader, never broken, and plain where they are for others."""

from __future__ import annotations

import shlex

import pytest

from hosttune.model.document import Block, Commands, Document, Lines, Paragraph
from hosttune.render import commands, lines
from hosttune.render.figures import fold
from hosttune.render.page import Page
from hosttune.spelling import PLAIN, Spelling

ROOT = Spelling("/opt/v/bin/hosttune", "/opt/v/bin/hosttune", "")
USER = Spelling("hosttune", "/opt/v/bin/hosttune")
ALONE = Spelling("hosttune", "hosttune", "", alone=True)
RECORDED = Spelling("/opt/v/bin/hosttune", "/opt/v/bin/hosttune", "", recorded=True)


@pytest.mark.parametrize(
    ("spelling", "plain", "shown"),
    [
        (PLAIN, "sudo hosttune apply --role lb", "sudo hosttune apply --role lb"),
        (ROOT, "sudo hosttune apply --role lb", "/opt/v/bin/hosttune apply --role lb"),
        (ROOT, "`hosttune history` lists them", "`/opt/v/bin/hosttune history` lists them"),
        (ROOT, "sudo nsenter -t 7 -n sysctl -w a=1", "nsenter -t 7 -n sysctl -w a=1"),
        (USER, "undo: sudo hosttune rollback 3", "undo: sudo /opt/v/bin/hosttune rollback 3"),
        (USER, "hosttune check -v", "hosttune check -v"),
        (ALONE, "`sudo hosttune confirm 3` keeps it", "`hosttune confirm 3` as root keeps it"),
        (ALONE, "sudo hosttune rollback 3", "hosttune rollback 3  # as root"),
        (ALONE, "hosttune check", "hosttune check"),
        (RECORDED, "hosttune explain fs.nr_open", "/opt/v/bin/hosttune explain fs.nr_open"),
        (RECORDED, "sudo hosttune apply --role lb", "sudo hosttune apply --role lb"),
        # no commands: a file, the name in a sentence, a person
        (ROOT, "/var/lib/hosttune apply", "/var/lib/hosttune apply"),
        (ROOT, "hosttune: refused, nothing was changed", "hosttune: refused, nothing was changed"),
        (ROOT, "by root, by sudo of bob", "by root, by sudo of bob"),
        (ROOT, "--profile=hosttune check-list", "--profile=hosttune check-list"),
    ],
)
def test_a_command_is_spelled_for_its_reader(spelling: Spelling, plain: str, shown: str) -> None:
    assert spelling.of(plain) == shown


def test_a_command_for_another_machine_stays_plain() -> None:
    given = "set there; on the host:\n  hosttune check\noutside of this namespace:\n  hosttune check"
    assert ROOT.of(given).count("/opt/v/bin/hosttune check") == 1
    assert "on the host:\n  hosttune check\n" in ROOT.of(given)


def test_a_document_is_spelled_but_for_what_is_literal() -> None:
    made: tuple[Block, ...] = (
        Lines(("+# `hosttune history` says when",), diff=True),
        Paragraph("look at `hosttune history`"),
        Commands("fix", ("sudo hosttune apply",), elsewhere=True),
        Commands("why", ("hosttune explain nofile",)),
    )
    literal, paragraph, elsewhere, why = commands.spelled(Document("", (), made), ROOT).blocks
    assert literal == made[0]
    assert isinstance(paragraph, Paragraph) and paragraph.text == "look at `/opt/v/bin/hosttune history`"
    assert isinstance(elsewhere, Commands) and elsewhere.lines == ("  sudo hosttune apply",)
    assert isinstance(why, Commands) and why.lines == ("  /opt/v/bin/hosttune explain nofile",)


def test_a_command_is_never_broken() -> None:
    long = f"sudo hosttune apply --role lb {' '.join(f'--except net.ipv4.key{n}' for n in range(6))}"
    document = commands.spelled(Document("", (), (Commands("fix", (long,)),)), PLAIN)
    shown = [line.text for line in lines.walk(document, Page(width=80))][1:]
    assert shlex.split("\n".join(shown).replace("\\\n", "")) == ["fix:", *shlex.split(long)]
    assert all(len(line) <= 80 for line in shown) and all(line.endswith(" \\") for line in shown[:-1])
    assert any(
        "`hosttune diagnose --for 10s`" in line
        for line in fold(f"{'word ' * 12}`hosttune diagnose --for 10s` x", 72, "  ")
    )
