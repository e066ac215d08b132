"""Build and cache whole Debian roots whose real programs the differential tests run."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tests import needs

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
        if root.exists():  # left by an interrupted build
            shutil.rmtree(root)
        wanted = [*([] if bare else [PACKAGES]), *sorted(extra)]
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(wanted)}"]
        try:
            done = subprocess.run(
                [*command, suite, str(root), mirror()],
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RootUnavailable(f"debootstrap {suite} took too long") from error
        if done.returncode != 0:
            raise RootUnavailable(f"debootstrap {suite} failed: {done.stdout[-500:]}")
        marker.touch()
    return root
