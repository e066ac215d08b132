"""The newest HAProxy that Debian has in any suite, unpacked with its libraries beside this system's own."""

from __future__ import annotations

from tests.differential.unpacked import files_of

SUITES = ("sid", "experimental")
"""The suites that have the newest versions, newest last."""


def command() -> list[str]:
    """Return the command that runs it; the test is skipped where it was never unpacked, and fails under CI."""
    root = files_of("haproxy-newest", SUITES, "haproxy", whole=True)
    (loader,) = root.glob("usr/lib64/ld-linux*")
    return [str(loader), "--library-path", str(next(root.glob("usr/lib/*-linux-gnu"))), str(root / "usr/sbin/haproxy")]
