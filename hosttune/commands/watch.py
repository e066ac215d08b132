"""What happens on a host now: the pools and limits nearest to their end, look after look, and a record of it."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.errors import UsageError
from hosttune.facts.kinds import sysctl
from hosttune.host import Host
from hosttune.model import Machine, Run, Unknown, View
from hosttune.options import Options
from hosttune.render.view import prometheus_watch, watch
from hosttune.terminal import metrics_file, screen, streams
from hosttune.watching.trends import SORTS, History
from hosttune.workflows import loading, observe, opening, record_file
from hosttune.workflows.watcher import Watcher

_TEXTS = {"table": watch.line, "json": watch.as_json, "prometheus": prometheus_watch.render}
"""What makes text of a look, by the name of its format; a table is a live screen on a terminal."""
_SHORTEST = 0.1
"""Seconds between two looks at least: the kernel's own counts of pages and sockets lag behind by about as much."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune watch`, as given; `length` is how long to watch, "" until it is ended."""

    options: Options
    interval: str
    length: str
    once: bool
    format: str
    sort: str
    record: str
    max_size: str
    netns: str
    textfile: str = ""


@dataclass(slots=True)
class _Kept:
    """Where each look goes beside being shown: a record, a file of metrics, or neither."""

    recorder: record_file.Recorder | None
    textfile: str
    written: bool = False


def run(asked: Asked) -> int:
    """Watch until the time is over, q, Ctrl-C, or a reader that goes away; return the exit code."""
    interval = observe.seconds(asked.interval, "--interval")
    if interval < _SHORTEST:
        raise UsageError(f"--interval {asked.interval}: too short to measure in; write 100ms or more")
    opening.check_format(asked.format, tuple(_TEXTS))
    metrics_file.check(asked.textfile)
    if asked.sort not in SORTS:
        raise UsageError(f"--sort {asked.sort}: unknown; choose {', '.join(SORTS)}")
    length = observe.seconds(asked.length, "--for", most=observe.WEEK) if asked.length else float("inf")
    most = record_file.size(asked.max_size)
    with contextlib.ExitStack() as stack:
        stack.enter_context(loading.view(asked.options, asked.netns))
        host = opening.open_host("/", "")
        watcher = Watcher(host, asked.options)
        history = History(watcher.machine, interval)
        kept = _Kept(None, asked.textfile)
        if asked.record:
            begun = _run(host, watcher.machine, interval)
            kept.recorder = stack.enter_context(record_file.Recorder(asked.record, most, begun))
        if asked.textfile and not asked.once:
            # what it says is not so any more once nobody looks
            stack.callback(metrics_file.remove, asked.textfile, 'verb="watch"')
            for number in (signal.SIGTERM, signal.SIGHUP):  # as a unit is stopped, as a terminal is lost
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
                    signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            if asked.once:
                _once(watcher, history, kept, interval, asked)
            else:
                out = _out(asked, stack)
                _watch_on(watcher, history, kept, out, interval, length)
    return 0


def _watch_on(
    watcher: Watcher,
    history: History,
    kept: _Kept,
    out: screen.Out,
    interval: float,
    length: float,
) -> None:
    """Look, show and wait, in step with the interval: a look that was missed is left out, not made up for."""
    start = due = time.monotonic()
    while True:
        out.show(_look(watcher, history, kept, out.sort))
        pause = watcher.pause(interval)
        now = time.monotonic()
        due += pause * max(1, -(-(now - due) // pause))
        if due > start + length + interval / 2 or not out.wait(due):
            return


def _look(watcher: Watcher, history: History, kept: _Kept, sort: str) -> View:
    tick = watcher.look()
    if kept.recorder:
        kept.recorder.add(tick)
    view = history.add(tick, sort)
    if kept.textfile:
        try:
            metrics_file.write(kept.textfile, prometheus_watch.render(view))
        except UsageError as error:
            if not kept.written:
                raise
            # a disk that is full for a while does not end a long watch
            view = dataclasses.replace(view, tick=dataclasses.replace(tick, notes=(*tick.notes, str(error))))
        kept.written = True
    return dataclasses.replace(view, recording=kept.recorder.path if kept.recorder else "")


def _once(watcher: Watcher, history: History, kept: _Kept, interval: float, asked: Asked) -> None:
    """Show one look, that after an interval: a rate takes two."""
    _look(watcher, history, kept, asked.sort)
    time.sleep(interval)
    view = _look(watcher, history, kept, asked.sort)
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    width = max(shutil.get_terminal_size((80, 24)).columns, 80)
    make = _TEXTS[asked.format]
    text = watch.table(view, width, unicode) if asked.format == "table" else make(view)
    streams.put(text)


def _out(asked: Asked, stack: contextlib.ExitStack) -> screen.Out:
    if asked.format == "table" and screen.is_terminal():
        return stack.enter_context(screen.screen(asked.sort))
    return screen.Lines(_TEXTS[asked.format], asked.sort)


def _run(host: Host, machine: Machine, interval: float) -> Run:
    """Return the head of a record: the host, and its settings as they are now."""
    return Run(
        started=round(time.time(), 2),
        hostname=machine.hostname,
        pretty=machine.pretty,
        kernel=machine.kernel,
        cpus=machine.cpus,
        memory=machine.memory,
        interval=interval,
        command=loading.command(),
        settings=dict(_settings(host)),
    )


def _settings(host: Host) -> Iterator[tuple[str, str]]:
    for key, value in sysctl.limits(host).items():
        if not isinstance(value, Unknown):
            yield key, " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
