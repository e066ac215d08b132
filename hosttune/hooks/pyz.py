"""hosttune.pyz: one file that Python runs, with the wheels of several platforms in it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import product

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ARCHES = ("x86_64", "aarch64")
LIBCS = ("glibc", "musl")
# isolated: neither PYTHON* nor what lies in the user's site-packages runs in a program of root. Not `env -S`, which
# busybox has not
MARK = b'#!/bin/sh\nexec python3 -I "$0" "$@"\n'
_GLIBC = ("manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1")
# the first that a wheel has counts: old ones run on more hosts
_TAGS = {"glibc": (*_GLIBC, "manylinux_2_28"), "musl": ("musllinux_1_1", "musllinux_1_2")}
# 1980 is where the dates of a zip file begin: one that does not change
_EPOCH = (1980, 1, 1, 0, 0, 0)

_MAIN = """\
# what an old Python must be able to read; the rest is not for it
import sys

if sys.version_info < {floor}:
    said = "hosttune.pyz: this is Python %d.%d; run it with {wanted}" % sys.version_info[:2]
    try:
        with open("/etc/os-release") as file:
            if "VERSION_CODENAME=bullseye" in file.read():
                said += ", of which Debian 11 has none"
    except IOError:
        pass
    sys.stderr.write(said + "\\n")
    sys.exit(3)
import hosttune_pyz

hosttune_pyz.ready({name!r}, {targets})
from hosttune.cli import main

main()
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A Python of a platform: "3.11", "x86_64", "glibc"."""

    python: str
    arch: str
    libc: str

    def __str__(self) -> str:
        return f"Python {self.python} on {self.arch} with {self.libc}"

    @property
    def digits(self) -> str:
        return self.python.replace(".", "")

    @property
    def suffix(self) -> str:
        """What that Python has in the names of its compiled modules."""
        return f"cpython-{self.digits}-{self.arch}-linux-{'gnu' if self.libc == 'glibc' else 'musl'}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """Tags of the wheels that it can run, the best first."""
        return tuple(f"{tag}_{self.arch}" for tag in _TAGS[self.libc])


def targets(pythons: Sequence[str], arches: Sequence[str], libcs: Sequence[str]) -> tuple[Target, ...]:
    """Return every combination, in an order that does not depend on that of what was named."""
    return tuple(
        Target(*combination)
        for combination in product(PYTHONS, ARCHES, LIBCS)
        if combination[0] in pythons and combination[1] in arches and combination[2] in libcs
    )


def wheel(files: Mapping[str, bytes]) -> bytes:
    """Return files (bytes by path) as a wheel; the same files are the same bytes."""
    return _zipped(sorted(files.items()), zipfile.ZIP_DEFLATED)


def build(version: str, wheels: Mapping[str, bytes], wanted: Mapping[Target, Iterable[str]]) -> bytes:
    """Return the file; `wheels` are bytes by file name, `wanted` names those of each target."""
    seal = hashlib.sha256()
    for name, data in sorted(wheels.items()):
        seal.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
    start = resources.files("hosttune.hooks").joinpath("pyz_start.py").read_bytes()
    oldest = min((target.python for target in wanted), key=lambda python: tuple(map(int, python.split("."))))
    text = _MAIN.format(
        floor=tuple(map(int, oldest.split("."))),
        wanted=", ".join(sorted({f"python{target.python}" for target in wanted})),
        name=f"{version}-{seal.hexdigest()[:16]}",
        targets={target.suffix: sorted(names) for target, names in wanted.items()},
    )
    # wheels are compressed already
    files = [("__main__.py", text.encode()), ("hosttune_pyz.py", start)]
    files += [(f"wheels/{name}", data) for name, data in sorted(wheels.items())]
    return _zipped(files, zipfile.ZIP_STORED, MARK)


def _zipped(files: Iterable[tuple[str, bytes]], method: int, before: bytes = b"") -> bytes:
    into = io.BytesIO()
    into.write(before)
    with zipfile.ZipFile(into, "w") as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = method
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return into.getvalue()
