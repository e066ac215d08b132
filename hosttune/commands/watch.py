"""What happens on a host now: the pools and limits nearest to their end, look after look, and a record of it."""

from __future__ import annotations

import contextlib
import dataclasses
import signal

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.model import View
from hosttune.options import Options, Place, Watching
from hosttune.render.view.view import line
from hosttune.terminal import metrics_file, presenting, screen

_ALONE = ("html", "markdown", "svg")
"""Formats whose text is a whole: of one look only."""


def run(options: Options, watching: Watching, place: Place, once: bool, format: str, textfile: str) -> int:
    """Watch until the time is over, q, Ctrl-C, or a reader that goes away; return the exit code."""
    render.check_format("View", format)
    if format in _ALONE and not once:
        raise UsageError(f"--format {format}: it is of one look; add --once")
    metrics_file.check(textfile, "watch")
    out: screen.Out = screen.Lines(lambda view: _text(view, format), watching.sort)
    # a look that is to be the only one waits for its interval, whoever reads
    wait = None if once else lambda until: out.wait(until)
    metrics = _Metrics(textfile)
    with contextlib.ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        if not once:
            stack.enter_context(metrics)
        looks = api.watch(options, place, watching, command=presenting.command(), wait=wait)
        views = map(metrics.keep, stack.enter_context(contextlib.closing(looks)))
        view = next(views)
        if once:
            presenting.present(next(views), format)
            return 0
        if format == "table" and screen.is_terminal():
            out = stack.enter_context(screen.screen(watching.sort))
        out.show(view)
        for view in views:
            out.show(view)
    return 0


class _Metrics:
    """A file of metrics, "" for none; it goes when nobody looks any more, for what it says is not so then."""

    def __init__(self, path: str) -> None:
        self._path, self._tried, self._written = path, False, False

    def keep(self, view: View) -> View:
        """Write what a look has shown; return it, with why it could not be written."""
        if not self._path:
            return view
        # before the file is there: a signal may come as soon as it is
        self._tried = True
        try:
            metrics_file.write(self._path, render.render(view, "prometheus"))
        except UsageError as error:
            if not self._written:
                self._tried = False
                raise
            # a disk that is full for a while does not end a long watch
            tick = dataclasses.replace(view.tick, notes=(*view.tick.notes, str(error)))
            view = dataclasses.replace(view, tick=tick)
        self._written = True
        return view

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP) if self._path else ():  # as a unit is stopped, a terminal lost
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
                signal.signal(number, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        if self._tried:
            metrics_file.remove(self._path, 'verb="watch"')


def _text(view: View, format: str) -> str:
    """Return one look of many: a line where that is for a person; a table is a live screen on a terminal."""
    return f"{line(view)}\n" if format == "table" else render.render(view, format)
