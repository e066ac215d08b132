"""Who can write what root is about to trust: owner, mode, access control list, each directory and link on the way."""

from __future__ import annotations

import grp
import os
import pwd
import struct
from pathlib import Path

import pytest

from hosttune.host import named_file, owners
from hosttune.host.owners import Doubt
from tests.rooted import NOBODY, need_root, symlink_of_nobody

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory of root's with a file in it."""
    need_root()
    made = tmp_path / "a" / "b"
    made.mkdir(parents=True)
    for directory in (made, made.parent):
        directory.chmod(0o755)
    (made / "file").write_text("x")
    (made / "file").chmod(0o644)
    return made


def doubts(path: Path) -> tuple[Doubt, ...]:
    return named_file.read(str(path), 100).doubts


def paths(path: Path) -> list[str]:
    return [doubt.path for doubt in doubts(path)]


def acl(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_what_root_alone_can_write_is_not_doubted(place: Path) -> None:
    assert doubts(place / "file") == ()


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o620, 0o602])
def test_a_file_that_others_can_write_is(place: Path, mode: int) -> None:
    (place / "file").chmod(mode)
    (found,) = doubts(place / "file")
    assert found.path == str(place / "file") and not found.owned and f"mode {mode:04o}" in found.sentence


def test_the_private_group_of_who_called_sudo_may_write(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = {(group.gr_name, group.gr_gid) for group in grp.getgrall() if not group.gr_mem}
    own = next((user for user in pwd.getpwall() if user.pw_uid and (user.pw_name, user.pw_gid) in private), None)
    if own is None:
        pytest.skip("no user with a private group here")
    os.chown(place / "file", own.pw_uid, own.pw_gid)
    (place / "file").chmod(0o664)
    assert len(doubts(place / "file")) == 1
    monkeypatch.setenv("SUDO_UID", str(own.pw_uid))
    assert doubts(place / "file") == ()
    os.chown(place / "file", own.pw_uid, 0)
    assert len(doubts(place / "file")) == 1


def test_a_file_of_another_is_and_of_who_called_sudo_is_not(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(place / "file", NOBODY, NOBODY)
    (found,) = doubts(place / "file")
    assert found.owned and f"uid {NOBODY}" in found.sentence
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    assert doubts(place / "file") == ()
    for other in ("", "x", "-1", str(NOBODY - 1), f"{NOBODY} ", "9" * 30):
        monkeypatch.setenv("SUDO_UID", other)
        assert len(doubts(place / "file")) == 1, other


@pytest.mark.parametrize("which", ["b", "a"])
def test_each_directory_above_counts(place: Path, which: str) -> None:
    directory = place if which == "b" else place.parent
    directory.chmod(0o775)
    assert paths(place / "file") == [str(directory)]
    directory.chmod(0o755)
    os.chown(directory, NOBODY, 0)
    assert paths(place / "file") == [str(directory)]


def test_a_sticky_directory_will_do_if_what_is_in_it_is_roots(place: Path) -> None:
    place.chmod(0o1777)
    assert doubts(place / "file") == ()
    os.chown(place / "file", NOBODY, 0)
    assert paths(place / "file") == [str(place / "file")]
    os.chown(place / "file", 0, 0)
    os.chown(place, NOBODY, 0)  # its owner may rename what is in it
    assert paths(place / "file") == [str(place)]


def test_a_link_counts_where_another_can_exchange_it(place: Path) -> None:
    shared = place.parent / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    symlink_of_nobody(shared / "link", str(place / "file"))
    assert paths(shared / "link") == [str(shared / "link")]
    (place / "own").symlink_to(place / "file")
    assert doubts(place / "own") == ()
    # the directories on the way of a link count too
    (place / "there").symlink_to(shared / ".." / "b")
    assert doubts(place / "there" / "file") == ()
    shared.chmod(0o777)
    assert paths(place / "there" / "file") == [str(shared)]


@pytest.mark.parametrize(
    ("entries", "doubted"),
    [
        ([(0x01, 6, 0), (0x02, 6, NOBODY), (0x04, 4, 0), (0x10, 6, 0), (0x20, 4, 0)], True),
        ([(0x01, 6, 0), (0x02, 6, NOBODY), (0x04, 4, 0), (0x10, 4, 0), (0x20, 4, 0)], False),  # the mask takes it
        ([(0x01, 6, 0), (0x02, 4, NOBODY), (0x04, 4, 0), (0x10, 6, 0), (0x20, 4, 0)], False),
        ([(0x01, 6, 0), (0x02, 6, 0), (0x04, 4, 0), (0x10, 6, 0), (0x20, 4, 0)], False),  # root itself
        ([(0x01, 6, 0), (0x04, 4, 0), (0x08, 6, NOBODY), (0x10, 6, 0), (0x20, 4, 0)], True),
        ([(0x01, 6, 0), (0x04, 6, 0), (0x10, 6, 0), (0x20, 4, 0)], True),
    ],
)
def test_an_access_control_list_counts(place: Path, entries: list[tuple[int, int, int]], doubted: bool) -> None:
    named = [(tag, allowed, who if tag in (0x02, 0x08) else 0xFFFFFFFF) for tag, allowed, who in entries]
    try:
        os.setxattr(place / "file", "system.posix_acl_access", acl(*named))
    except OSError as error:
        pytest.skip(f"no access control lists on the file system of {place}: {error.strerror}")
    found = doubts(place / "file")
    assert bool(found) is doubted
    assert not doubted or found[0].listed


def test_a_list_that_is_not_understood_is_doubted() -> None:
    for wrong in (b"", b"\0", struct.pack("<I", 3), acl((1, 6, 0)) + b"x"):
        assert owners._listed(wrong)
