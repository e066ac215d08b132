"""A file that an option names: opened once, never waited for, never more of it than its bound."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from hosttune.errors import HostError
from hosttune.host import named_file


def why(path: str) -> str:
    with pytest.raises((OSError, HostError)) as caught:
        named_file.read(path, 100)
    return named_file.why(caught.value)


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    assert why(str(tmp_path)) == why(f"{tmp_path}/") == "a directory"
    assert why(str(tmp_path / "fifo")) == why("/dev/zero") == "not a regular file"
    # a terminal that may not be ours to open
    assert why("/dev/tty0") in ("not a regular file", "Permission denied", "no such file")
    assert why(str(tmp_path / "dangling")) == why("") == why("a\0b") == why(f"{tmp_path}/no/no") == "no such file"
    assert why(str(tmp_path / "circle")) == "Too many levels of symbolic links"


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 1 << 40)
    assert why(str(tmp_path / "sparse")).startswith("larger than")


def test_a_file_is_read_through_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("../" * 40 + str(tmp_path / "file").lstrip("/"))
    monkeypatch.chdir(tmp_path)
    for name in ("file", "./file", f"../{tmp_path.name}/file", str(tmp_path / "link"), f"{tmp_path}//.///file"):
        assert named_file.read(name, 100).data == b"x", name
    assert named_file.read("/dev/null", 100).data == b""
    with open(tmp_path / "file") as file:
        assert named_file.read(f"/dev/fd/{file.fileno()}", 100).data == b"x"


def test_a_pipe_is_read_to_its_end_or_for_its_time(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    start = time.monotonic()
    assert named_file.read_end(str(fifo), 10, 0.2) == named_file.Log(b"", True)  # nobody writes
    writer = threading.Thread(target=lambda: fifo.write_bytes(b"0123456789abcdef"))
    writer.start()
    assert named_file.read_end(str(fifo), 10, 5.0) == named_file.Log(b"6789abcdef")
    writer.join()
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        assert endless.stdout
        found = named_file.read_end(f"/dev/fd/{endless.stdout.fileno()}", 1000, 0.3)
        endless.kill()
    assert found.cut and len(found.data) == 1000
    assert time.monotonic() - start < 5


def test_of_a_file_its_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("0123456789")
    assert named_file.read_end(str(tmp_path / "log"), 4, 1.0).data == b"6789"
    with pytest.raises(HostError):
        named_file.read_end("/dev/zero", 4, 1.0)
