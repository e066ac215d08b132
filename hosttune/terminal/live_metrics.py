"""The metrics of a watch: a file that is written at each look, and is there only while somebody looks."""

from __future__ import annotations

import dataclasses
import signal

from hosttune import render
from hosttune.errors import UsageError
from hosttune.model import View
from hosttune.terminal import metrics_file


class Metrics:
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
