"""Man pages as mandoc and groff read them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hosttune.cli import app
from hosttune.hooks import man, roff
from tests import needs
from tests.verbs import hosttune

TREE = man.verb(typer.main.get_command(app), "hosttune")
PAGES = man.pages(TREE, "1.0")

pytestmark = pytest.mark.slow  # the pages are read by mandoc and groff


def shown(page: str) -> str:
    """Return a page as a person reads it, with each run of blanks as one."""
    needs.need("mandoc")
    command = ["mandoc", "-T", "utf8", "-O", "width=1000"]
    text = subprocess.run(command, input=page, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    return " ".join(re.sub(".\b", "", text).split())


def verbs(verb: man.Verb = TREE) -> Iterator[man.Verb]:
    yield verb
    for one in verb.verbs:
        yield from verbs(one)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the pages that the command writes."""
    folder = tmp_path_factory.mktemp("man") / "man1"
    done = hosttune("hook", "man", "-o", str(folder))
    assert (done.returncode, done.stderr) == (0, ""), done
    return sorted(folder.iterdir())


def test_there_is_a_page_for_each_verb(written: list[Path]) -> None:
    assert sorted(path.name for path in written) == sorted(PAGES)
    assert {"hosttune.1", "hosttune-check.1", "hosttune-hook.1", "hosttune-hook-ansible.1"} <= set(PAGES)
    assert "hosttune-hook-complete.1" not in PAGES


@pytest.mark.slow
def test_mandoc_and_groff_have_nothing_to_say(written: list[Path]) -> None:
    needs.need("mandoc"), needs.need("groff")
    files = [str(path) for path in written]
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *files], capture_output=True, text=True).stdout
    # a date would be another in each build
    assert not [line for line in said.splitlines() if not line.endswith('WARNING: missing date, using "": TH')]
    for file in files:
        done = subprocess.run(["groff", "-man", "-ww", "-z", "-T", "utf8", file], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), file


@pytest.mark.parametrize("verb", list(verbs()), ids=lambda verb: verb.page)
@pytest.mark.slow
def test_a_page_has_what_the_help_has(verb: man.Verb) -> None:
    help = CliRunner(env={"COLUMNS": "300", "TERM": "dumb"}).invoke(app, [*verb.name.split()[1:], "--help"]).output
    page = shown(PAGES[f"{verb.page}.1"])
    options = set(re.findall(r"(?<=[ │])--?[a-z][a-z-]*(?=[ ,/])", help.partition("Options")[2]))
    assert options > {"--help"} and not [one for one in options if not re.search(rf"(?<![\w-]){one}(?![\w-])", page)]
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO"):
        assert f" {section} " in page
    assert ("EXIT STATUS" in page) == (not verb.verbs)


def test_a_page_in_full() -> None:
    one = man.Parameter(("-o", "--output"), "FILE", "Write it to FILE.", required=True)
    flag = man.Parameter(("--no-ask",), "", "Do not ask.", "--no-ask")
    name = man.Parameter((), "[NAME]", "")
    told = (
        "Do it, as `x -y` does; see --output.\n\n.SH is not a request.\nExit: 0 done, 2 wrong use, 4 --no-ask, 3 or 5."
    )
    verb = man.Verb("hosttune do", told, [name], [one, flag])
    assert man.pages(man.Verb("hosttune", "All.", verbs=[verb]), "1.0")["hosttune-do.1"] == (
        '.\\" made by hosttune hook man\n'
        '.TH HOSTTUNE\\-DO 1 "" "hosttune 1.0" "hosttune"\n'
        ".SH NAME\n"
        "hosttune\\-do \\- do it, as \\(gax \\-y\\(ga does; see \\-\\-output\n"
        ".SH SYNOPSIS\n"
        "\\fBhosttune do\\fR \\fB\\-o\\fR \\fIFILE\\fR \\fI[OPTIONS]\\fR \\fI[NAME]\\fR\n"
        ".SH DESCRIPTION\n"
        "Do it, as \\fBx \\-y\\fR does; see \\fB\\-\\-output\\fR.\n.PP\n\\&.SH is not a request.\n"
        ".SH ARGUMENTS\n.TP\n\\fI[NAME]\\fR\n\\&\n"
        ".SH OPTIONS\n.TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIFILE\\fR\nWrite it to FILE.\n"
        ".TP\n\\fB\\-\\-no\\-ask\\fR\nDo not ask. Default: \\fB\\-\\-no\\-ask\\fR.\n"
        ".SH EXIT STATUS\n.TP\n\\fB0\\fR\nDone.\n.TP\n\\fB2\\fR\nWrong use.\n"
        ".TP\n\\fB4\\fR\n\\fB\\-\\-no\\-ask\\fR, 3 or 5.\n.TP\n\\fB130\\fR\nIt was interrupted.\n"
        ".SH SEE ALSO\n.nh\n\\fBhosttune\\fR(1)\n"
    )


@pytest.mark.slow
def test_exit_codes_are_those_of_the_help() -> None:
    check = shown(PAGES["hosttune-check.1"]).partition("EXIT STATUS")[2]
    assert "0 All hold. 1 A finding at or above --fail-on. 2 Wrong use or profile. 3 Could not examine" in check
    assert "with --format nagios 0, 1, 2, 3 as a plugin has them." in check
    assert "As hosttune sources add." in shown(PAGES["hosttune-sources-remove.1"])


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("C", "Z", "M")) | st.sampled_from(" .'\\\"-`"), max_size=40
    )
)
@settings(max_examples=50, deadline=None)
@pytest.mark.slow
def test_any_text_is_printed_as_it_stands(text: str) -> None:
    head = '.TH X 1 "" ""\n.SH DESCRIPTION\n'
    for source in (f"{roff.escaped(text)}end", f".TP\n{roff.bold(text)}\nend"):
        body = shown(f"{head}{source}\n").partition("DESCRIPTION ")[2]
        assert body.partition("end")[0].split() == text.split()


def test_the_page_of_another_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "hosttune.1").write_text(".TH MINE 1\n")
    done = hosttune("hook", "man", "-o", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "hosttune.1" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["hosttune.1"]
    (tmp_path / "hosttune.1").unlink()
    assert hosttune("hook", "man", "-o", str(tmp_path)).returncode == 0
    assert hosttune("hook", "man", "-o", str(tmp_path)).returncode == 0
