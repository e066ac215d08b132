"""Options that are for another host, or a later time: held to what they may be, without asking this host for it."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hosttune import addresses
from hosttune.errors import ProfileError, UsageError
from hosttune.facts import backends
from hosttune.options import Options
from hosttune.profile import load
from hosttune.profile.load import Profile
from hosttune.resolve import toml_file
from hosttune.workflows import opening

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:\\-]{0,127}")
_OTHERS = ("/tmp", "/var/tmp", "/dev")
"""Directories in whose place a unit that is shut off has others: PrivateTmp=, PrivateDevices=."""


def checked(options: Options) -> list[Profile]:
    """Return the profiles that the options name; raises UsageError or ProfileError for what no host could take.

    Units and logins need not exist here, names of backends are not looked up.
    """
    for field in dataclasses.fields(options):
        given = getattr(options, field.name)
        for text in given if isinstance(given, list | tuple) else [given]:
            if isinstance(text, str):
                printable(f"--{field.name.replace('_', '-')}", text)
    for text in options.backend:
        backends.split(text)
    backends.parse_sources(list(options.source))
    if options.bind_mode:
        backends.parse_bind_mode(options.bind_mode)
    for option, names in (("--service", [options.service] if options.service else []), ("--user", options.user)):
        wrong = next((name for name in names if not _NAME.fullmatch(name)), None)
        if wrong is not None:
            raise UsageError(f"{option} {wrong!r}: no such name can be; write it as systemctl or id print it")
    for path in options.backends_from:
        if not path.startswith("/"):
            raise UsageError(f"--backends-from {path}: not a whole path; it is read there, later")
    return opening.open_profiles(list(options.role), list(options.profile))


def profiles_of(options: Options) -> dict[str, str]:
    """Return the text of each file of --profile by the name that it gets there; raises UsageError or ProfileError."""
    profiles: dict[str, str] = {}
    for path in options.profile:
        profiles[_name(path, profiles)] = toml_file.read(Path(path), "profile", ProfileError).text
    return profiles


def _name(path: str, taken: dict[str, str]) -> str:
    """Return the file name that a profile gets there; raises UsageError where it would take another's place."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", Path(path).name)
    if name.removesuffix(".toml") in load.names():
        raise UsageError(f"--profile {path}: there it would stand for the role {name.removesuffix('.toml')}; rename it")
    if name in taken:
        raise UsageError(f"--profile {path}: another one has the name {name} too; rename one of the two")
    return name


def local_files(roles: Sequence[str]) -> Iterator[Path]:
    """Yield the profiles of this host alone that roles are read from: the other place has them not."""
    yield from (p for role in roles for folder in opening.LOCAL if (p := folder / f"{role}.toml").is_file())


def printable(option: str, text: str) -> None:
    """Raise UsageError for an option with a newline or the like in it, which would be a line of its own in a file."""
    if not text.isprintable():
        raise UsageError(f"{option} {text!r}: it has characters that cannot be printed; leave them out")


def hidden(path: str) -> str:
    """Return the directory of which a unit that is shut off has another, where a path leads into it; else ""."""
    plain = os.path.normpath(path)
    return next((other for other in _OTHERS if plain == other or plain.startswith(f"{other}/")), "")


def service(options: Options, profiles: list[Profile]) -> str:
    """Return the unit that carries the connections, "" where neither an option nor a profile names one."""
    name = options.service or next((profile.service for profile in profiles if profile.service), "")
    return name if not name or "." in name else f"{name}.service"


def by_name(options: Options, profiles: list[Profile]) -> bool:
    """Whether a backend has a name, or may have one in a file that is read there; it must be looked up each time."""
    elsewhere = options.backends_from or any(profile.workload.get("backends") for profile in profiles)
    return bool(elsewhere) or any(not addresses.numeric(backends.split(text)[0]) for text in options.backend)
