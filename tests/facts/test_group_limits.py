"""What a control group has refused, and what its sockets take of its memory, in both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.facts import cgroup
from tests.running import Running

FILES = {
    "v2": {
        "/proc/self/mounts": "cgroup2 /g cgroup2 rw 0 0\n",
        "/proc/9/cgroup": "0::/broker\n",
        "/g/broker/memory.max": "1000000\n",
        "/g/broker/memory.current": "900000\n",
        "/g/broker/memory.stat": "anon 1\nsock 40000\nactive_file 100000\ninactive_file 200000\n",
        "/g/broker/memory.events": "low 0\nhigh 0\nmax 17\noom 1\noom_kill 1\n",
        "/g/broker/pids.max": "50\n",
        "/g/broker/pids.current": "50\n",
        "/g/broker/pids.events": "max 3\n",
    },
    "v1": {
        "/proc/self/mounts": "c /m cgroup rw,memory 0 0\nc /p cgroup rw,pids 0 0\n",
        "/proc/9/cgroup": "3:memory:/broker\n2:pids:/broker\n",
        "/m/broker/memory.limit_in_bytes": "1000000\n",
        "/m/broker/memory.usage_in_bytes": "900000\n",
        "/m/broker/memory.stat": "active_file 1\ntotal_active_file 100000\ntotal_inactive_file 200000\n",
        "/m/broker/memory.failcnt": "17\n",
        "/m/broker/memory.kmem.tcp.usage_in_bytes": "40000\n",
        "/p/broker/pids.max": "50\n",
        "/p/broker/pids.current": "50\n",
        "/p/broker/pids.events": "max 3\n",
    },
}


def host(root: Path, files: dict[str, str]) -> Running:
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return Running(root)


@pytest.mark.parametrize("version", FILES)
def test_a_limit_with_what_it_refused(version: str, tmp_path: Path) -> None:
    found = {one.controller: one for one in cgroup.gather(host(tmp_path, FILES[version]), "9")}
    memory, pids = found["memory"], found["pids"]
    # the kernel drops cache before it refuses memory, of either list
    assert (memory.limit, memory.used, memory.refused, memory.sockets) == (1_000_000, 600_000, 17, 40_000)
    assert (pids.limit, pids.used, pids.refused, pids.sockets) == (50, 50, 3, None)


@pytest.mark.parametrize("version", FILES)
def test_what_a_kernel_does_not_count_is_not_zero(version: str, tmp_path: Path) -> None:
    kept = {
        path: text
        for path, text in FILES[version].items()
        if not path.endswith((".events", "failcnt", "kmem.tcp.usage_in_bytes"))
    }
    kept = {path: text.replace("sock 40000\n", "") for path, text in kept.items()}
    assert {(one.refused, one.sockets) for one in cgroup.gather(host(tmp_path, kept), "9")} == {(None, None)}
