"""What is written, and in which order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it can be put back to the byte.

    `text` is decoded with surrogateescape, so that any byte survives; `attributes` are (name, value in hex) of its
    extended attributes, the SELinux label among them. `uid` and `gid` None: those of the process that makes it.
    """

    text: str
    mode: int = 0o644
    uid: int | None = None
    gid: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()


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
