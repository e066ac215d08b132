"""A host as it will be: what is read of it is what the changes give."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.changes.planned import Planned
from hosttune.model import Change
from hosttune.resolve.pam_limits import limits_of
from tests.changes import tree

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max processes             100                  100                  processes
Max open files            1024                 4096                 files
Max locked memory         8388608              8388608              bytes
"""


@pytest.fixture
def host(tmp_path: Path) -> tree.Host:
    for pid in (7, 8):
        (tmp_path / f"proc/{pid}").mkdir(parents=True)
        (tmp_path / f"proc/{pid}/limits").write_text(LIMITS)
    return tree.Host(tmp_path)


def test_the_limits_of_a_process_are_those_that_it_will_have(host: tree.Host) -> None:
    planned = Planned(host, [Change("prlimit", "7:12345", "1024 4096", "60200 60300")])
    assert limits_of(planned.read("/proc/7/limits")) == (60_200, 60_300)
    assert limits_of(planned.read("/proc/8/limits")) == (1024, 4096)
    # all else of the file stays
    assert planned.read("/proc/7/limits").splitlines()[1::2] == LIMITS.splitlines()[1::2]
    assert limits_of(planned.with_([]).read("/proc/7/limits")) == (60_200, 60_300)
