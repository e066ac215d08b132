"""Whether there is colour, and that only our own passes: what a host says never styles or steers a terminal."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from hosttune.cli import main
from hosttune.errors import UsageError
from hosttune.render import styles
from hosttune.terminal import colour

HOST = Path(__file__).parents[1] / "hosts/debian12-drift.json"
SGR = re.compile(styles.SEQUENCES)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("when", "env", "pipe", "terminal"),
    [
        ("auto", {}, False, True),
        ("auto", {"TERM": "dumb"}, False, False),
        ("auto", {"NO_COLOR": "1"}, False, False),
        ("auto", {"NO_COLOR": ""}, False, True),
        ("auto", {"FORCE_COLOR": "1"}, True, True),
        ("auto", {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ("auto", {"FORCE_COLOR": "0"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ("always", {"NO_COLOR": "1"}, True, True),
        ("never", {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_there_is_colour(
    when: str, env: dict[str, str], pipe: bool, terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    colour.choose(when)
    try:
        assert (colour.wanted(io.StringIO()), colour.wanted(Terminal())) == (pipe, terminal)
    finally:
        colour.choose("auto")


def test_another_word_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="--color blue: unknown; choose auto, always or never"):
        colour.choose("blue")


def said(words: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main(words)
    return capfd.readouterr().out


def test_the_option_stands_before_or_after_the_verb(capfd: pytest.CaptureFixture[str]) -> None:
    verb = ["check", "--role", "lb", "--snapshot", str(HOST)]
    plain = said([*verb, "--color", "never"], capfd)
    before, after = said(["--color", "always", *verb], capfd), said([*verb, "--color=always"], capfd)
    assert "\x1b" not in plain and "\x1b[1;31m" in before
    assert before == after and SGR.sub("", before) == plain
    assert said(verb, capfd) == plain, "a run does not decide for the next one"


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b31m\r"


def poisoned(value: object) -> object:
    """Return a recording in which each text of a file has what a terminal would obey at its end."""
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return f"{value}{HOSTILE}" if isinstance(value, str) and ("." in value or " " in value) else value


@pytest.mark.parametrize(
    "verb", ["check", "capacity", "diagnose", "resolve", "apply --role lb --dry-run --persist-only"]
)
def test_only_our_own_styles_come_out_of_a_hostile_recording(
    verb: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recording = json.loads(HOST.read_text())
    name = next(path for path in recording["reads"] if "sysctl" in path and path.endswith(".conf"))
    recording["reads"] = {
        path: {key: poisoned(text) for key, text in answer.items()} if path in (name, "/etc/os-release") else answer
        for path, answer in recording["reads"].items()
    }
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps(recording))
    with pytest.raises(SystemExit):
        main([*verb.split(), "--snapshot", str(file), "--color", "always"])
    out, err = capfd.readouterr()
    assert len(out) > 200, err
    for text in (out, err):
        left = SGR.sub("", text)
        assert not [letter for letter in left if not (letter.isprintable() or letter in "\n\t")], repr(left)


def test_no_meaning_is_in_the_colour_alone() -> None:
    for role, style in styles.STYLES.items():
        assert styles.paint("word", role) == f"\x1b[{style}m" + "word" + "\x1b[0m"
        assert SGR.sub("", styles.paint("word", role)) == "word"
