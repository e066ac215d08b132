"""Scenes on guests, played beside the other tests: an emulated machine keeps one core busy, and so do they the other.

A scenario is a function of an empty directory that returns plain values; the mark `guest` of a test names the one that
it waits for. Where the whole suite runs, another process plays those of the tests that were selected, at a lower
priority, from the moment the tests are collected; the tests that ask for one come last and wait for it. Where few tests
run, a scenario is played when it is asked for. Of several processes that run tests side by side (pytest-xdist) the
first one starts it, and the one that gives them out ends it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
MANY = 1000
"""Tests from which on a run is one of the whole suite."""
PATIENCE = 3
"""How much longer a guest may take beside other tests."""


_SHARED = "HOSTTUNE_TESTS_GUESTS"
"""The variable that names the directory to the processes that run tests side by side."""
_WORKER = "PYTEST_XDIST_WORKER"
"""The variable that names such a process."""
_PLAYER, _LOG, _OVER = "player", "log", "over"


@dataclass(frozen=True)
class Playing:
    """Where the process that plays leaves its number, its log and its answers; `own`: it is a child of this one."""

    directory: Path
    own: subprocess.Popen[bytes] | None = None

    @property
    def over(self) -> bool:
        """Whether no more answers come."""
        return (self.directory / _OVER).exists() or (self.own is not None and self.own.poll() is not None)


_playing: list[Playing] = []


def share() -> None:
    """Make a directory that the processes of a run have in common, before they start."""
    directory = Path(tempfile.mkdtemp(prefix="hosttune-guests-"))
    os.environ[_SHARED] = str(directory)
    _playing.append(Playing(directory))


def start(scenarios: Sequence[str], tests: int, first: bool = True) -> None:
    """Begin to play scenarios, `module:function` each, beside many tests, where a guest can be had at all.

    Of several processes only the `first` does; the others look where it leaves its answers.
    """
    if not scenarios or tests < MANY or os.geteuid() != 0:
        return
    shared = os.environ.get(_SHARED)
    directory = Path(shared) if shared else Path(tempfile.mkdtemp(prefix="hosttune-guests-"))
    if not first:
        _playing.append(Playing(directory))
        return
    with (directory / _LOG).open("xb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.vm.ahead", str(directory), *scenarios],
            cwd=REPO, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    (directory / _PLAYER).write_text(str(process.pid))
    _playing.append(Playing(directory, process))


def apart() -> dict[str, str]:
    """Return the environment for a pytest that a test starts: it shares no guests with the run that the test is of.

    As one of its processes it would play its own scenarios in that run's directory, and say there that all is over.
    """
    return {name: value for name, value in os.environ.items() if name != _SHARED and not name.startswith(_WORKER)}


def playing() -> bool:
    """Say whether scenarios are played beside the tests."""
    return bool(_playing)


def stop() -> None:
    """End what still plays, its guests with it, and remove what it left; a process that shares it leaves that alone."""
    import shutil

    if os.environ.get(_WORKER):
        _playing.clear()
    for playing in _playing:
        with contextlib.suppress(OSError, ValueError):
            os.killpg(int((playing.directory / _PLAYER).read_text()), signal.SIGTERM)
        if playing.own:
            playing.own.wait()
        shutil.rmtree(playing.directory, ignore_errors=True)
    _playing.clear()


def played(scenario: str, directory: Path) -> Any:
    """Return what a scenario gave, played ahead or now in `directory`; AssertionError with what went wrong."""
    if not _playing:
        return _function(scenario)(directory)
    playing = _playing[0]
    answer = playing.directory / f"{scenario}.json"
    while not answer.exists():
        if playing.over and not answer.exists():
            raise AssertionError(f"{scenario} was not played: {(playing.directory / _LOG).read_text()[-2000:]}")
        time.sleep(0.2)
    found = json.loads(answer.read_text())
    assert "failed" not in found, found["failed"]
    return found["answer"]


def _function(scenario: str) -> Callable[[Path], Any]:
    module, _, name = scenario.partition(":")
    function: Callable[[Path], Any] = getattr(importlib.import_module(module), name)
    return function


def main(directory: Path, *scenarios: str) -> None:
    """Play them, one after the other, each in a directory of its own; what one left is removed with the others."""
    from tests.vm import guest

    os.nice(10)
    guest.patience = PATIENCE
    for scenario in scenarios:
        own = directory / scenario.replace(":", "-")
        own.mkdir()
        try:
            found = {"answer": _function(scenario)(own)}
        except BaseException:  # a test that was given up (pytest.fail) is none of Exception
            found = {"failed": traceback.format_exc()}
        fresh = directory / "fresh"
        fresh.write_text(json.dumps(found))
        fresh.rename(directory / f"{scenario}.json")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), *sys.argv[2:])
    finally:
        (Path(sys.argv[1]) / _OVER).touch()
