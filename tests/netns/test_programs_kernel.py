"""The programs probe finds who owns a listener, however few descriptors it has."""

from __future__ import annotations

import os

from hosttune.host.probes import programs
from tests.diagnosis import made
from tests.netns.sandbox import inside


def small() -> None:
    server = made.listener(("127.0.0.1", 1883))
    assert len(os.listdir("/proc/self/fd")) < 20
    inode = os.fstat(server.fileno()).st_ino
    assert os.getpid() not in [row["pid"] for row in programs.run()["programs"]]
    # a number far away: the descriptor is not among the first
    os.dup2(server.fileno(), 900)
    server.close()
    (own,) = [row for row in programs.run(inodes=[inode])["programs"] if row["pid"] == os.getpid()]
    assert own["listens"] == [inode]


def test_a_program_with_few_descriptors_is_found_by_its_listener() -> None:
    inside("tests.netns.test_programs_kernel", "small")
