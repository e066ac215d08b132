"""Print user-data for cloud-init."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hosttune.commands import hook_systemd
from hosttune.errors import ProfileError, UsageError
from hosttune.hooks import cloud_init, systemd
from hosttune.hooks.cloud_init import Kind, Origin
from hosttune.model import Severity
from hosttune.options import Options, spelled
from hosttune.printable import clean
from hosttune.profile import load
from hosttune.resolve import toml_file
from hosttune.workflows import elsewhere, loading, opening

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z,]+\])?((==|>=|~=)[A-Za-z0-9.*+!]+)?")
_PLACE = re.compile(r"(https?:/)?/[!-~]+")
_EC2 = 16384
"""Bytes of user-data that an instance may have: Amazon EC2 User Guide, "Run commands when you launch an instance"."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune hook cloud-init`, as given."""

    options: Options
    origin: str
    sha256: str
    no_sha256: bool
    every: str
    restart: bool
    reserve_listeners: bool


def run(asked: Asked) -> None:
    """Print the document; raises UsageError or ProfileError."""
    origin = _origin(asked.origin, asked.sha256, asked.no_sha256)
    elsewhere.checked(asked.options)
    profiles: dict[str, str] = {}
    for path in asked.options.profile:
        profiles[_name(path, profiles)] = toml_file.read(Path(path), "profile", ProfileError).text
    there = [f"{cloud_init.PROFILES}/{name}" for name in profiles]
    unit = hook_systemd.Asked(asked.options, asked.every, Severity.ERROR, False, "", "")
    units = hook_systemd.units(unit, hook_systemd.Place(cloud_init.PROGRAM, [], there), loading.command())
    options = spelled(dataclasses.replace(asked.options, profile=there))
    also = ["--restart"] * asked.restart + ["--reserve-listeners"] * asked.reserve_listeners
    wanted = cloud_init.Wanted(options, also, units, loading.command(), profiles)
    text = cloud_init.user_data(wanted, origin, systemd.WHERE)
    print(text, end="")
    for note in [*_unsummed(origin), *_notes(asked.options.role, len(text.encode()))]:
        print(f"hosttune: {clean(note)}", file=sys.stderr)


def _unsummed(origin: Origin) -> Iterator[str]:
    """Yield what will run as root on the new host without anybody having looked at it."""
    if (origin.url or origin.kind is Kind.INDEX) and not origin.sha256:
        yield f"whoever answers for {origin.where} then is root on the new host: it is taken without a sum"
    elif origin.kind in (Kind.INDEX, Kind.WHEEL):
        yield "what hosttune needs comes from the host's index without a sum; a .pyz has all of it inside"


def _notes(roles: Sequence[str], size: int) -> Iterator[str]:
    """Yield what is to be known before a document of `size` bytes is used."""
    for path in (directory / f"{role}.toml" for role in roles for directory in opening.LOCAL):
        if path.is_file():
            yield f"the new host needs {path} of this one too; or name it with --profile"
    if size > _EC2:
        yield f"{size:,} bytes, and Amazon EC2 takes {_EC2:,}; cloud-init takes it compressed by gzip too"


def _name(path: str, taken: dict[str, str]) -> str:
    """Return the file name that a profile gets there; raises UsageError where it would take another's place."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", Path(path).name)
    if name.removesuffix(".toml") in load.names():
        raise UsageError(f"--profile {path}: there it would stand for the role {name.removesuffix('.toml')}; rename it")
    if name in taken:
        raise UsageError(f"--profile {path}: another one is named {name} too; rename one of the two")
    return name


_FROM = "write image, a URL or path of a .whl or .pyz (`hosttune hook pyz` makes one), or NAME==VERSION of an index"
_SUM = "add --sha256 HEX, as sha256sum prints it, or --no-sha256 if it shall be taken as it comes"


def _origin(text: str, sha256: str, no_sha256: bool) -> Origin:
    """Return where hosttune comes from; raises UsageError."""
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"--sha256 {sha256}: no sum; write the 64 digits that sha256sum prints")
    if sha256 and no_sha256:
        raise UsageError("--sha256 and --no-sha256: one of the two")
    if not text:
        raise UsageError(f"--from: it is not said where the new host gets hosttune; {_FROM}")
    if text == Kind.IMAGE:
        kind = Kind.IMAGE
    elif _PLACE.fullmatch(text):
        path = text.partition("?")[0].partition("#")[0]
        if not path.endswith((".whl", ".pyz")):
            raise UsageError(f"--from {text}: neither a .whl nor a .pyz; name one of the two")
        if text.startswith("http://") and not sha256:
            raise UsageError(f"--from {text}: anybody on the way could change it; add --sha256 HEX")
        if "://" in text and not (sha256 or no_sha256):
            raise UsageError(f"--from {text}: root will run what the server gives then; {_SUM}")
        kind = Kind.WHEEL if path.endswith(".whl") else Kind.PYZ
    elif _REQUIREMENT.fullmatch(text):
        kind = Kind.INDEX
        if not (sha256 or no_sha256):
            raise UsageError(f"--from {text}: root will run what the index has by that name then; {_SUM}")
        if sha256 and ("==" not in text or "*" in text):
            raise UsageError(f"--from {text}: a sum is that of one version; write NAME==VERSION")
    else:
        raise UsageError(f"--from {text!r}: unknown; {_FROM}")
    if kind is Kind.IMAGE and (sha256 or no_sha256):
        raise UsageError("--from image: it is there already and nothing is fetched; leave out the sum")
    return Origin(kind, text, sha256.lower())
