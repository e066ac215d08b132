"""What happens on a host now: the pools and limits nearest to their end, look after look, and a record of it."""

from __future__ import annotations

import contextlib

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.model import View
from hosttune.options import Options, Place, Watching
from hosttune.render.view.view import line
from hosttune.terminal import live_metrics, metrics_file, presenting, screen

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
    metrics = live_metrics.Metrics(textfile)
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


def _text(view: View, format: str) -> str:
    """Return one look of many: a line where that is for a person; a table is a live screen on a terminal."""
    return f"{line(view)}\n" if format == "table" else render.render(view, format)
