"""A shell on a terminal of its own, into which lines are typed; what it then shows is read from the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Mapping

_CONTROL = re.compile(r"\x1b(\[[0-9;?>=]*[A-Za-z~]|\][^\x07]*\x07|[=>()][0-9A-B]?)|[\x00-\x08\x0e-\x1f]")
_TAB, _KILL = "\t", "\x15"
_PROMPT = "ready> "


class Shell:
    """An interactive shell; `setup` are lines that it runs first."""

    def __init__(self, command: list[str], env: Mapping[str, str], setup: list[str]) -> None:
        self.count = 0
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            try:
                os.execvpe(command[0], command, {**env, "TERM": "dumb", "PS1": _PROMPT})
            finally:
                os._exit(127)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 150, 0, 0))
        self._until(_PROMPT)
        for line in setup:
            self.run(line)

    def run(self, line: str) -> str:
        """Type a line, and return what is shown until it has ended."""
        return self._until_done(f"{line}\r")

    def completed(self, line: str) -> str:
        """Type a line and a tab, and return what is shown; the line is then thrown away."""
        return self._until_done(f"{line}{_TAB}{_KILL}")

    def end(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)

    def _until_done(self, keys: str) -> str:
        # what is typed differs from what it prints
        self.count += 1
        os.write(self.terminal, f"{keys}echo done''{self.count}.\r".encode())
        # before its prompt the shell does not take keys, the terminal does
        return self._until(rf"(?s)done{self.count}\..*{_PROMPT}")

    def _until(self, pattern: str) -> str:
        shown, until = "", time.monotonic() + 30
        while not re.search(pattern, shown):
            left = until - time.monotonic()
            if left < 0 or not select.select([self.terminal], [], [], left)[0]:
                raise AssertionError(f"the shell did not answer: {shown!r}")
            shown += _CONTROL.sub("", os.read(self.terminal, 65536).decode(errors="replace"))
        return shown
