"""What the timer of an apply runs: at the deadline, take it back unless it has been confirmed.

It is started before the first write. All that it needs is imported before it sleeps: what it takes back may be gone
from the disk by then, or be on one that hangs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

from hosttune import registry
from hosttune.changes import journal, trial
from hosttune.changes.confirm import moment, over
from hosttune.changes.record import UNFINISHED, Record
from hosttune.changes.transaction import Outcome
from hosttune.errors import HosttuneError, StoppedError
from hosttune.host import mounted
from hosttune.host.live import LiveHost
from hosttune.workflows import damaged_records

_PAUSE = 0.5
_TRIES = 600
"""Attempts, a second or more apart, where another run holds the lock or something cannot be written."""


def command(id: int) -> list[str]:
    """Return the words that start this for an apply, from any directory and with any environment.

    They are plain words: what systemd-run makes of a `;` within one is another one (systemd 252 escapes it for good).
    """
    paths = os.pathsep.join(os.path.abspath(path or ".") for path in sys.path)
    return ["/usr/bin/env", f"PYTHONPATH={paths}", sys.executable, "-sP", "-m", "hosttune.workflows.expire", str(id)]


def main(words: list[str]) -> int:
    """Wait and take back; the words are the apply's number and the descriptor that is written to when ready, or -1."""
    id, ready = int(words[0]), int(words[1])
    if ready >= 0:
        if os.fork():
            os._exit(0)  # so that it has no parent here, and can never get a terminal
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.umask(0o022)
    host = LiveHost()
    try:
        preload()
        record, state = read(host, id), "ready"
    except Exception as error:  # whatever it is, who waits for this process has to know
        record, state = None, f"{type(error).__name__}: {error}"
    if ready >= 0:
        os.write(ready, f"{state}\n".encode(errors="replace"))
        os.close(ready)
        if state != "ready":
            return 1
    if record is not None:
        await_deadline(host, record)
    return on(host, id)


def preload() -> None:
    """Import whatever takes a change back."""
    import pyroute2  # noqa: F401

    for group in ("hosttune.changes.backends", "hosttune.host.acts", "hosttune.host.probes"):
        for name in registry.names(group):
            registry.load(group, name)


def read(host: LiveHost, id: int) -> Record | None:
    """Return the record of an apply; raises RefusedError where the journal cannot be read."""
    now = journal.read(host)
    damaged_records.refuse_unsafe(host, now)
    return next((record for record in now.records if record.id == id), None)


def waits(record: Record | None) -> bool:
    """Say whether there is something to take back at the deadline of a record."""
    return record is not None and record.confirm is not None and record.status in UNFINISHED


def await_deadline(host: LiveHost, record: Record | None) -> None:
    """Return at the deadline of an apply, or once it is confirmed or taken back."""
    id = record.id if record else 0
    seen = (0, 0)
    while record is not None and record.confirm is not None and waits(record):
        now = moment(host)
        if over(record.confirm, now):
            return
        time.sleep(min(_PAUSE, max(0.01, (record.confirm.deadline - now.milliseconds) / 1000 if now else _PAUSE)))
        stamp = _stamp(host, id)
        if stamp != seen:
            # one that cannot be read for the moment has not been confirmed by that
            with contextlib.suppress(HosttuneError):
                record, seen = read(host, id), stamp


def on(host: LiveHost, id: int) -> int:
    """Take an apply back if it still waits to be confirmed; returns the exit code."""
    for attempt in range(_TRIES):
        time.sleep(1 if attempt else 0)
        try:
            if not waits(read(host, id)):
                return 0
            with journal.locked(host, lambda holder: None):
                # another one has confirmed it, or taken it back, while this one waited
                record = read(host, id)
                done = trial.heal(host, [record] if record else [])
        except StoppedError as stop:
            return stop.exit_code
        except HosttuneError as error:
            done = Outcome((str(error),), False)
        for line in done.notes:
            print(f"hosttune: {line}", file=sys.stderr)
        if done.whole:
            return 0
    return 1


def _stamp(host: LiveHost, id: int) -> tuple[int, int]:
    """Return what changes when a record is written anew: it is put in place by a rename."""
    try:
        state = os.stat(mounted.at(f"{host.root.rstrip('/')}{journal.DIRECTORY}/{id:06d}.json"))
    except OSError:
        return (0, 0)
    return state.st_ino, state.st_mtime_ns


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
