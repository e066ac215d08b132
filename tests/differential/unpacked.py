"""Files of packages of any suite of Debian, unpacked into the cache beside this system's own."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests import needs
from tests.differential.roots import RootUnavailable, cache_dir, mirror

_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def files_of(name: str, suites: Sequence[str], *packages: str, whole: bool = False) -> Path:
    """Return the directory of the files of packages of some suites; `whole`: with what they depend on, of the last.

    The test is skipped where they were never unpacked, and fails under CI where that cannot be done.
    """
    needs.need("namespaces", "apt-get")
    root = cache_dir() / name
    if not (root / ".complete").exists() and not needs.ci():
        needs.missing(f"takes {name} of Debian: run under CI=true once to unpack it")
    try:
        _unpack(root, suites, packages, whole)
    except RootUnavailable as error:
        needs.missing(str(error))
    return root


def _unpack(root: Path, suites: Sequence[str], packages: Sequence[str], whole: bool) -> None:
    """Unpack them once, whoever else does; raises RootUnavailable."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (root / ".complete").exists():
            return
        shutil.rmtree(root, ignore_errors=True)
        work = root / "apt"
        archives = work / "cache/archives"
        for directory in (work / "state/lists/partial", archives / "partial"):
            directory.mkdir(parents=True)
        (work / "status").touch()
        lines = [f"deb [signed-by={_KEYS}] {mirror()} {suite} main\n" for suite in suites]
        (work / "sources.list").write_text("".join(lines))
        _apt(work, "update")
        # what they depend on of the same suite: a library of one suite may not go with one of the other
        how = ("install", "--yes", "--download-only", "--no-install-recommends", "-t", suites[-1])
        _apt(work, *(how if whole else ("download",)), *packages, into=archives)
        for package in archives.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
        shutil.rmtree(work)
        (root / ".complete").touch()


def _apt(work: Path, *words: str, into: Path | None = None) -> None:
    options = {
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    try:
        done = subprocess.run(
            ["apt-get", "-qq", *given, *words], cwd=into, capture_output=True, text=True, check=False, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RootUnavailable(f"apt-get {words[0]}: {error}") from error
    if done.returncode != 0:
        raise RootUnavailable(f"apt-get {words[0]} failed: {done.stderr[-500:]}")
