"""The files of a process, as the kernel writes them and as nobody should."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hosttune.host import proc


def test_stat_counts_from_the_last_bracket() -> None:
    line = "7 (a) b (c)) S 5 7 7 34816 -1 4194560 1 0 0 0 10 20 0 0 20 0 3 0 100 0 0"
    found = proc.stat(line)
    assert found == proc.Stat("a) b (c)", 5, 34816, 30, 20, 3, "100")
    assert proc.stat("7") is None and proc.stat("7 (a) S") == proc.Stat("a", -1, -1, -2, -1, -1, "")


def test_what_this_process_is() -> None:
    own = proc.stat(Path("/proc/self/stat").read_text())
    rows = proc.status(Path("/proc/self/status").read_text())
    assert own and own.parent == os.getppid() and rows["Uid"].split()[0] == str(os.getuid())
    assert (proc.kib(rows["VmRSS"]) or 0) > 0 and proc.kib("5 MB") is None


def test_root_of_a_namespace_of_its_own_has_no_capability_of_the_host() -> None:
    rows = {"CapEff": "000001ffffffffff"}
    assert proc.capabilities(rows, "         0          0 4294967295\n") == (1 << 41) - 1
    assert proc.capabilities(rows, "         0     100000      65536\n") == 0
    assert proc.capabilities({}, "") is None


def test_groups_and_mounts() -> None:
    assert list(proc.groups("4:memory:/a:b\n0::/x\nodd\n")) == [(("memory",), "/a:b"), ((), "/x")]
    assert proc.mounts("tmpfs /run tmpfs rw,nosuid 0 0\n") == [proc.Mount("/run", "tmpfs", ("rw", "nosuid"))]
    info = "26 1 0:24 /- /run ro shared:1 - tmpfs tmpfs rw\n27 1 0:2 / /x rw\n"
    assert proc.mountinfo(info) == [proc.Mount("/run", "tmpfs", ("ro",), "/-"), proc.Mount("/x", "", ("rw",), "/")]


@given(st.text())
def test_no_text_stops_a_reader(text: str) -> None:
    proc.stat(text), proc.status(text), list(proc.groups(text)), proc.mounts(text), proc.mountinfo(text)
