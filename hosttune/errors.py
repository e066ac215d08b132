"""What can go wrong, and the exit code of each.

HosttuneError           the person who ran it can fix it: one line, no traceback
├── UsageError          2  wrong use: unknown role, malformed backend, missing snapshot
├── ProfileError        2  a profile that does not hold to the schema: file, table, key
├── TopologyError       2  a topology that cannot be planned: file, tier, key
├── ApplyError          1  a write failed; the text says what became of the others
├── StoppedError        130, 143, 129  a person or a signal stopped it: the text says what became of what was done
├── RefusedError        5  what was asked would hurt, or cannot be done here: nothing was touched
└── ExamineError        3  the host could not be examined (with --strict)
HostError               an answer the host refused; carries a Reason and becomes Unknown, never an exit
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hosttune.model import Reason


class HosttuneError(Exception):
    """An error that the person who ran hosttune can fix; its text is one line: what, where, how to fix."""

    exit_code = 2


class UsageError(HosttuneError):
    """The command line, or a file it names, is wrong."""


class ProfileError(HosttuneError):
    """A profile is wrong; the text names file, table and key."""


class TopologyError(HosttuneError):
    """A topology is wrong; the text names file, tier and key."""


class ApplyError(HosttuneError):
    """A change could not be made or taken back; the text says what state the host is in."""

    exit_code = 1


class StoppedError(HosttuneError):
    """A signal ended the run; the exit code is that of a shell, 128 and the signal's number."""

    def __init__(self, text: str, exit_code: int = 130) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class RefusedError(HosttuneError):
    """What was asked would hurt or cannot be done here; nothing was written."""

    exit_code = 5


class ExamineError(HosttuneError):
    """Something that had to be examined could not be."""

    exit_code = 3


class HostError(Exception):
    """The host did not answer; `reason` says why in the terms of the model."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
