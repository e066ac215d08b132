"""What would hurt, or cannot be written, is refused before the first write, now and for the next boot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hosttune.ports import mask_of
from tests.changes import tree
from tests.changes.test_apply import ask, profile, sysctl

RANGE = "net.ipv4.ip_local_port_range"
RESERVED = "net.ipv4.ip_local_reserved_ports"


def test_a_listener_that_is_reserved_in_both_layers_stops_no_range(root: Path, run: Any) -> None:
    tree.listen(root, 1883)
    (root / "proc/sys/net/ipv4/ip_local_reserved_ports").write_text("1883,8080\n")
    code, document = run(root, tree.asked(only="sysctl"))
    assert code == 5 and "1883" in document["refused"][0] and "after a boot" in document["refused"][0]
    (root / "etc/sysctl.d/50-theirs.conf").write_text(f"{RESERVED} = 1880-1889\n")
    assert run(root, tree.asked(only="sysctl"))[0] == 0
    assert tree.at_boot(root, RESERVED) == "1880-1889" and tree.at_boot(root, RANGE) == "1024 65535"


@pytest.mark.parametrize("first", ["", "1883,8080"])
def test_reserving_listeners_holds_after_a_boot_too(root: Path, run: Any, first: str) -> None:
    tree.listen(root, 1883)
    (root / "proc/sys/net/ipv4/ip_local_reserved_ports").write_text(f"{first}\n")
    (root / "etc/sysctl.d/50-theirs.conf").write_text(f"{RESERVED} = 9090-9099,7000\n")
    assert run(root, tree.asked(only="sysctl", reserve_listeners=True, runtime_only=True))[0] == 0
    assert run(root, tree.asked(only="sysctl", reserve_listeners=True))[0] == 0
    kept = mask_of(f"1883,7000,9090-9099,{first}")
    assert mask_of(str(tree.at_boot(root, RESERVED))) == kept
    assert mask_of(f"1883,{first}") & ~mask_of(sysctl(root, RESERVED)) == 0
    assert run(root, tree.asked(only="sysctl", reserve_listeners=True))[1]["changed"] is False


def test_what_is_reserved_by_hand_is_kept_after_a_boot(root: Path, run: Any) -> None:
    tree.listen(root, 1883)
    (root / "proc/sys/net/ipv4/ip_local_reserved_ports").write_text("1883,8080\n")
    assert run(root, tree.asked(only="sysctl", reserve_listeners=True))[0] == 0
    assert tree.at_boot(root, RESERVED) == "1883,8080"


def test_a_listener_below_the_wanted_range_is_reserved_where_the_range_holds_it(root: Path, run: Any) -> None:
    tree.listen(root, 9000)
    (root / "proc/sys/net/ipv4/ip_local_port_range").write_text("8000 40000\n")
    mine = profile(root, "mine", (f"sysctl:{RANGE}", "covers", [20000, 50000]))
    assert run(root, ask(mine, reserve_listeners=True))[0] == 0
    assert sysctl(root, RANGE) == "8000 60999" and sysctl(root, RESERVED) == "9000"


def test_a_range_that_the_boot_would_refuse_is_refused(root: Path, run: Any) -> None:
    mine = profile(root, "mine", (f"sysctl:{RANGE}", "covers", [1024, 65535]))
    (root / "etc/sysctl.d/50-theirs.conf").write_text("net.ipv4.ip_unprivileged_port_start = 2000\n")
    code, document = run(root, ask(mine))
    assert code == 5 and "within 2000 and 65535 at boot" in document["refused"][0]
    assert run(root, ask(mine, runtime_only=True))[0] == 0
    (root / "etc/sysctl.d/50-theirs.conf").unlink()
    (root / "proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("3000\n")
    (root / "proc/sys/net/ipv4/ip_local_port_range").write_text("32768 60999\n")
    code, document = run(root, ask(mine))
    assert code == 5 and "within 3000 and 65535 now" in document["refused"][0]
    assert run(root, ask(mine, persist_only=True))[0] == 0


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("net.core.somaxconn", "many", "takes 1 number there"),
        ("net.core.somaxconn", [1, 2], "takes 1 number there"),
        ("net.ipv4.tcp_mem", 5, "takes 3 numbers there"),
        ("net.ipv4.tcp_mem", [1, 2, 3, 4], "takes 3 numbers there"),
    ],
)
def test_what_is_no_number_to_the_kernel_is_refused(root: Path, run: Any, key: str, value: object, says: str) -> None:
    old = tree.look(root)
    code, document = run(root, ask(profile(root, "mine", (f"sysctl:{key}", "equals", value))))
    assert code == 5 and says in document["refused"][0] and key in document["refused"][0]
    assert tree.look(root) == old


PATHS = {
    "a link to nothing": ("etc/systemd/system/haproxy.service.d", "/dev/null"),
    "a file": ("etc/systemd/system/haproxy.service.d", ""),
    "no directory at all": ("etc/sysctl.d", "/nowhere"),
}


@pytest.mark.parametrize("name", PATHS)
def test_what_is_in_the_way_is_refused_before_the_first_write(root: Path, run: Any, name: str) -> None:
    place, link = PATHS[name]
    path = root / place
    if path.exists():
        path.rmdir()
    path.symlink_to(link) if link else path.write_text("")
    old = tree.look(root)
    code, document = run(root, tree.asked())
    assert code == 5 and any(f"/{place} is there and no directory" in said for said in document["refused"])
    assert tree.look(root) == old
