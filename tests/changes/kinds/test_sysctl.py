"""What sysctls become: of what is now and what a boot brings, the better stays; nothing is dropped without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hosttune.host.recorded import Recorded
from hosttune.workflows import apply
from tests.changes import acts, tree
from tests.changes.test_apply import ask, profile, sysctl

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

DROP_IN = "etc/sysctl.d/90-hosttune.conf"
UNIT_DROP_IN = "etc/systemd/system/haproxy.service.d/90-hosttune.conf"
RANGE = "net.ipv4.ip_local_port_range"


CASES: dict[str, tuple[str, str, object, str, str | None, str, str]] = {
    # name: key, operator, wanted, now, on disk, then now, then at boot
    "lowered by hand": ("net.core.somaxconn", "at_least", 1024, "100", None, "4096", "4096"),
    "the disk is better": ("net.core.somaxconn", "at_least", 1024, "100", "9000", "9000", "9000"),
    "now is better": ("net.core.somaxconn", "at_least", 1024, "9000", "100", "9000", "9000"),
    "each has its better half": (
        "net.ipv4.tcp_mem", "at_least", [1, 2, 3], "9 1 1", "1 8 1", "9 8 3", "9 8 3",
    ),
    "the lower one is better": ("vm.swappiness", "at_most", 30, "60", "5", "5", "5"),
    "within two bounds now stays": ("vm.swappiness", "between", [10, 20], "15", "5", "15", "15"),
    "within two bounds the disk stays": ("vm.swappiness", "between", [10, 20], "60", "12", "12", "12"),
    "a range is widened both ways": (
        RANGE, "covers", [20000, 30000], "25000 40000", None, "20000 60999", "20000 60999",
    ),
    "no worse than now": ("net.ipv4.tcp_mem", "not_below_now", None, "9 9 9", "10 8 10", "9 9 9", "10 9 10"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_of_what_is_now_and_what_comes_the_better_stays(root: Path, run: Any, name: str) -> None:
    key, operator, value, now, disk, then_now, then_boot = CASES[name]
    (root / "proc/sys" / key.replace(".", "/")).write_text(f"{now}\n")
    if disk:
        (root / "etc/sysctl.d/50-theirs.conf").write_text(f"{key} = {disk}\n")
    mine = profile(root, "mine", (f"sysctl:{key}", operator, value))
    text = Path(mine).read_text()
    if operator == "between":
        text = text.replace(f"value = {json.dumps(value)}", f"values = {json.dumps(value)}")
    if value is None:
        text = text.replace("value = null\n", "")
    Path(mine).write_text(text)
    code, document = run(root, ask(mine))
    assert (code, document["refused"]) == (0, [])
    assert sysctl(root, key) == then_now
    assert (tree.at_boot(root, key) or then_boot) == then_boot
    assert (disk == then_boot) != (root / DROP_IN).exists()
    assert run(root, ask(mine))[1]["changed"] is False


def test_an_image_gets_what_has_but_one_right_value(tmp_path: Path, run: Any) -> None:
    made = tree.image(tmp_path)
    rows = (("sysctl:vm.overcommit_memory", "equals", 1), ("sysctl:vm.min_free_kbytes", "at_least", 70_000))
    # nobody knows what its kernel holds: at least 70,000 may be there, one of these may not
    code, document = run(made, ask(profile(made, "mine", *rows), root=str(made), allow_key=["vm.overcommit_memory"]))
    assert code == 0 and tree.at_boot(made, "vm.overcommit_memory") == "1"
    assert tree.at_boot(made, "vm.min_free_kbytes") is None
    assert any("vm.min_free_kbytes" in note for note in document["notes"])


def test_a_key_that_the_kernel_has_not_got_is_named(root: Path, run: Any) -> None:
    code, document = run(root, ask(profile(root, "mine", ("sysctl:net.core.nosuchkey", "equals", 1))))
    assert (code, document["changed"]) == (0, False)
    assert any("net.core.nosuchkey" in note and "no such key" in note for note in document["notes"])
    (root / "proc/sys/vm/swappiness").unlink()
    document = run(root, ask(profile(root, "mine", ("sysctl:vm.swappiness", "at_most", 60))))[1]
    assert document["notes"] == []  # a key that is described, and that this kernel has not got, is no slip


def test_the_first_port_that_the_plan_itself_lowers_is_no_hindrance(root: Path, run: Any) -> None:
    (root / "etc/sysctl.d/50-theirs.conf").write_text("net.ipv4.ip_unprivileged_port_start = 2000\n")
    assert run(root, tree.asked(only="sysctl"))[0] == 0  # the base profile wants 1024 at most
    lines = [line for line in (root / DROP_IN).read_text().splitlines() if "port" in line and line[0] != "#"]
    assert lines == ["net.ipv4.ip_unprivileged_port_start = 1024", f"{RANGE} = 1024 65535"]


def test_an_image_without_the_directories_gets_them(tmp_path: Path, run: Any) -> None:
    made = tree.image(tmp_path)
    for path in ("etc/sysctl.d", "etc/systemd/system", "etc/systemd", "etc/modules-load.d"):
        (made / path).rmdir()
    assert run(made, tree.asked(root=str(made)))[0] == 0
    assert (made / DROP_IN).exists() and (made / UNIT_DROP_IN).exists()


def test_a_recording_is_not_taken_to_lack_what_every_host_has() -> None:
    path = next((Path(__file__).parents[2] / "hosts").glob("debian12-stock.json"))
    host = Recorded.load(str(path))
    made = apply.on(host, acts.wish(tree.asked(dry_run=True, snapshot=str(path)))).changes
    assert {c.target for c in made if c.backend == "directory"} <= {"/etc/systemd/system/haproxy.service.d"}
    assert any(c.target == f"/{DROP_IN}" for c in made)
