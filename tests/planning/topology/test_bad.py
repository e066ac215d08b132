"""A topology that cannot be planned is one line: file, tier, key, what is wrong, how to fix it; never a traceback.

Each file of bad/ says in its first line what is said of it; DIR stands for its folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.errors import TopologyError, UsageError
from hosttune.model.capacity import BindMode
from hosttune.planning.topology import load, overrides, schema
from hosttune.resolve import toml_file

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))
GOOD = """
[topology]
name = "x"
connections = 1000
rate = 10

[tier.client]
hosts = 2
to = ["broker"]

[tier.broker]
hosts = 1
ports = [1883]
"""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_it_is_one_line_that_names_the_place(path: Path) -> None:
    says = path.read_text().partition("\n")[0].removeprefix("# says: ").replace("DIR", str(path.parent))
    with pytest.raises(TopologyError) as caught:
        load.load(str(path))
    assert str(caught.value) == f"{path}: {says}"
    assert caught.value.exit_code == 2


def test_the_file_that_is_fixed_loads(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(GOOD)
    assert [tier.name for tier in load.load(str(tmp_path / "x.toml")).tiers] == ["client", "broker"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[topology]\nname = \n", ":2:8: not TOML: Invalid value"),
        (b"[topology]\nname = '", ":2: not TOML"),
        (b"\xff", ": byte 0 is not UTF-8; save it as UTF-8 text"),
        (b"#" * (toml_file.LARGEST + 1), ": larger than 1 MiB, not a topology"),
        (b"a = " + b"[" * 5000, ":1: lists and tables in each other, more than 8 deep"),
        (b"a = " + b"9" * 5000, ":1: a word of 5,000 characters"),
    ],
    ids=["value", "end", "bytes", "size", "deep", "digits"],
)
def test_what_is_not_toml_says_where(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(TopologyError) as caught:
        load.load(str(path))
    assert str(caught.value).startswith(f"{path}{says}")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("whitepaper-2018", "'whitepaper-2018': no such topology or file; did you mean whitepaper-2019?"),
        ("absent.toml", "absent.toml: no such file; name a topology in TOML"),
        (str(Path(__file__).parent) + "/", f"{Path(__file__).parent}: a directory; name a topology in TOML"),
        ("", "'': no such topology"),
        ("a\nb", "'a\\nb': no such topology"),
        ("x" * 5000, "no such topology"),
    ],
    ids=["near", "file", "folder", "empty", "newline", "long"],
)
def test_a_name_that_is_none_is_wrong_use(name: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        load.load(name)
    assert says in str(caught.value) and "\n" not in str(caught.value)


ADDRESSES = st.sampled_from(
    ["10.0.0.1", "10.0.0.1-10.0.0.4", "10.0.1.0/30", "fd00::/126", "fd00::1", "::/0", "1.1.1.1-"]
)
PLAUSIBLE = {
    "name": st.just("x"),
    "title": st.text(max_size=5),
    "connections": st.integers(0, 12) | st.integers(0, 10**10),
    "rate": st.integers(0, 10**8),
    "headroom": st.floats(0, 1) | st.just("10%"),
    "below_knee": st.booleans(),
    "role": st.sampled_from(["client", "lb", "broker", "app", "clint"]),
    "to": st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 70)),
    "program": st.sampled_from(["", "haproxy", "own-1.0", "a;b"]),
    "bind_mode": st.sampled_from([str(mode) for mode in BindMode]),
    "addresses": st.lists(ADDRESSES, max_size=3),
    "source_addresses": st.lists(ADDRESSES, max_size=2),
    "interface": st.sampled_from(["ens5", "a b"]),
    "port_range": st.lists(st.integers(0, 70_000), min_size=2, max_size=2),
    "reserved_ports": st.text("0123456789,- ", max_size=12),
    "ports": st.lists(st.integers(0, 70_000), max_size=2),
    "conntrack": st.booleans(),
    "cloud": st.sampled_from(["", "aws", "moon"]),
    "reports": st.lists(st.text("./b\0\n", max_size=4) | st.just("x" * 300), max_size=2),
}
COUNT = st.integers(0, 12) | st.sampled_from(["?", "8 GiB", 2000])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["?", "8 GiB"])
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner))


def table(kind: str, **likely: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return tables of a kind that are likely to be right, with up to three keys changed to what could be meant."""
    one = st.one_of(*(st.tuples(st.just(key), PLAUSIBLE.get(key, COUNT)) for key in schema.KEYS[kind]))
    return st.lists(one, max_size=3).map(lambda changes: likely | dict(changes))


FILES = st.fixed_dictionaries(
    {
        "topology": table("topology", name="x", connections=9, rate=1),
        "tier": st.fixed_dictionaries(
            {"a": table("tier", role="client", hosts=2, to="b"), "b": table("tier", role="broker", hosts=2, ports=[1])},
            optional={"c": table("tier", role="lb", hosts=1, to="b")},
        ),
    },
    optional={"message": table("message")},
)
CHANGES = st.text(max_size=20) | st.sampled_from(["a.hosts=?", "rate=1,000", "b.to=c", "connections=1_000"])


def held(tables: dict[str, Any], changes: list[str]) -> None:
    """Load tables: they make a topology that can be planned, or one line."""
    try:
        made = load.of_tables(tables, Path("x.toml"), changes)
    except TopologyError as error:
        assert str(error).isprintable()
    else:
        assert made.first and all(tier.hosts or "hosts" in tier.open for tier in made.tiers)


@settings(max_examples=300)
@given(FILES, st.lists(CHANGES, max_size=1))
def test_what_could_be_meant_makes_a_topology_or_one_line(tables: dict[str, Any], changes: list[str]) -> None:
    held(tables, changes)


@given(FILES, st.sampled_from(["topology", "message", "tier", "a", "b"]), st.text(max_size=4), ANYTHING)
def test_anything_in_place_of_a_table_or_a_key_does_too(tables: dict[str, Any], place: str, key: str, it: Any) -> None:
    owner = tables["tier"] if place in ("a", "b") else tables
    held(tables | ({"tier": owner | {place: it}} if place in ("a", "b") else {place: it}), [])
    owner.setdefault(place, {})[key] = it
    held(tables, [])


@given(FILES, st.sampled_from(schema.KEYS["tier"]), ANYTHING)
def test_anything_as_a_value_does_too(tables: dict[str, Any], key: str, it: Any) -> None:
    tables["tier"]["b"][key] = it
    held(tables, [])


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_override_of_any_kind_is_taken_or_one_line(key: str, value: str) -> None:
    tables = {"topology": {}, "tier": {"lb": {"sources": 4}}}
    try:
        changed, _ = overrides.apply(tables, [f"{key}={value}", f"lb.title={value}", f"lb.memory={value}"], schema.KEYS)
    except TopologyError as error:
        assert str(error).isprintable()
    else:
        assert "memory" in changed["tier"]["lb"]
    assert tables == {"topology": {}, "tier": {"lb": {"sources": 4}}}
