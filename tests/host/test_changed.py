"""A file that was written after a program had started is not the one that it has read."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosttune.errors import HostError
from hosttune.host.live import LiveHost


@pytest.fixture
def pid() -> Iterator[int]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


def changed(pids: list[int], *paths: Path) -> list[str]:
    answer: list[str] = LiveHost().probe("changed", pids=pids, paths=[str(path) for path in paths])
    return answer


def test_a_file_is_changed_once_it_is_younger_than_the_process(pid: int, tmp_path: Path) -> None:
    (older, younger) = files = (tmp_path / "older", tmp_path / "younger")
    for file, age in zip(files, (0, -10), strict=True):
        file.touch()
        os.utime(file, times=(time.time() - age,) * 2)
    assert changed([pid], *files, tmp_path / "absent") == [str(younger)]
    # of a master and its workers the youngest has read it last
    assert changed([1, pid], *files) == [str(younger)]
    assert older.exists()


def test_of_a_process_that_has_ended_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(HostError):
        changed([1 << 30], tmp_path)
