"""A wrong profile is one line: file, table, key, what is wrong. Nothing else ever comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import HosttuneError, ProfileError, UsageError
from hosttune.profile import load
from hosttune.resolve import toml_file

HEAD = '[profile]\nname = "x"\ntitle = "x"\n'
ROW = '[[require]]\nsubject = "sysctl:a.b"\nwhy = "w"\nsource = "s"\n'

CASES = {
    "not TOML": ("= 1", ":1:1: not TOML"),
    "no profile table": ("", "no [profile] table; begin with [profile]"),
    "unknown table": (HEAD + "[other]\n", "other: no such key"),
    "unknown key": (
        HEAD + ROW + 'operator = "equals"\nvalue = 1\nvalu = 2\n',
        "require 1 (sysctl:a.b): valu: no such key",
    ),
    "wrong type": (HEAD + ROW + 'operator = "equals"\nvalue = 1.5\n', "require 1 (sysctl:a.b): value"),
    "unknown operator": (
        HEAD + ROW + 'operator = "above"\nvalue = 1\n',
        "operator: 'above' is not known; there are 'equals'",
    ),
    "unknown function": (HEAD + ROW + 'operator = "equals"\ndemand = "f"\n', "unknown function"),
    "no value": (HEAD + ROW + 'operator = "equals"\n', "takes one of value, values and demand"),
    "empty range": (HEAD + ROW + 'operator = "covers"\nvalue = []\n', "covers takes value = [low, high]"),
    "reversed range": (HEAD + ROW + 'operator = "covers"\nvalue = [9, 1]\n', "covers takes value = [low, high]"),
    "a figure without a reason": (
        HEAD + "[workload]\napplication_memory = 33000\n",
        "workload: application_memory has no reason",
    ),
    "a reason of no figure": (HEAD + '[workload]\n[workload.why]\nhols = "x"\n', "hols is no key of workload"),
    "backend without a port": (HEAD + '[workload]\nbackends = ["10.0.0.1"]\n', "names no port; write ADDRESS:PORT"),
    "backend by name": (HEAD + '[workload]\nbackends = ["broker:1883"]\n', "'broker' is no address"),
    "backend at no port": (HEAD + '[workload]\nbackends = ["10.0.0.1:70000"]\n', "'70000' is no port"),
    "backend without brackets": (HEAD + '[workload]\nbackends = ["fd00::1:80"]\n', "names no port"),
    "source by name": (HEAD + '[workload]\nsources = ["eth0"]\n', "'eth0' is no address"),
    "all sources and one": (HEAD + '[workload]\nsources = ["all", "10.0.0.1"]\n', "all already names every address"),
    "range backwards": (HEAD + "[workload]\nbind_range = [9, 1]\n", "bind_range ends before it begins"),
    "pipes below none": (HEAD + "[workload]\npipes_per_connection = -1\n", "workload: pipes_per_connection"),
    "dots": (HEAD + ROW.replace("a.b", "a/../b"), "not a subject"),
    "newline": (HEAD + ROW.replace("a.b", "a.b\\nc"), "not a subject"),
    "absolute": (HEAD + ROW.replace("a.b", "/etc/passwd"), "not a subject"),
    "newline in a sentence": (HEAD + ROW.replace('"w"', '"w\\nv"') + 'operator = "equals"\nvalue = 1\n', "why"),
    "circle": (HEAD.replace("title", 'extends = ["x"]\ntitle'), "extends"),
    "unknown base": (HEAD.replace("title", 'extends = ["bas"]\ntitle'), "no such profile"),
    "not UTF-8": (b"\xff", "not UTF-8"),
    "deep": ("a = " + "[" * 5000, "x.toml"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_one_line_that_names_the_place(tmp_path: Path, name: str) -> None:
    text, says = CASES[name]
    path = tmp_path / "x.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(HosttuneError) as caught:
        load.load_file(path, [tmp_path])
    said = str(caught.value)
    assert says in said and "x.toml" in said and "\n" not in said
    assert caught.value.exit_code == 2


def test_an_unknown_role_suggests_one() -> None:
    with pytest.raises(UsageError, match="did you mean broker"):
        load.load("brokr")


@pytest.mark.parametrize("name", ["../lb", "/etc/passwd", "", "a\nb"])
def test_a_role_is_a_name_not_a_path(name: str) -> None:
    with pytest.raises(UsageError):
        load.load(name)


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"#" * (toml_file.LARGEST + 1))
    with pytest.raises(ProfileError, match="larger"):
        load.load_file(path)


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda t: (HEAD + t).encode("utf-8", "surrogatepass")))
def test_nothing_else_comes_out(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    path = tmp_path_factory.mktemp("p") / "x.toml"
    path.write_bytes(text)
    try:
        load.load_file(path)
    except HosttuneError as error:
        assert "\n" not in str(error)
