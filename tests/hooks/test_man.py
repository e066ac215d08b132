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

from hosttune.cli import app
from hosttune.hooks import man, roff
from hosttune.manual import concepts, verb
from hosttune.manual.verb import Parameter, Verb
from hosttune.workflows import file_formats
from tests import needs
from tests.verbs import hosttune

TREE = verb.verb(typer.main.get_command(app), "hosttune")
FORMATS = [file_formats.profile(), file_formats.topology()]
PAGES = man.pages(TREE, "1.0", FORMATS, concepts.PAGE)

pytestmark = pytest.mark.slow  # the pages are read by mandoc and groff


def shown(page: str) -> str:
    """Return a page as a person reads it, with each run of blanks as one."""
    needs.need("mandoc")
    command = ["mandoc", "-T", "utf8", "-O", "width=1000"]
    text = subprocess.run(command, input=page, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    return " ".join(re.sub(".\b", "", text).split())


def verbs(top: Verb = TREE) -> Iterator[Verb]:
    yield top
    for each in top.verbs:
        yield from verbs(each)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the pages that the command writes."""
    folder = tmp_path_factory.mktemp("man")
    done = hosttune("hook", "man", str(folder))
    assert (done.returncode, done.stderr) == (0, ""), done
    assert {path.name for path in folder.iterdir()} == {"man1", "man5", "man7"}
    return sorted(folder.glob("*/*"))


def test_there_is_a_page_for_each_verb(written: list[Path]) -> None:
    assert sorted(path.name for path in written) == sorted(PAGES)
    assert all(path.parent.name == f"man{path.suffix[1:]}" for path in written)
    assert {"hosttune-profile.5", "hosttune-topology.5", "hosttune.7"} <= set(PAGES)
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


@pytest.mark.parametrize("told", list(verbs()), ids=lambda verb: verb.page)
@pytest.mark.slow
def test_a_page_has_what_the_help_has(told: Verb) -> None:
    page = shown(PAGES[f"{told.page}.1"])
    options = [name for option in told.options for name in option.names]
    assert "--help" in options and not [one for one in options if not re.search(rf"(?<![\w-]){one}(?![\w-])", page)]
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"):
        assert f" {section} " in page
    leaf = not told.verbs or told is TREE
    assert [name in page for name in (" EXIT STATUS ", " ENVIRONMENT ")] == [leaf, leaf]
    assert all(means in page for means in told.exits.values())


@pytest.mark.slow
def test_the_formats_and_concepts_are_told() -> None:
    profile, topology = shown(PAGES["hosttune-profile.5"]), shown(PAGES["hosttune-topology.5"])
    assert "connections Connections at the same time. Whole number, 1 to 1,000,000,000." in profile
    assert 'title = "Edge balancer with half a million clients"' in profile
    assert "hosts Number of hosts. Whole number, 0 to 65,536." in topology and "[tier.NAME]" in topology
    ideas = shown(PAGES["hosttune.7"])
    assert "28,232 ports" in ideas and "no-port It binds to a source address" in ideas


def test_a_page_in_full() -> None:
    one = Parameter(("-o", "--output"), "FILE", "Write it to FILE.", required=True)
    flag = Parameter(("--no-ask",), "", "Do not ask.", "--no-ask")
    name = Parameter((), "[NAME]", "")
    help = "Do it, as `x -y` does; see --output.\n\n.SH is not a request."
    told = Verb("hosttune history", help, [name], [one, flag])
    page = man.pages(Verb("hosttune", "All.", verbs=[told]), "1.0")["hosttune-history.1"]
    assert page.startswith(
        '.\\" made by hosttune hook man\n'
        '.TH HOSTTUNE\\-HISTORY 1 "" "hosttune 1.0" "hosttune"\n'
        ".SH NAME\n"
        "hosttune\\-history \\- do it, as \\(gax \\-y\\(ga does; see \\-\\-output\n"
        ".SH SYNOPSIS\n"
        "\\fBhosttune history\\fR \\fB\\-o\\fR \\fIFILE\\fR \\fI[OPTIONS]\\fR \\fI[NAME]\\fR\n"
        ".SH DESCRIPTION\n"
        "Do it, as \\fBx \\-y\\fR does; see \\fB\\-\\-output\\fR.\n.PP\n\\&.SH is not a request.\n"
        ".SH ARGUMENTS\n.TP\n\\fI[NAME]\\fR\n\\&\n"
        ".SH OPTIONS\n.TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIFILE\\fR\nWrite it to FILE.\n"
        ".TP\n\\fB\\-\\-no\\-ask\\fR\nDo not ask. Default: \\fB\\-\\-no\\-ask\\fR.\n"
        ".SH EXIT STATUS\n.TP\n\\fB0\\fR\nDone.\n"
    )
    assert page.endswith(
        ".SH EXAMPLES\nWhat was applied here, and which of it is in force?\n"
        ".PP\n.RS 4\n.nf\nsudo hosttune history\n.fi\n.RE\n"
        ".SH SEE ALSO\n.nh\n\\fBhosttune\\fR(1),\n"
        "\\fBhosttune\\-profile\\fR(5),\n\\fBhosttune\\-topology\\fR(5),\n\\fBhosttune\\fR(7)\n"
    )


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
    (tmp_path / "man5").mkdir()
    other = tmp_path / "man5/hosttune-profile.5"
    other.write_text(".TH MINE 5\n")
    done = hosttune("hook", "man", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "hosttune-profile.5" in done.stderr
    assert [path.name for path in tmp_path.rglob("*.[157]")] == ["hosttune-profile.5"]
    other.unlink()
    # the directory of the pages of commands stands for that of all
    assert hosttune("hook", "man", str(tmp_path / "man1")).returncode == 0
    assert hosttune("hook", "man", "-o", str(tmp_path)).returncode == 0
    assert len(list(tmp_path.rglob("*.[157]"))) == len(PAGES)
