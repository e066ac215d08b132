"""Have a command run after a while, whatever becomes of this process: a unit of systemd's, or a process on its own."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import subprocess
from collections.abc import Sequence

SECONDS = 30
"""A timer that is not set within this time is none."""


def run(verb: str, kept_by: str, id: int, seconds: int = 0, command: Sequence[str] = ()) -> None:
    """Arm or cancel the timer of an apply; raises OSError where none is set.

    A process gets the number of a descriptor as its last word, to which it writes a line once it needs nothing more
    from a disk. It ends by itself where there is nothing left to wait for.
    """
    unit = f"hosttune-confirm-{id}"
    if kept_by != "systemd":
        if verb == "arm":
            _start(command)
        return
    if verb == "cancel":
        _run(["systemctl", "stop", f"{unit}.timer"])
        return
    with contextlib.suppress(OSError):  # one that failed keeps its name until then
        _run(["systemctl", "reset-failed", f"{unit}.timer", f"{unit}.service"])
    _run(
        [
            "systemd-run",
            "--quiet",
            f"--unit={unit}",
            f"--description=Undo apply {id} of hosttune, which was not confirmed",
            f"--on-active={seconds}s",
            "--timer-property=AccuracySec=100ms",
            # one that is killed while it takes back goes on, one that cannot start does not try for ever
            "--property=Restart=on-failure",
            "--property=RestartSec=2",
            "--property=StartLimitIntervalSec=1h",
            "--property=StartLimitBurst=30",
            "--",
            # systemd puts its own values in for $NAME (systemd.service(5), "Command lines")
            *(word.replace("$", "$$") for word in command),
            "-1",
        ]
    )


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(errno.ETIMEDOUT, f"{command[0]} took more than {SECONDS} s") from error
    if done.returncode:
        raise OSError(errno.EIO, f"{command[0]}: {' '.join(done.stderr.split()) or f'exit {done.returncode}'}")


def _start(command: Sequence[str]) -> None:
    """Start a process that no signal to this one's terminal, session or group meets; it forks once more by itself."""
    reads, writes = os.pipe()
    try:
        try:
            first = subprocess.Popen(
                [*command, str(writes)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                pass_fds=(writes,),
            )
        finally:
            os.close(writes)
        ready, _, _ = select.select([reads], [], [], SECONDS)
        reply = os.read(reads, 200).decode("utf-8", "replace").strip() if ready else ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            first.wait(1)
    finally:
        os.close(reads)
    if reply != "ready":
        raise OSError(errno.ECHILD, f"the process that waits could not be started{f': {reply}' if reply else ''}")
