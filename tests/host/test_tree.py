"""Paths are walked on descriptors: with openat2 and without it they come to the same, and never leave the root."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import RefusedError
from hosttune.host import tree
from hosttune.host.tree import Tree

BOTH = pytest.mark.parametrize("openat2", [True, False], ids=["openat2", "walk"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root with links of all kinds, and what must not be reached beside it."""
    made = tmp_path_factory.mktemp("tree")
    (made / "secret").write_text("outside")
    top = made / "root"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/file").write_text("inside")
    (top / "proc/1").mkdir(parents=True)
    (top / "proc/1/file").write_text("kernel")
    for name, target in {
        "up": "../../..", "abs": "/a/b", "loop": "loop", "self": ".", "a/rel": "b/../b/file", "out": "../secret",
        "kernel": "/proc/1", "a/kernel": "../proc/1/file", "gone": "nowhere", "long": "a/b/../../" * 300 + "a/b/file",
    }.items():  # fmt: skip
        (top / name).symlink_to(target)
    return top


@pytest.fixture(autouse=True)
def no_descriptor_is_left() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before


def got(top: Path, openat2: bool, path: str, flags: int = os.O_RDONLY) -> str:
    """Return the path of what was opened, or the error."""
    looked = Tree(str(top), image=True, openat2=openat2)
    try:
        fd = looked.open(path, flags)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    try:
        return os.readlink(f"/proc/self/fd/{fd}").removeprefix(str(top)) or "/"
    finally:
        os.close(fd)


@BOTH
@pytest.mark.parametrize(
    ("path", "found"),
    {
        "/a/b/file": "/a/b/file", "a//b/./file": "/a/b/file", "/a/rel": "/a/b/file", "/abs/file": "/a/b/file",
        "/": "/", "/..": "/", "/up": "/", "/up/up/a": "/a", "/a/../..": "/", "/self/self/a": "/a",
        "/long": "/a/b/file", "/loop": "ELOOP", "/loop/x": "ELOOP", "/out": "ENOENT", "/gone": "ENOENT",
        "/kernel/file": "ENOENT", "/a/kernel": "ENOENT", "/proc": "ENOENT", "/proc/1/file": "ENOENT",
        "/up/proc/1/file": "ENOENT", "/a/../proc/1/file": "ENOENT", "/a/b/file/": "/a/b/file",
        "/a/b/file/x": "ENOTDIR", "/a/b/file/../file": "ENOTDIR", "/" + "x" * 256: "ENAMETOOLONG", "/\0": "ENOENT",
    }.items(),
)  # fmt: skip
def test_where_a_path_leads(root: Path, openat2: bool, path: str, found: str) -> None:
    assert got(root, openat2, path) == found


@BOTH
def test_a_link_is_opened_as_one_where_it_is_asked_for(root: Path, openat2: bool) -> None:
    flags = os.O_PATH | os.O_NOFOLLOW
    assert got(root, openat2, "/gone", flags) == "/gone"
    assert got(root, openat2, "/self/loop", flags) == "/loop"
    assert got(root, openat2, "/loop", os.O_RDONLY | os.O_NOFOLLOW) == "ELOOP"


@given(st.lists(st.sampled_from(["a", "b", "file", "up", "abs", "self", "rel", "out", "..", ".", "", "proc", "gone"])))
def test_both_ways_come_to_the_same_within_the_root(root: Path, parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    one, other = got(root, True, path), got(root, False, path)
    assert one == other
    assert one.startswith(("/", "E")) and not one.startswith(str(root.parent))
    if one.startswith("/"):
        assert one == "/" or (root / one[1:]).exists()


@given(st.text(max_size=40))
def test_no_path_leaves_the_root(root: Path, path: str) -> None:
    assert got(root, True, path) == got(root, False, path)


@BOTH
def test_an_entry_is_a_name_in_its_directory_not_followed(root: Path, openat2: bool) -> None:
    looked = Tree(str(root), image=True, openat2=openat2)
    with looked.entry("/abs/gone-too") as at:
        assert (os.readlink(f"/proc/self/fd/{at.directory}"), at.name) == (f"{root}/a/b", "gone-too")
        assert tree.stat_of(at) is None
    with looked.entry("/loop") as at:
        assert tree.stat_of(at) is not None
    for path in ("/", "", "/..", "/a/..", "/a/."):
        with pytest.raises(OSError, match="Invalid"), looked.entry(path):
            pass
    for path in ("/proc", "/proc/x", "/loop/x", "/gone/x"):
        with pytest.raises(OSError), looked.entry(path):
            pass


def test_links_that_lead_through_many_others_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_STEPS_ALL", 2000)
    (tmp_path / "z").mkdir()
    (tmp_path / "link").symlink_to("z/../" * 250 + "z")
    looked = Tree(str(tmp_path), image=True)
    with pytest.raises(RefusedError, match=r"^/link: its symbolic links"):
        for _ in range(10):
            os.close(looked.open("/link", os.O_RDONLY))


def test_one_path_has_no_end_of_components(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).symlink_to("z/../" * 600 + str(number + 1))
    (tmp_path / "z").mkdir()
    assert got(tmp_path, True, "/0") == "ENAMETOOLONG"
    deep = tmp_path
    for _ in range(80):
        deep = deep / "d"
        deep.mkdir()
    assert got(tmp_path, False, "/d" * 80) == "ENAMETOOLONG"
