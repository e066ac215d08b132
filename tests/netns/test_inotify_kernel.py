"""What is counted of inotify is what processes have made: once where a child has inherited it."""

from __future__ import annotations

import ctypes
import os
import tempfile

from hosttune.host.probes import inotify, mappings
from tests.netns.sandbox import inside


def test_instances_and_watches_are_counted_once() -> None:
    assert inside("tests.netns.test_inotify_kernel", "make", alone=True).split() == ["2", "1", "2", "1"]


def make() -> None:
    """Make two instances with a watch in one of them, where nobody else is; print what is counted, in a child too."""
    libc = ctypes.CDLL(None, use_errno=True)
    first = libc.inotify_init1(0)
    libc.inotify_init1(0)
    assert libc.inotify_add_watch(first, tempfile.gettempdir().encode(), 2) > 0
    if child := os.fork():
        os.waitpid(child, 0)
    (user,) = inotify.run()["users"]
    print(user["instances"], user["watches"], flush=True)
    if not child:
        os._exit(0)


def test_mappings_are_the_lines_of_the_file() -> None:
    with open("/proc/self/maps", "rb") as file:
        lines = len(file.readlines())
    assert abs(mappings.run([os.getpid(), 2**22])[str(os.getpid())] - lines) <= 2
