"""What holds now and is on no disk is lost at a boot: it is told, and written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hosttune.resolve.sysctl_systemd import resolve_systemd
from tests.changes import acts, tree
from tests.changes.test_apply import DROP_IN, ask, profile, said, targets

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

__all__ = ["said"]  # a fixture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.make(tmp_path / "host")


def boot(root: Path) -> dict[str, str]:
    return {key: found.text for key, found in resolve_systemd(tree.Host(root)).values.items()}


def as_image(root: Path) -> None:
    """Leave no kernel in the tree."""
    for path in (root / "proc/sys").rglob("*"):
        if path.is_file():
            path.unlink()


def test_what_was_set_for_now_is_written_by_the_next_apply(root: Path, said: Any) -> None:
    assert acts.apply(tree.Host(root), tree.asked(runtime_only=True)) == 0
    lost = {r["subject"]: r["verdict"] for r in said()["results"]}
    assert lost["sysctl:fs.nr_open"] == lost["sysctl:net.ipv4.tcp_mem"] == "DRIFT"
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert {"fs.nr_open": "2000200", "net.ipv4.tcp_mem": "327680 491520 737280"}.items() <= boot(root).items()


@pytest.mark.parametrize(
    ("key", "now"), [("net.core.somaxconn", "70000"), ("kernel.pid_max", "4000000"), ("vm.swappiness", "90")]
)
def test_a_profile_that_extends_nothing_keeps_what_it_asks_for(root: Path, key: str, now: str, said: Any) -> None:
    tree.make(root, sysctls={key.replace(".", "/"): now})
    mine = profile(root, "mine", (f"sysctl:{key}", "at_least", int(now) - 1))
    assert acts.apply(tree.Host(root), ask(mine)) == 0
    assert boot(root) == {key: now}
    assert said()["results"][0]["verdict"] == "OK"
    assert acts.apply(tree.Host(root), ask(mine)) == 0
    assert said()["changed"] is False


def test_a_key_whose_default_nobody_knows_is_not_called_right(root: Path, said: Any) -> None:
    tree.make(root, sysctls={"kernel/some": "5"})
    mine = profile(root, "mine", ("sysctl:kernel.some", "at_least", 5))
    assert acts.apply(tree.Host(root), ask(mine, dry_run=True, allow_key=["kernel.some"])) == 4
    assert targets(said()) == [f"/{DROP_IN}"]
    acts.apply(tree.Host(root), ask(mine, allow_key=["kernel.some"]))
    assert boot(root) == {"kernel.some": "5"}


def test_nr_open_by_hand_does_not_carry_a_service_over_a_boot(root: Path, said: Any) -> None:
    unit = {"/usr/lib/systemd/system/haproxy.service": "[Service]\nExecStart=/x\nLimitNOFILE=infinity\n"}
    tree.make(root, unit, {"fs/nr_open": "3000000"})
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    results = {r["subject"]: r for r in said()["results"]}
    assert results["nofile:unit/haproxy.service"]["verdict"] == "OK"
    assert boot(root)["fs.nr_open"] == "3000000"


def test_the_line_of_a_module_that_comes_too_late_is_made_to_count(root: Path, said: Any) -> None:
    key = "net.netfilter.nf_conntrack_max"
    line = {"/etc/sysctl.d/50-x.conf": f"{key} = 5000000\n"}
    tree.make(root, line, {"net/netfilter/nf_conntrack_max": "3000000", "net/netfilter/nf_conntrack_count": "7"})
    mine = profile(root, "mine", (f"sysctl:{key}", "at_least", 2_000_000))
    assert acts.apply(tree.Host(root), ask(mine)) == 0
    assert "/etc/modules-load.d/90-hosttune.conf" in targets(said())
    assert boot(root)[key] == "5000000"  # what its owner wrote there, not less
    assert acts.apply(tree.Host(root), ask(mine)) == 0
    assert said()["changed"] is False


def test_a_key_that_this_kernel_has_not_got_is_not_written(root: Path, said: Any) -> None:
    tree.make(root, {"/etc/sysctl.d/50-guide.conf": "net.ipv4.tcp_tw_recycle = 1\n"})
    mine = profile(root, "mine", ("sysctl:net.ipv4.tcp_tw_recycle", "equals", 0))
    assert acts.apply(tree.Host(root), ask(mine)) == 0
    assert said()["changed"] is False


def test_an_image_gets_what_must_be_one_value(root: Path, said: Any) -> None:
    as_image(root)
    mine = profile(
        root,
        "mine",
        ("sysctl:net.ipv4.tcp_tw_reuse", "equals", 1),
        ("sysctl:kernel.some", "equals", 3),
        ("sysctl:kernel.other", "at_least", 3),
        ("sysctl:net.core.somaxconn", "at_least", 65535),
    )
    assert acts.apply(tree.Host(root), ask(mine, allow_key=["kernel.some"])) == 0
    assert boot(root) == {"net.ipv4.tcp_tw_reuse": "1", "kernel.some": "3", "net.core.somaxconn": "65535"}
    notes = json.dumps(said()["notes"])
    assert "kernel.other" in notes and "kernel.some" not in notes
