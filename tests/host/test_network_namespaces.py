"""The network namespaces of a host are found in the mounts too, whatever a path is called there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hosttune.host.probes import network_namespaces

# proc_pid_mountinfo(5): blank, tab, newline and backslash are octal numbers in a path
_ESCAPED = {letter: f"\\{ord(letter):03o}" for letter in " \t\n\\"}
_PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


def row(inode: int, path: str, kind: str = "net", type: str = "nsfs") -> str:
    place = "".join(_ESCAPED.get(letter, letter) for letter in f"/{path}")
    return f"101 99 0:4 {kind}:[{inode}] {place} rw shared:5 - {type} nsfs rw"


@given(st.lists(st.tuples(st.integers(1, 10**12 - 1), _PATHS), max_size=5))
def test_each_mount_is_found_by_its_path(mounts: list[tuple[int, str]]) -> None:
    text = "\n".join(row(*mount) for mount in mounts)
    assert list(network_namespaces.mounted(text)) == [(inode, f"/{path}") for inode, path in mounts]


def test_others_are_none() -> None:
    text = "\n".join([row(7, "a", kind="mnt"), row(7, "b", type="tmpfs"), "1 2 0:4 net:[7]", row(7, "c")])
    assert list(network_namespaces.mounted(text)) == [(7, "/c")]


@given(st.text(st.sampled_from("net:[]0123456789 /\\-nsf\n\x1b") | st.characters(), max_size=200))
def test_no_text_stops_it(text: str) -> None:
    assert all(inode >= 0 and path for inode, path in network_namespaces.mounted(text))


def test_this_host_has_its_own_first() -> None:
    answer = network_namespaces.run()
    assert answer["rows"][0]["own"] and not any(each["own"] for each in answer["rows"][1:])
