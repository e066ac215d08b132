"""The page size of the kernel, in which it counts memory (getpagesize(2)): not on every machine is it 4 KiB."""

from __future__ import annotations

import os
from typing import Annotated

from hosttune.host.answers import Is


def _is_size(size: object) -> bool:
    # 4 KiB to 256 KiB are what kernels are built with: a power of two
    return type(size) is int and 4096 <= size <= 1 << 18 and size & (size - 1) == 0


def run() -> Annotated[int, Is(_is_size, "no size of a page")]:
    """Return the bytes of a page (AT_PAGESZ of getauxval(3))."""
    return os.sysconf("SC_PAGESIZE")
