"""Have systemd read its units again, or start one again (systemctl(1))."""

from __future__ import annotations

import errno
import subprocess

SECONDS = 120
"""A service that takes longer to restart is taken to hang."""


def run(verb: str, unit: str = "") -> None:
    """Run `systemctl VERB [UNIT]`; raises OSError with what systemctl reported."""
    command = ["systemctl", verb, *(["--", unit] if unit else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise OSError(errno.ETIMEDOUT, f"{' '.join(command)} took more than {SECONDS} s") from error
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit {done.returncode}"
        raise OSError(errno.EIO, f"{' '.join(command)}: {reason}")
