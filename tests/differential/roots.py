"""Build and cache whole Debian roots whose real programs the differential tests run."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tests import needs

TRIES = 2
PATIENCE = 600
"""Seconds that a build may take: about a minute on two idle cores."""
_failed: dict[str, str] = {}
"""Why a root could not be built: each of its tests would try it again."""
PACKAGES = "procps,systemd,libpam-modules,libpam-runtime,passwd"


class RootUnavailable(RuntimeError):
    """The root cannot be built here (not root, no debootstrap, or no mirror)."""


def cache_dir() -> Path:
    """Directory that keeps the roots between test runs."""
    given = os.environ.get("HOSTTUNE_TEST_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "hosttune-tests"


def mirror() -> str:
    """URL of the Debian mirror this machine's apt uses."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RootUnavailable(f"apt-get does not say which mirror it uses: {error}") from error
    for line in done.stdout.splitlines():
        if "security" not in line and line.strip():
            return line.strip()
    raise RootUnavailable("apt-get knows no mirror")


def needed_root(suite: str, extra: tuple[str, ...] = (), bare: bool = False) -> Path:
    """Directory of a root as `debian_root` makes it; the test is skipped where there is none, and fails under CI."""
    needs.need("namespaces")
    there = (root_dir(suite, extra, bare) / ".complete").exists()
    if not there:
        needs.need("debootstrap")
    if not there and not needs.ci():
        needs.missing("takes a Debian root: run under CI=true once to build it")
    try:
        return debian_root(suite, extra, bare)
    except RootUnavailable as error:
        needs.missing(str(error))
        raise


def root_dir(suite: str, extra: tuple[str, ...] = (), bare: bool = False) -> Path:
    """Directory that a root has in the cache, built or not; the packages beyond PACKAGES are part of its name."""
    return cache_dir() / "+".join([suite, *(["bare"] if bare else []), *sorted(extra)])


def debian_root(suite: str, extra: tuple[str, ...] = (), bare: bool = False) -> Path:
    """Directory of a minimal Debian root of `suite` (e.g. "trixie") with `extra` packages, built on first use.

    A `bare` one has those alone, beside what every Debian has.

    Safe to call from several processes at once: a lock file next to the roots serialises
    the build.  Raises RootUnavailable if the root cannot be built on this machine.
    """
    cache, root = cache_dir(), root_dir(suite, extra, bare)
    marker = root / ".complete"
    if marker.exists():
        return root
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise RootUnavailable("building a Debian root needs root and debootstrap")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if marker.exists():
            return root
        if str(root) in _failed:
            raise RootUnavailable(_failed[str(root)])
        debs = cache / "debs"
        debs.mkdir(exist_ok=True)
        wanted = [*([] if bare else [PACKAGES]), *sorted(extra)]
        options = ["--variant=minbase", f"--include={','.join(wanted)}", f"--cache-dir={debs}"]
        for _ in range(TRIES):
            if root.exists():  # left by an interrupted build
                shutil.rmtree(root)
            if not (why := _built([*options, suite, str(root), mirror()])):
                break
        else:
            _failed[str(root)] = f"debootstrap {suite} {why}"
            raise RootUnavailable(_failed[str(root)])
        marker.touch()
    return root


def _built(words: list[str]) -> str:
    """Build a root; return why that failed. What it starts and mounts ends with it, so that the rest can be removed."""
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    try:
        done = subprocess.run(
            [*own, "debootstrap", *words], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"took more than {PATIENCE} s"
    return f"failed: {done.stdout[-500:]}{done.stderr[-500:]}" if done.returncode else ""
