"""Look after look at a host, each with its trends, and a record of them where one is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Generator, Iterator

from hosttune.errors import UsageError
from hosttune.facts.kinds import sysctl
from hosttune.host import Host
from hosttune.model import Machine, Run, Unknown, View
from hosttune.options import Options, Place, Watching
from hosttune.watching.trends import SORTS, History
from hosttune.workflows import contained, loading
from hosttune.workflows.record_file import Recorder
from hosttune.workflows.watcher import Watcher

_SHORTEST = 0.1
"""Seconds between two looks at least: the kernel's own counts of pages and sockets lag behind by about as much."""

Wait = Callable[[float], bool]
"""Waits for a moment of the monotonic clock; False where nobody looks any more."""


def watch(
    options: Options, place: Place, watching: Watching, command: str, wait: Wait | None
) -> Generator[View, None, None]:
    """Return the looks, in step with the interval: one that was missed is left out, not made up for.

    Raises UsageError, the first look too.
    """
    if watching.interval < _SHORTEST:
        raise UsageError(f"--interval {watching.interval:g}s: too short to measure in; write 100ms or more")
    if watching.sort not in SORTS:
        raise UsageError(f"--sort {watching.sort}: unknown; choose {', '.join(SORTS)}")
    named = (options.pid, options.process_name, options.container, options.service)
    if watching.all_namespaces and (place.netns or any(named)):
        raise UsageError("--all-namespaces: of this host; leave out --netns and what names a program")
    return _looks(contained.settled(options, place), place, watching, command, wait or _sleep)


def _looks(options: Options, place: Place, watching: Watching, command: str, wait: Wait) -> Generator[View, None, None]:
    length = math.inf if watching.length is None else watching.length
    with contextlib.ExitStack() as stack:
        point = stack.enter_context(loading.standpoint(options, place))
        watcher = point.look(lambda host, _: Watcher(host, options, watching.all_namespaces))
        history = History(watcher.machine, watching.interval)
        recorder = None
        if watching.record:
            run = point.look(lambda host, _: _run(host, watcher.machine, watching.interval, command))
            recorder = stack.enter_context(Recorder(watching.record, watching.max_size, run))
        start = due = time.monotonic()
        while True:
            tick = point.look(lambda *_: watcher.look())
            if recorder:
                recorder.add(tick)
            yield dataclasses.replace(history.add(tick, watching.sort), recording=watching.record)
            pause = watcher.pause(watching.interval)
            now = time.monotonic()
            due += pause * max(1, -(-(now - due) // pause))
            if due > start + length + watching.interval / 2 or not wait(due):
                return


def _sleep(until: float) -> bool:
    time.sleep(max(until - time.monotonic(), 0.0))
    return True


def _run(host: Host, machine: Machine, interval: float, command: str) -> Run:
    """Return the head of a record: the host, and its settings as they are now."""
    return Run(
        started=round(time.time(), 2),
        hostname=machine.hostname,
        pretty=machine.pretty,
        kernel=machine.kernel,
        cpus=machine.cpus,
        memory=machine.memory,
        interval=interval,
        command=command,
        settings=dict(_settings(host)),
    )


def _settings(host: Host) -> Iterator[tuple[str, str]]:
    for key, value in sysctl.limits(host).items():
        if not isinstance(value, Unknown):
            yield key, " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
