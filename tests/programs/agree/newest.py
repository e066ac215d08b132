"""The newest HAProxy that Debian has in any suite, unpacked with its libraries beside this system's own."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

from tests import needs
from tests.differential.roots import RootUnavailable, cache_dir, mirror

SUITES = ("sid", "experimental")
"""The suites that have the newest versions, newest last."""
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def command() -> list[str]:
    """Return the command that runs it; the test is skipped where it was never unpacked, and fails under CI."""
    needs.need("namespaces", "apt-get")
    root = cache_dir() / "haproxy-newest"
    if not (root / ".complete").exists() and not needs.ci():
        needs.missing("takes the newest HAProxy of Debian: run under CI=true once to unpack it")
    try:
        _unpack(root)
    except RootUnavailable as error:
        needs.missing(str(error))
    (loader,) = root.glob("usr/lib64/ld-linux*")
    return [str(loader), "--library-path", str(next(root.glob("usr/lib/*-linux-gnu"))), str(root / "usr/sbin/haproxy")]


def _unpack(root: Path) -> None:
    """Unpack it once, whoever else does; raises RootUnavailable."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / "haproxy-newest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (root / ".complete").exists():
            return
        shutil.rmtree(root, ignore_errors=True)
        work = root / "apt"
        for directory in ("state/lists/partial", "cache/archives/partial"):
            (work / directory).mkdir(parents=True)
        (work / "status").touch()
        lines = [f"deb [signed-by={_KEYS}] {mirror()} {suite} main\n" for suite in SUITES]
        (work / "sources.list").write_text("".join(lines))
        _apt(work, "update")
        # its dependencies of the same suite: a library of one suite may not go with one of the other
        _apt(work, "install", "--yes", "--download-only", "--no-install-recommends", "-t", SUITES[-1], "haproxy")
        for package in (work / "cache/archives").glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
        shutil.rmtree(work)
        (root / ".complete").touch()


def _apt(work: Path, *words: str) -> None:
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
            ["apt-get", "-qq", *given, *words], capture_output=True, text=True, check=False, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RootUnavailable(f"apt-get {words[0]}: {error}") from error
    if done.returncode != 0:
        raise RootUnavailable(f"apt-get {words[0]} failed: {done.stderr[-500:]}")
