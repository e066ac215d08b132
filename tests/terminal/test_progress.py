"""How far the work is: one line on a terminal, nothing in a pipe; Ctrl-C answers with what is done so far."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from hosttune.model.progress import Step
from hosttune.terminal import progress
from hosttune.workflows import telling

HOSTTUNE = [sys.executable, "-m", "hosttune"]
PATIENCE = 60.0


def on_a_terminal(command: list[str], keys: Callable[[str], str] = lambda shown: "") -> tuple[int, str]:
    """Return the exit code of a command and what its terminal was sent; `keys` are typed once they are not empty."""
    pid, terminal = pty.fork()
    if not pid:
        try:
            os.execve(command[0], command, {**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"})
        finally:
            os._exit(127)
    shown, typed, until = "", False, time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        shown += data.decode(errors="replace")
        if not typed and (wanted := keys(shown)):
            os.write(terminal, wanted.encode())
            typed = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_ctrl_c_ends_the_watch_and_answers_of_what_was_seen() -> None:
    code, shown = on_a_terminal(
        [*HOSTTUNE, "diagnose", "--for", "10m"], lambda shown: "\x03" if "have moved" in shown else ""
    )
    assert code == 130
    assert "watching 600 s ... 9 min 5" in shown
    _, _, after = shown.rpartition("\x1b[K")
    assert "interrupted after" in after and "of 600 s" in " ".join(after.split()), "the line is gone before the answer"
    assert after.rstrip().endswith("hosttune: interrupted") and "watching 600 s ..." not in after


def test_a_pipe_gets_the_answer_alone() -> None:
    done = subprocess.run([*HOSTTUNE, "diagnose", "--for", "1500ms"], capture_output=True, text=True, check=False)
    assert done.stderr == "" and "watched for 1." in done.stdout


WORK = """
import sys, time
from hosttune.model.progress import Step
from hosttune.terminal import progress, streams
streams.install()
with progress.shown() as line:
    line(Step("finding \\x1b]0;name"))
    until = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < until:
        time.sleep(0.05)
print("done")
"""


def test_what_takes_longer_is_counted_without_being_told_again() -> None:
    code, shown = on_a_terminal([sys.executable, "-c", WORK, "2.6"])
    assert code == 0
    # an escape of a name is none of ours
    assert "\r\x1b[Kfinding ?]0;name ... 1 s so far" in shown and "... 2 s so far" in shown
    assert shown.endswith("\r\x1b[Kdone\r\n")


def test_what_ends_within_a_second_shows_nothing() -> None:
    assert on_a_terminal([sys.executable, "-c", WORK, "0"]) == (0, "done\r\n")


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Step("watching 10 s", left=8.0), "watching 10 s ... 6 s left, 3 counters"),
        (Step("lb-1.json", 30, 40), "[###############     ] 4 s left, 3 counters, 31 of 40: lb-1.json"),
        (Step("finding 2 numbers"), "finding 2 numbers ... 12 s so far, 3 counters"),
        (Step("long", left=602.0), "long ... 10 min 0 s left, 3 counters"),
    ],
)
def test_the_line_says_what_how_long_and_what_came_of_it(step: Step, text: str) -> None:
    assert progress.text(step, "3 counters", since=2.0, elapsed=12.0) == text


def test_a_wait_ends_where_the_caller_wants_no_more() -> None:
    steps: list[Step | None] = []

    def enough(step: Step | None) -> bool:
        steps.append(step)
        return len(steps) < 3

    start = time.monotonic()
    with telling.to(None, enough):
        assert not telling.wait(start + PATIENCE, "waiting")
        assert telling.wait(start, "is over")
    assert time.monotonic() < start + PATIENCE
    assert [step and step.what for step in steps] == ["waiting", "waiting", "waiting", None, None]
    assert telling.wait(start, "nobody listens")
