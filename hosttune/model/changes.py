"""What is written, and in which order."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Annotated

from hosttune.model.checked import Checked, within


def _of_a_file(text: str) -> None:
    text.encode("utf-8", "surrogateescape")  # raises ValueError for what no file can hold


def _attribute(pair: tuple[str, str]) -> None:
    name, value = pair
    _of_a_file(name)
    if not name or "\0" in name or not re.fullmatch(r"(?:[0-9a-f]{2})*", value):
        raise ValueError("it is no extended attribute")  # xattr(7)


# the last uid and gid: -1 means "leave it" to chown(2)
_Owner = Annotated[int, within(0, 2**32 - 2)]


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it can be put back to the byte.

    `text` is decoded with surrogateescape, so that any byte survives; `attributes` are (name, value in hex) of its
    extended attributes, the SELinux label among them. `uid` and `gid` None: those of the process that makes it.
    """

    text: Annotated[str, Checked(_of_a_file)]
    # set-user-ID, set-group-ID and sticky too: inode(7)
    mode: Annotated[int, within(0, 0o7777)] = 0o644
    uid: _Owner | None = None
    gid: _Owner | None = None
    attributes: tuple[Annotated[tuple[str, str], Checked(_attribute)], ...] = ()


State = str | FileState | None
"""What a target holds: a file, or a text in the words of its backend; None where it is absent."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `backend` says how (changes/backends/), `target` what: a key, a path, a process, an address.

    `serves` are the subjects for whose sake it is made, `why` is the profile's reason.
    """

    backend: str
    target: str
    before: State
    after: State
    serves: tuple[str, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        return f"{self.backend} {self.target}"

    @property
    def key(self) -> tuple[str, str]:
        """Return what is written: backend and target."""
        return self.backend, self.target

    @property
    def reverse(self) -> Change:
        """Return the change that takes it back."""
        return dataclasses.replace(self, before=self.after, after=self.before)


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they are safe to make.

    `refusals` are reasons not to make any, each with its way out. `notes` are what the plan leaves alone, or what
    cannot be undone; `one_way` are the targets of these. `reload`: systemd has to read its units again. `restarts`
    are units that keep what they were started with until they are started again; `restart` says that this is done.
    """

    changes: tuple[Change, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reload: bool = False
    restarts: tuple[str, ...] = ()
    restart: bool = False
    one_way: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Who:
    """Who ran it: `login` is the name that logged in (the audit login uid), else that of the user id.

    `sudo` is the name that called sudo(8), `ssh` the address of the ssh client, `tty` the terminal; "" where there is
    none. All but `login` are what the environment says, which who ran it could have set.
    """

    login: str = ""
    sudo: str = ""
    ssh: str = ""
    tty: str = ""
