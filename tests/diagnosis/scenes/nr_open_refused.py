"""A program with CAP_SYS_RESOURCE asks for more descriptors than fs.nr_open: EPERM all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "nr-open"
WHERE = "guest"
_CODE = """
import os, resource, sys
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4000, 4000))
except (ValueError, OSError):
    print(os.getpid(), flush=True)
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    # what is said of setrlimit(2) only the program knows
    with limited.sysctls({"fs/nr_open": 2000}), made.child(_CODE, nofile=2000) as pid:
        yield ["--pid", pid, "--errno", "EPERM", "--call", "setrlimit"]
