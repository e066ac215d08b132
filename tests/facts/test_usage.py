"""What is in use: control groups of both versions, the busiest process of a service, counts; from trees of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.errors import HostError
from hosttune.facts import cgroup, links, process
from hosttune.host.recorded import Recorded
from hosttune.model import Backend, GroupLimit, Reason, Unknown
from tests.running import Running

V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"
V1 = (
    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n"
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
)


def tree(root: Path, files: dict[str, str]) -> Running:
    for path, text in files.items():
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).write_text(text)
    return Running(root)


def test_version_2_counts_every_group_above(tmp_path: Path) -> None:
    top = "/sys/fs/cgroup/system.slice"
    host = tree(
        tmp_path,
        {
            "/proc/self/mounts": V2,
            "/proc/7/cgroup": "0::/system.slice/haproxy.service\n",
            f"{top}/haproxy.service/memory.max": "max\n",
            f"{top}/haproxy.service/pids.max": "1140\n",
            f"{top}/haproxy.service/pids.current": "3\n",
            f"{top}/memory.max": "1073741824\n",
            f"{top}/memory.current": "900000000\n",
            f"{top}/memory.stat": "anon 1\ninactive_file 100000000\n",
        },
    )
    assert cgroup.gather(host, "7") == (
        GroupLimit("memory", "system.slice", f"{top}/memory.max", 2**30, 800_000_000),
        GroupLimit("pids", "system.slice/haproxy.service", f"{top}/haproxy.service/pids.max", 1140, 3),
    )


def test_version_1_knows_no_limit_from_a_limit(tmp_path: Path) -> None:
    memory = "/sys/fs/cgroup/memory/docker/a1"
    host = tree(
        tmp_path,
        {
            "/proc/self/mounts": V1,
            "/proc/7/cgroup": "4:memory:/docker/a1\n3:pids:/docker/a1\n2:cpu,cpuacct:/\n0::/\n",
            f"{memory}/memory.limit_in_bytes": "536870912\n",
            f"{memory}/memory.usage_in_bytes": "1000\n",
            f"{memory}/memory.stat": "inactive_file 1\ntotal_inactive_file 5\n",
            "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/pids/docker/a1/pids.max": "max\n",
        },
    )
    assert cgroup.gather(host, "7") == (
        GroupLimit("memory", "docker/a1", f"{memory}/memory.limit_in_bytes", 2**29, 995),
    )


def test_a_container_sees_its_own_group_at_the_top(tmp_path: Path) -> None:
    host = tree(
        tmp_path,
        {
            "/proc/self/mounts": V2,
            "/proc/self/cgroup": "0::/\n",
            "/sys/fs/cgroup/memory.max": "268435456\n",
            "/sys/fs/cgroup/memory.current": "10\n",
        },
    )
    (found,) = cgroup.gather(host, "self")
    assert (found.group, found.limit, found.used) == ("this container", 2**28, 10)


def test_a_path_out_of_the_mount_is_not_followed(tmp_path: Path) -> None:
    host = tree(tmp_path, {"/proc/self/mounts": V2, "/proc/7/cgroup": "0::/../../x\n", "/memory.max": "5\n"})
    assert cgroup.gather(host, "7") == ()


def test_an_old_recording_says_that_it_was_not_asked() -> None:
    reads = {"/proc/self/mounts": {"is": V2}, "/proc/7/cgroup": {"is": "0::/a.slice\n"}}
    host = Recorded({"reads": reads, "globs": {}, "probes": {}})
    with pytest.raises(HostError) as caught:
        cgroup.gather(host, "7")
    assert caught.value.reason is Reason.NOT_RECORDED
    found = process.gather(host, [7])
    assert found and isinstance(found.descriptors, Unknown) and found.descriptors.reason is Reason.NOT_RECORDED
    assert links.on_link(host, (Backend("10.0.0.1", 80),), {}) is None


def recorded(status: str, map_: str) -> Recorded:
    reads = {"/proc/9/status": {"is": status}, "/proc/9/uid_map": {"is": map_}}
    return Recorded(
        {"reads": reads, "globs": {}, "probes": {'descriptors {"pids": [8, 9]}': {"is": {"8": 5, "9": 60}}}}
    )


@pytest.mark.parametrize(
    ("capabilities", "map_", "exempt"),
    [
        ("000001ffffffffff", "         0          0 4294967295\n", True),
        ("000001ffffffffff", "         0     100000      65536\n", False),
        ("00000000a80425fb", "         0          0 4294967295\n", False),
    ],
)
def test_the_busiest_process_and_whether_it_is_exempt(capabilities: str, map_: str, exempt: bool) -> None:
    found = process.gather(recorded(f"Name:\tx\nVmRSS:\t    2048 kB\nCapEff:\t{capabilities}\n", map_), [9, 8])
    assert found and (found.pid, found.descriptors, found.resident, found.exempt) == (9, 60, 2 << 20, exempt)
