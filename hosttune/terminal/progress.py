"""How far the work is: one line on standard error, where that is a terminal, written over and cleared at the end.

What ends within a second shows nothing. The time that is left is counted down by a timer of this process, not by a
thread: verbs fork, and enter namespaces. The first Ctrl-C ends what can end early, the next one everything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hosttune import printable

if TYPE_CHECKING:
    from hosttune.model.progress import Step

_AFTER = 1.0
"""Seconds that pass before anything is shown."""
_AGAIN = 0.5
_BAR = 20
_CLEAR = "\r\x1b[K"


class Line:
    """The line, and whether Ctrl-C asked for an early end."""

    def __init__(self, shown: bool) -> None:
        self.stopped = False
        self._shown = shown
        self._step: Step | None = None
        self._since = self._told = 0.0
        self._note, self._noted = "", 0.0
        self._drawn = ""

    def __call__(self, now: Step | None) -> bool:
        """Take a step, None for the end of the work; returns False where it shall end early."""
        if now is None:
            self.clear()
            self._step = None
            self._tick(0.0)
            return not self.stopped
        moment = time.monotonic()
        if self._step is None:
            self._since = moment
            self._tick(_AGAIN)
        self._step, self._told = now, moment
        if self._due(moment) and moment - self._noted >= _AFTER:
            self._note, self._noted = now.note(), moment
        self.draw()
        return not (self.stopped and now.ends_early)

    def draw(self, *_: Any) -> None:
        """Write the line over, once it is time for it; as a handler of the timer too."""
        moment, now = time.monotonic(), self._step
        if now is None or not self._due(moment):
            return
        said = text(now, self._note, moment - self._told, moment - self._since)
        if self.stopped and not now.ends_early:
            said += "; Ctrl-C again ends it at once"
        line = printable.clean(said)[: shutil.get_terminal_size((80, 24)).columns - 1]
        if line != self._drawn:
            self._put(f"{_CLEAR}{line}")
            self._drawn = line

    def clear(self) -> None:
        """Take the line away, before anything else is written."""
        self._note, self._noted = "", 0.0
        if self._drawn:
            self._put(_CLEAR)
            self._drawn = ""

    def interrupt(self, *_: Any) -> None:
        """Handle Ctrl-C: end early what can, once; raises KeyboardInterrupt for all else."""
        if self.stopped or self._step is None or not self._step.ends_early:
            raise KeyboardInterrupt
        self.stopped = True

    def _due(self, moment: float) -> bool:
        return self._shown and moment - self._since >= _AFTER

    def _tick(self, seconds: float) -> None:
        if self._shown and signal.getsignal(signal.SIGALRM) == self.draw:
            signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

    def _put(self, text: str) -> None:
        # a handler may come in the middle of a write of the stream
        encoding = sys.stderr.encoding or "ascii"
        with contextlib.suppress(OSError):
            os.write(2, text.encode(encoding, "replace"))


_line = Line(False)


@contextlib.contextmanager
def shown() -> Iterator[Line]:
    """Give what takes the steps; nothing of it remains on the terminal."""
    global _line
    _line = line = Line(sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
    handlers: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        # who starts us with Ctrl-C ignored wants that
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            handlers[signal.SIGINT] = signal.signal(signal.SIGINT, line.interrupt)
        handlers[signal.SIGALRM] = signal.signal(signal.SIGALRM, line.draw)
    try:
        yield line
    finally:
        line(None)
        for number, before in handlers.items():
            signal.signal(number, before)


def clear() -> None:
    """Take the line away, if there is one: something else is written to the terminal."""
    _line.clear()


def text(now: Step, note: str, since: float, elapsed: float) -> str:
    """Return how far it is: `since` are the seconds since the step was told, `elapsed` those since the first one."""
    if now.left is not None:
        time_ = f"{_seconds(max(now.left - since, 0.0))} left"
    elif now.number:
        time_ = f"{_seconds(elapsed / now.number * (now.total - now.number))} left"
    else:
        time_ = f"{elapsed:.0f} s so far"
    if now.total:
        bar = "#" * (_BAR * now.number // now.total)
        rest = f"{now.number + 1} of {now.total}: {now.what}"
        return f"[{bar:<{_BAR}}] {', '.join(filter(None, (time_, note)))}, {rest}"
    return f"{now.what} ... {', '.join(filter(None, (time_, note)))}"


def _seconds(left: float) -> str:
    if left < 90:
        return f"{left:.0f} s"
    minutes, seconds = divmod(round(left), 60)
    return f"{minutes} min {seconds} s"
