"""The filter of all that is printed, and the streams that are the last net."""

from __future__ import annotations

import ast
import subprocess
import sys
import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune import printable
from hosttune.terminal.streams import Passing
from tests.hostile.text import EVIL, hold
from tests.vm.guest import REPO


@given(st.text())
def test_what_is_clean_has_no_category_of_those_that_give_orders(text: str) -> None:
    found = printable.clean(text)
    assert len(found) == len(text)
    assert not {unicodedata.category(c) for c in found} & {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
    assert printable.clean(found) == found


@pytest.mark.slow
def test_every_character_of_those_categories_is_left_out() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    left = [c for c in every if printable.shown(c)]
    assert not {unicodedata.category(c) for c in left} & {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
    unseen = "\u200b\u200d\u2060\u00ad\u180e\u034f\u115f\u3164\ufe0f\U000e0041\U000e01ef"
    for one in f"\u061c\ufeff\u202a\u202e\u2066\u2069{unseen}":
        assert not printable.shown(one), ascii(one)
    assert all(map(printable.shown, "aé漢🙂 ·→█\u00a0\u3000"))


@given(st.text())
def test_lines_keep_newlines_and_tabs_only(text: str) -> None:
    found = printable.lines(text)
    hold(found.replace("forged", ""))
    assert [c for c in found if c in "\n\t"] == [c for c in text if c in "\n\t"]


@dataclass(frozen=True, slots=True)
class Noun:
    name: str
    parts: tuple[str, ...]
    table: dict[str, frozenset[str]]
    inner: Noun | None = None


@given(st.text(), st.text())
def test_a_noun_is_clean_however_deep(one: str, other: str) -> None:
    noun = Noun(one, (one, other), {other: frozenset((one,))}, Noun(other, (), {}))
    found = printable.cleaned(noun)
    assert printable.clean(repr(found)) == repr(found)
    assert found.inner is not None and found.inner.name == printable.clean(other)
    if all(printable.clean(text) == text for text in (one, other)):
        assert found is noun


@pytest.mark.parametrize("text", ["a b", "it's", EVIL, "a\nb", "\x1b[2J'\\", "", "é\udcff\n"])
def test_a_word_of_a_command_is_that_word(text: str) -> None:
    """Pasted into bash it is what was meant, and on the screen it is nothing else."""
    word = printable.word(text)
    hold(word)
    assert "\n" not in word
    line = f"printf %s {word}".encode()
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert done.stdout == text.encode("utf-8", "surrogateescape")


NET = """
import sys
from hosttune.terminal import streams
streams.install()
text = {text!r}
for stream in (sys.stdout, sys.stderr):
    print(text, file=stream)
    stream.write(text + "\\n")
with streams.passing(streams.Passing.{which}):
    print(text)
"""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_the_streams_let_nothing_through(encoding: str) -> None:
    """Whatever a verb, a library or a traceback writes, in any encoding."""
    code = NET.format(text=EVIL.replace("\n", ""), which="TEXT")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONIOENCODING": encoding}, cwd=REPO
    )
    for text in (done.stdout, done.stderr):
        hold(text.decode(encoding))
        assert text.count(b"\n") in (2, 3)


def test_only_colours_pass_with_colours() -> None:
    text = "\x1b[1;31mred\x1b[0m\x1b[2J\x1b]0;title\x07\x1b[?1049h\x9b1m\x1b[8;1H"
    code = NET.format(text=text, which="COLOUR")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO)
    assert done.stdout.splitlines()[-1] == "\x1b[1;31mred\x1b[0m?[2J?]0;title??[?1049h?1m?[8;1H"
    assert Passing.SCREEN.value.count("h") == 1


BEHIND = {"buffer", "__stdout__", "__stderr__"}
_ALLOWED = {
    "terminal/streams.py",  # the net itself
    "workflows/real_tiers.py",
    "terminal/progress.py",  # drawn by a signal handler: its own sequences around text that is cleaned
    "hooks/pyz_start.py",  # runs before it is there, and has a filter of its own
}


@pytest.mark.slow
def test_nothing_writes_behind_the_net() -> None:
    """No module takes the bytes below the streams, opens a terminal, or writes to their numbers."""
    found = []
    for path in sorted((REPO / "hosttune").rglob("*.py")):
        name = str(path.relative_to(REPO / "hosttune"))
        if name in _ALLOWED or "_collection" in name:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in BEHIND and "std" in ast.unparse(node):
                found.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.write", "open", "os.open") and node.args:
                first = ast.unparse(node.args[0])
                if first in ("1", "2", "'/dev/tty'", "'/dev/stdout'", "'/dev/stderr'"):
                    found.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\x1b" in node.value:
                found.append(f"{name}:{node.lineno}: an escape sequence")
    # the styles of a text, and the bold of a help: the net lets these through, and no other
    ours = ("render/styles.py", "terminal/helping.py")
    assert all(f.startswith(ours) and f.endswith("an escape sequence") for f in found) and len(found) <= 4, found
