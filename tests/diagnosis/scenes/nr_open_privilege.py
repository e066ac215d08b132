"""A user without CAP_SYS_RESOURCE asks for more than its hard limit, which is far below fs.nr_open: EPERM too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "nr-open"
WHERE = "netns"
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
    with made.child(limited.PLAIN + _CODE, nofile=2000) as pid:
        yield ["--pid", pid, "--errno", "EPERM", "--call", "setrlimit"]
