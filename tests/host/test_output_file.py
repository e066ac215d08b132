"""What an option has written: whole, with its own mode, and never where another user's link leads."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hosttune.host import output_file
from tests.rooted import NOBODY, need_root, symlink_of_nobody


@pytest.fixture
def sticky(tmp_path: Path) -> Path:
    """Return a directory like /tmp, with a link of another user to a file that is not theirs."""
    need_root()
    made = tmp_path / "tmp"
    made.mkdir()
    made.chmod(0o1777)
    (tmp_path / "victim").write_text("secret")
    (tmp_path / "victim").chmod(0o600)
    symlink_of_nobody(made / "out", "../victim")
    symlink_of_nobody(made / "away", "..")
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out", "away/victim", "away/new"])
@pytest.mark.parametrize("write", ["write", "renew", "append_to", "remove_if"])
def test_a_link_of_another_is_refused(sticky: Path, name: str, write: str) -> None:
    more = {"write": (b"x", 0o600), "renew": (b"x", 0o600), "append_to": (0o600,), "remove_if": (b"s", 100)}[write]
    with pytest.raises(OSError, match=f"is a link of .*uid {NOBODY}"):
        getattr(output_file, write)(str(sticky / name), *more)
    assert (sticky.parent / "victim").read_text() == "secret" and not (sticky.parent / "new").exists()
    assert (sticky / "out").is_symlink()


def test_a_link_of_ones_own_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    output_file.write(str(tmp_path / "link"), b"x", 0o644)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_bytes() == b"x"


def test_the_mode_is_its_own_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for mode in (0o666, 0o400, 0o777):
        path.touch()
        path.chmod(mode)
        output_file.write(str(path), b"x", 0o600)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    output_file.renew(str(path), b"y", 0o644)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.read_bytes() == b"y"
    path.chmod(0o664)
    for descriptor in output_file.append_to(str(path), 0o600)[:2]:
        os.close(descriptor)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_a_file_or_a_pipe_of_another_gets_nothing(sticky: Path) -> None:
    os.mkfifo(sticky / "fifo")
    (sticky / "theirs").touch()
    for name in ("fifo", "theirs"):
        os.chown(sticky / name, NOBODY, NOBODY)
    with pytest.raises(OSError, match="who would read it all"):
        output_file.write(str(sticky / "fifo"), b"x", 0o600)
    with pytest.raises(OSError, match="give one of your own"):
        output_file.append_to(str(sticky / "theirs"), 0o600)
    assert (sticky / "theirs").read_bytes() == b""


def test_what_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "no" / "file", tmp_path / "fifo", Path("/dev/full")):
        with pytest.raises(OSError):
            output_file.write(str(path), b"x", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["fifo"]


_BY_NAME = "from hosttune.host import output_file as o; o.write('/dev/stdout', b'told', 0o600)"


def test_standard_output_and_devices_are_written_to(tmp_path: Path) -> None:
    output_file.write("/dev/null", b"x", 0o600)
    command = [sys.executable, "-c", _BY_NAME]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"told"
    with open(tmp_path / "out", "wb") as out:
        subprocess.run(command, stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"told"
