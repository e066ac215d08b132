"""User-data for cloud-init: from the options of an apply to the document of a host that does not exist yet."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hosttune.errors import UsageError
from hosttune.hooks import cloud_init, systemd
from hosttune.hooks.cloud_init import Kind
from hosttune.options import Options, spelled
from hosttune.workflows import check_units, elsewhere

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z,]+\])?((==|>=|~=)[A-Za-z0-9.*+!]+)?")
_PLACE = re.compile(r"(https?:/)?/[!-~]+")
_EC2 = 16384
"""Bytes of user-data that an instance may have: Amazon EC2 User Guide, "Run commands when you launch an instance"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the new host gets hosttune: `spec` is image, a URL or path of a .whl or .pyz, or NAME==VERSION.

    `sha256` is the sum of what it names, `no_sha256`: it is taken without one.
    """

    spec: str = ""
    sha256: str = ""
    no_sha256: bool = False


def user_data(
    options: Options, origin: Origin, line: str, *, every: float = 900.0, also: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """Return the document, and what is to be known before it is used; raises UsageError or ProfileError.

    `also` are options of apply alone, `line` is the command that makes it, `every` the time between two checks.
    """
    source = _source(origin)
    elsewhere.checked(options)
    profiles = elsewhere.profiles_of(options)
    there = [f"{cloud_init.PROFILES}/{name}" for name in profiles]
    units = check_units.units(options, check_units.Place(cloud_init.PROGRAM, [], there), line, every=every)
    role = spelled(dataclasses.replace(options, profile=there))
    text = cloud_init.user_data(cloud_init.Wanted(role, also, units, line, profiles), source, systemd.WHERE)
    return text, [*_unsummed(source), *_notes(options.role, len(text.encode()))]


def _unsummed(origin: cloud_init.Origin) -> Iterator[str]:
    """Yield what will run as root on the new host without anybody having looked at it."""
    if (origin.url or origin.kind is Kind.INDEX) and not origin.sha256:
        yield f"whoever answers for {origin.where} then is root on the new host: it is taken without a sum"
    elif origin.kind in (Kind.INDEX, Kind.WHEEL):
        yield "what hosttune needs comes from the host's index without a sum; a .pyz has all of it inside"


def _notes(roles: Sequence[str], size: int) -> Iterator[str]:
    """Yield what is to be known before a document of `size` bytes is used."""
    for path in elsewhere.local_files(roles):
        yield f"the new host needs {path} of this one too; or name it with --profile"
    if size > _EC2:
        yield f"{size:,} bytes, and Amazon EC2 takes {_EC2:,}; cloud-init takes it compressed by gzip too"


_FROM = "write image, a URL or path of a .whl or .pyz (`hosttune hook pyz` makes one), or NAME==VERSION of an index"
_SUM = "add --sha256 HEX, as sha256sum prints it, or --no-sha256 to accept any"


def _source(origin: Origin) -> cloud_init.Origin:
    """Return where hosttune comes from; raises UsageError."""
    spec, sha256 = origin.spec, origin.sha256
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"--sha256 {sha256}: no sum; write the 64 digits that sha256sum prints")
    if sha256 and origin.no_sha256:
        raise UsageError("--sha256 and --no-sha256: one of the two")
    if not spec:
        raise UsageError(f"--from: missing: where the new host gets hosttune; {_FROM}")
    if spec == Kind.IMAGE:
        kind, wrong = Kind.IMAGE, ""
        if sha256 or origin.no_sha256:
            wrong = "it is there already and nothing is fetched; leave out the sum"
    elif _PLACE.fullmatch(spec):
        path = spec.partition("?")[0].partition("#")[0]
        kind = Kind.WHEEL if path.endswith(".whl") else Kind.PYZ
        wrong = _wrong_place(origin, path)
    elif _REQUIREMENT.fullmatch(spec):
        kind, wrong = Kind.INDEX, _wrong_requirement(origin)
    else:
        raise UsageError(f"--from {spec!r}: unknown; {_FROM}")
    if wrong:
        raise UsageError(f"--from {spec}: {wrong}")
    return cloud_init.Origin(kind, spec, sha256.lower())


def _wrong_place(origin: Origin, path: str) -> str:
    """Return what is wrong with a URL or path, "" for nothing."""
    if not path.endswith((".whl", ".pyz")):
        return "neither a .whl nor a .pyz; name one of the two"
    if origin.spec.startswith("http://") and not origin.sha256:
        return "anybody on the way could change it; add --sha256 HEX"
    if "://" in origin.spec and not (origin.sha256 or origin.no_sha256):
        return f"root will run what the server gives then; {_SUM}"
    return ""


def _wrong_requirement(origin: Origin) -> str:
    """Return what is wrong with what pip finds in an index, "" for nothing."""
    if not (origin.sha256 or origin.no_sha256):
        return f"root will run what the index has by that name then; {_SUM}"
    if origin.sha256 and ("==" not in origin.spec or "*" in origin.spec):
        return "a sum is that of one version; write NAME==VERSION"
    return ""
