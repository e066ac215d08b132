"""What tests take beyond Python and its packages, asked for in one place: a test that lacks it says so.

Without it a test is skipped with the reason, and the last line of a run names the packages of Debian that would run it.
Under CI a test that lacks anything fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

PACKAGES = {
    "ansible-playbook": "ansible-core",
    "ansible-lint": "ansible-lint",
    "apt-get": "apt",
    "bash-completion": "bash-completion",
    "chromium": "chromium",
    "cpio": "cpio",
    "debootstrap": "debootstrap",
    "diff": "diffutils",
    "erl": "erlang-base",
    "fish": "fish",
    "gcc": "gcc libc6-dev",
    "groff": "groff",
    "haproxy": "haproxy",
    "ifup": "ifupdown",
    "ip": "iproute2",
    "iptables-legacy": "iptables",
    "mandoc": "mandoc",
    "musl-gcc": "musl-tools",
    "mke2fs": "e2fsprogs",
    "modprobe": "kmod",
    "mosquitto": "mosquitto",
    "negate": "monitoring-plugins-basic",
    "netplan": "netplan.io",
    "nft": "nftables",
    "nginx": "nginx",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "promtool": "prometheus",
    "ps": "procps",
    "python3": "python3",
    "qemu-system-x86_64": "qemu-system-x86",
    "runc": "runc",
    "ss": "iproute2",
    "sysctl": "procps",
    "systemd-analyze": "systemd",
    "systemd-socket-activate": "systemd",
    "tc": "iproute2",
    "tsung": "tsung",
    "unzip": "unzip",
    "zsh": "zsh",
    "/lib/systemd/systemd-networkd": "systemd",
    "/lib/systemd/systemd": "systemd",
    "/usr/lib/nginx/modules/ngx_stream_module.so": "libnginx-mod-stream",
    "/usr/lib/systemd/systemd-sysctl": "systemd",
    "/usr/share/bash-completion/bash_completion": "bash-completion",
    "/usr/include/security/pam_modules.h": "libpam0g-dev",
    "/usr/lib/x86_64-linux-gnu/security/pam_limits.so": "libpam-modules",
}
"""The packages of Debian by program, or by file: what has no entry here is in every Debian (util-linux, coreutils)."""

_INSTALL = re.compile(r"\(apt-get install ([a-z0-9.+ -]+)\)")
_PLACES = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/nagios/plugins"))
ROOT = "takes root"

taken: list[str] = []
"""What the test that runs has asked for: it is slow then (tests/conftest.py)."""


def ci() -> bool:
    """Say whether this is a run in which nothing may be missing."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def where(program: str) -> str:
    """Return the path of a program, "" where it is not installed; one that pip has installed comes first."""
    if program.startswith("/"):
        return program if os.path.exists(program) else ""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), _PLACES]
    return shutil.which(program, path=os.pathsep.join(places)) or ""


def need(*wanted: str) -> None:
    """Skip the test, or fail it under CI, where anything is missing.

    `wanted` are programs, absolute paths, or "root", "namespaces" (root may make network namespaces), "user namespaces"
    (anybody may).
    """
    taken.extend(wanted)
    conditions = {"root": _no_root, "namespaces": _no_namespaces, "user namespaces": _no_user_namespaces}
    reasons = [why for name in wanted if name in conditions and (why := conditions[name]())]
    lacking = [name for name in wanted if name not in conditions and not where(name)]
    if lacking:
        reasons.append(f"{', '.join(lacking)}: not installed")
    if reasons:
        missing("; ".join(reasons), *(PACKAGES[name] for name in lacking if name in PACKAGES))


def missing(why: str, *packages: str) -> None:
    """Skip the test for a reason, or fail it under CI; `packages` would fix it."""
    install = f" (apt-get install {' '.join(_each(packages))})" if packages else ""
    if ci():
        pytest.fail(why + install)
    pytest.skip(why + install)


def closing(reasons: Iterable[str]) -> str:
    """Return the line that says how to run what was skipped for these reasons, "" where nothing would."""
    lacking = [one for one in reasons if _INSTALL.search(one) or ROOT in one]
    packages = _each(found[1] for one in lacking if (found := _INSTALL.search(one)))
    ways = [f"apt-get install {' '.join(packages)}"] if packages else []
    ways += ["run it as root"] if any(ROOT in one for one in lacking) else []
    tests = f"the {len(lacking)} tests that were" if len(lacking) > 1 else "the test that was"
    return f"To run {tests} skipped: {', and '.join(ways)}" if ways else ""


def _each(packages: Iterable[str]) -> list[str]:
    return sorted({word for one in packages for word in one.split()})


def _no_root() -> str:
    return "" if os.geteuid() == 0 else ROOT


@cache
def _no_namespaces() -> str:
    if os.geteuid() != 0:
        return ROOT
    return _refused(["unshare", "--net", "--mount", "--pid", "--fork", "true"])


@cache
def _no_user_namespaces() -> str:
    return _refused(["unshare", "--user", "--map-root-user", "--net", "true"])


def _refused(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return "" if done.returncode == 0 else f"no namespaces here: {done.stderr.strip() or 'unshare fails'}"
