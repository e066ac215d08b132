"""Where a watched host is shown: a live screen with keys, or lines for a pipe, a file, a log."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from hosttune.errors import StoppedError
from hosttune.model import View
from hosttune.model.roles import Role
from hosttune.render.screen import screen as rows_of
from hosttune.terminal import colour, presenting, streams
from hosttune.watching.trends import SORTS, ranked

_STYLES = {Role.BAD: "bold red", Role.DRIFT: "yellow"}


class Out(Protocol):
    """What shows looks. `wait` returns at a moment of the monotonic clock; False where nobody looks any more."""

    sort: str

    def show(self, view: View) -> None: ...

    def wait(self, until: float) -> bool: ...


class Lines:
    """Text for each look: a line, or what another format makes of it."""

    def __init__(self, render: Callable[[View], str], sort: str) -> None:
        self._render, self.sort = render, sort

    def show(self, view: View) -> None:
        """Write it, so that a reader has it at once."""
        streams.put(self._render(view))
        sys.stdout.flush()

    def wait(self, until: float) -> bool:
        """Sleep; a reader that has gone away ends it."""
        if streams.lost():
            return False
        time.sleep(max(until - time.monotonic(), 0.0))
        return True


class Screen:
    """A live screen on a terminal, drawn by rich; the keys are read from it.

    `pause` gives the terminal back until the shell says fg; `stopping` asks for it, and `wait` does it.
    """

    def __init__(self, live: Any, wake: int, pause: Callable[[], None], sort: str) -> None:
        self._live, self._wake, self._pause, self.sort = live, wake, pause, sort
        self.stopping = False
        self._view: View | None = None

    def show(self, view: View) -> None:
        """Draw a look, sorted as a key said last."""
        from rich.text import Text

        self._view = view = dataclasses.replace(view, sort=self.sort, trends=ranked(view.trends, self.sort))
        width, height = shutil.get_terminal_size((80, 24))
        text = Text(no_wrap=True, overflow="crop")
        rows = rows_of(view, width, height, presenting.unicode())[:height]
        for number, (line, grave) in enumerate(rows):
            style = _STYLES.get(grave, "") if colour.wanted(sys.stdout) else ""
            text.append(streams.encodable(line), style=style)
            text.append("\n" if number < len(rows) - 1 else "")
        self._live.update(text, refresh=True)

    def wait(self, until: float) -> bool:
        """Wait for the time or for q; sort and draw again at once where a key, or another size, asks for it."""
        while not streams.lost():
            rest = until - time.monotonic()
            ready, _, _ = select.select([0, self._wake], [], [], max(rest, 0.0))
            if not ready:
                return True
            if self._wake in ready:
                os.read(self._wake, 4096)
            if self.stopping:
                self.stopping = False
                self._pause()
            keys = os.read(0, 64) if 0 in ready else b"\0"
            if not keys or b"q" in keys or b"Q" in keys:
                return False
            self._sort_by(keys)
            if self._view is not None:
                self.show(self._view)
        return False

    def _sort_by(self, keys: bytes) -> None:
        for key in keys.decode("ascii", "replace"):
            if key in "sS":
                self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
            elif key in "1234":
                self.sort = SORTS[int(key) - 1]


@contextlib.contextmanager
def screen(sort: str) -> Iterator[Screen]:
    """Take over the terminal, and give it back however this ends: by a key, an error, or a signal that can be caught.

    Raises StoppedError at SIGTERM and SIGHUP.
    """
    from rich.console import Console
    from rich.live import Live

    saved = termios.tcgetattr(0)
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    live = Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def enter() -> None:
        tty.setcbreak(0)
        live.start()

    def leave() -> None:
        live.stop()
        termios.tcsetattr(0, termios.TCSADRAIN, saved)

    def pause() -> None:
        leave()
        os.kill(os.getpid(), signal.SIGSTOP)  # until the shell says fg
        enter()

    shown = Screen(live, wake, pause, sort)

    def stopping(number: int, frame: object) -> None:
        # a handler must not draw: it may have come in the middle of a write
        shown.stopping = True

    handlers: dict[signal.Signals, Callable[[int, Any], None]] = {signal.SIGTSTP: stopping, signal.SIGWINCH: _nothing}
    handlers |= dict.fromkeys((signal.SIGTERM, signal.SIGHUP), _stop)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    # a signal wakes select() by a byte in the pipe: another size of the window is drawn at once
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    try:
        with streams.passing(streams.Passing.SCREEN):
            enter()
            yield shown
    finally:
        signal.set_wakeup_fd(-1)
        try:
            with streams.passing(streams.Passing.SCREEN):
                leave()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(wake)
            os.close(woken)


def _stop(number: int, _: object) -> None:
    raise StoppedError(f"stopped by {signal.Signals(number).name}", 128 + number)


def _nothing(number: int, _: object) -> None:
    """Have the signal wake select(), no more."""


def is_terminal() -> bool:
    """Say whether a live screen can be shown: both ends are a terminal that can move its cursor."""
    return os.isatty(0) and sys.stdout.isatty() and os.environ.get("TERM") not in (None, "", "dumb")
