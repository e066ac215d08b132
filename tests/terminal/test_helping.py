"""Help as it stands on a terminal."""

from __future__ import annotations

import pytest

from hosttune.manual.verb import Parameter, Verb
from hosttune.terminal import helping
from tests import verbs
from tests.manual import tree

VERB = Verb(
    "hosttune rollback",
    "Undo it.\n\nAnd say what\nit was.",
    [Parameter((), "[ID]", "The apply.")],
    [
        Parameter(("-f", "--format"), "FORMAT", "table or json.", "table"),
        Parameter(("--dry-run",), "", "Show it."),
        Parameter(("--a-name-that-is-quite-long",), "VALUE", "Alone."),
    ],
)
TEXT = """\
Usage: hosttune rollback [OPTIONS] [ID]

Undo it.

And say what it was.

Examples:
  Show what undoing the last apply would
  change
    sudo hosttune rollback --dry-run
  Undo apply 3
    sudo hosttune rollback 3

Arguments:
  [ID]  The apply.

How to proceed:
      --dry-run  Show it.

Output:
  -f, --format FORMAT  table or json.
                       [default: table]
      --a-name-that-is-quite-long VALUE
                       Alone.

Exit codes:
  0    Done, or nothing to do.
  1    Something could not be undone,
       and is named.
  2    Wrong use; one line says what,
       and how to fix it.
  4    Changes would be made
       (--dry-run).
  5    Refused; nothing was changed.
  130  Ended by Ctrl-C; changes are
       undone.
"""


def test_the_help_of_a_verb() -> None:
    assert helping.text(VERB, 40) == TEXT


def test_headings_and_commands_stand_out() -> None:
    text = helping.text(VERB, 40, lambda text: f"<{text}>")
    assert "<Examples:>" in text and "    <sudo hosttune rollback 3>" in text and "<Exit codes:>" in text


@pytest.mark.parametrize("verb", list(tree.every()), ids=lambda verb: verb.page)
@pytest.mark.parametrize("width", [60, 80])
def test_nothing_but_a_command_is_wider_than_the_terminal(verb: Verb, width: int) -> None:
    lines = helping.text(verb, width).splitlines()
    assert not [line for line in lines if len(line) > width and not line.startswith("    ") and " " in line.strip()]
    assert "<bool>" not in "".join(lines)


@pytest.mark.parametrize("verb", list(tree.every()), ids=lambda verb: verb.page)
def test_a_verb_is_told_in_one_plain_line(verb: Verb) -> None:
    first = verb.paragraphs[0]
    assert len(first) <= 100 and not first.startswith("Say "), first


def test_the_program_alone_is_wrong_use_with_its_verbs() -> None:
    done = verbs.hosttune()
    assert done.returncode == 2 and done.stderr.startswith("hosttune: no verb is given")
    assert "  find out              check diagnose" in done.stdout and "  hosttune --help" in done.stdout


def test_a_group_alone_is_too() -> None:
    done = verbs.hosttune("sources")
    assert (
        done.returncode == 2 and "hosttune sources --help" in done.stderr and "Usage: hosttune sources" in done.stdout
    )


@pytest.mark.parametrize("words", [["check"], ["sources", "add"], []])
def test_help_is_a_verb_too(words: list[str]) -> None:
    asked, help = verbs.hosttune("help", *words), verbs.hosttune(*words, "--help")
    assert (asked.returncode, asked.stderr) == (0, "") and asked.stdout == help.stdout != ""


def test_help_for_no_verb_is_one_line() -> None:
    done = verbs.hosttune("help", "chekc")
    assert (done.returncode, done.stderr) == (2, "hosttune: No such command 'chekc'. Did you mean 'check'?\n")


def test_the_version_has_a_short_name() -> None:
    assert verbs.hosttune("-V").stdout == verbs.hosttune("--version").stdout != ""


def test_the_roles_are_named() -> None:
    text = " ".join(verbs.hosttune("check", "--help").stdout.split())
    assert "Role of this host: app, broker, client" in text
