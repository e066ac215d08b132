"""What can go wrong, and the exit code of each.

HosttuneError           the person who ran it can mend it: one line, no traceback
├── UsageError          2  wrong use: unknown role, malformed backend, missing snapshot
├── ProfileError        2  a profile that does not hold to the schema: file, table, key
└── ExamineError        3  the host could not be examined (with --strict)
HostError               an answer the host refused; carries a Reason and becomes Unknown, never an exit
"""

from __future__ import annotations

from hosttune.model import Reason


class HosttuneError(Exception):
    """An error that the person who ran hosttune can mend; its text is one line: what, where, how to mend."""

    exit_code = 2


class UsageError(HosttuneError):
    """The command line, or a file it names, is wrong."""


class ProfileError(HosttuneError):
    """A profile is wrong; the text names file, table and key."""


class ExamineError(HosttuneError):
    """Something that had to be examined could not be."""

    exit_code = 3


class HostError(Exception):
    """The host did not answer; `reason` says why in the terms of the model."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
