"""The page size of the kernel, in which it counts memory (getpagesize(2)): not on every machine is it 4 KiB."""

from __future__ import annotations

import os


def run() -> int:
    """Return the bytes of a page (AT_PAGESZ of getauxval(3))."""
    return os.sysconf("SC_PAGESIZE")
