"""The other addresses of a subnet stay while its first one goes: by changes in the journal, only where needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hosttune.changes import promotion
from hosttune.changes.order import holds, lasting
from hosttune.model import Change
from tests.running import Running

KEY = "net.ipv4.conf.eth0.promote_secondaries"


class Host(Running):
    """A machine whose interfaces have addresses, in the order in which the kernel lists them."""

    def __init__(self, root: Path, addresses: dict[str, list[str]], *, own: str = "0", all_: str = "0") -> None:
        super().__init__(root)
        self._addresses = addresses
        for name, value in [("all", all_), *((name, own) for name in addresses)]:
            (root / f"proc/sys/net/ipv4/conf/{name}").mkdir(parents=True, exist_ok=True)
            (root / f"proc/sys/net/ipv4/conf/{name}/promote_secondaries").write_text(f"{value}\n")

    def probe(self, name: str, **args: Any) -> Any:
        assert name == "interfaces"
        return {name: list(found) for name, found in self._addresses.items()}


def gone(*targets: str) -> list[Change]:
    return [Change("address", target, "present", None) for target in targets]


def words(changes: tuple[Change, ...]) -> list[str]:
    return [f"{c.target.rpartition('.')[2] if c.backend == 'sysctl' else c.target}={c.after}" for c in changes]


THREE = ["10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "2001:db8::1/64", "2001:db8::2/64"]


@pytest.mark.parametrize(
    ("targets", "around"),
    [
        (["10.0.0.1/24@eth0"], (0, 2)),
        (["10.0.0.1/24@eth0", "10.0.0.2/24@eth0"], (0, 3)),
        (["10.0.0.2/24@eth0", "10.0.0.1/24@eth0"], (1, 3)),
        (["10.0.0.2/24@eth0"], None),  # a later one takes none with it
        (["10.0.0.3/24@eth0", "10.0.0.2/24@eth0", "10.0.0.1/24@eth0"], None),  # none is left behind
        (["2001:db8::1/64@eth0"], None),  # IPv6 has no such rule
        (["10.9.9.9/24@eth0"], None),
    ],
)
def test_it_is_set_around_what_would_take_others(
    tmp_path: Path, targets: list[str], around: tuple[int, int] | None
) -> None:
    changes = gone(*targets)
    made = promotion.around(Host(tmp_path, {"eth0": THREE}), changes)
    if around is None:
        assert made == tuple(changes)
        return
    first, last = around
    assert (made[first], made[last].after) == (Change("sysctl", KEY, "0", "1", (), made[first].why), "0")
    assert lasting(made) == tuple(changes)


@pytest.mark.parametrize("on", [{"own": "1"}, {"all_": "1"}])
def test_it_is_left_where_it_is_on(tmp_path: Path, on: dict[str, str]) -> None:
    changes = gone("10.0.0.1/24@eth0")
    assert promotion.around(Host(tmp_path, {"eth0": THREE}, **on), changes) == tuple(changes)


def test_a_dot_in_the_name_of_an_interface(tmp_path: Path) -> None:
    made = promotion.around(Host(tmp_path, {"eth0.100": THREE[:2]}), gone("10.0.0.1/24@eth0.100"))
    assert made[0].target == "net.ipv4.conf.eth0/100.promote_secondaries" and len(made) == 3
    assert holds(made[0], made[1]) and not holds(made[0], gone("10.0.0.1/24@eth0")[0])


def test_an_interrupted_apply_is_taken_back_with_it_where_others_came_meanwhile(tmp_path: Path) -> None:
    came = tuple(Change("address", f"10.0.0.{number}/24@eth0", None, "present") for number in (1, 2))
    alone = Host(tmp_path, {"eth0": THREE[:2]})
    assert promotion.reversed_safely(alone, came) == came
    safe = promotion.reversed_safely(Host(tmp_path, {"eth0": THREE}), came)
    assert words(safe) == ["promote_secondaries=1", *words(came), "promote_secondaries=0"]
    assert promotion.reversed_safely(Host(tmp_path, {"eth0": THREE}, own="1"), safe) == safe


def test_what_is_tried_again_has_it_anew(tmp_path: Path) -> None:
    host = Host(tmp_path, {"eth0": THREE})
    all_ = promotion.around(host, gone("10.0.0.1/24@eth0"))
    assert promotion.again(host, all_[:2]) == all_
    assert promotion.again(host, all_[2:]) == all_[2:]


@pytest.mark.parametrize("name", ["eth0", "eth0/100", "br-lan", "all", "a" * 15])
def test_the_setting_of_an_interface_is_known(name: str) -> None:
    assert promotion.is_key(f"net.ipv4.conf.{name}.promote_secondaries")


@pytest.mark.parametrize("name", ["", "/", "//", "a.b", "*", "a" * 16, "a b", "a:b", "a\n"])
def test_what_is_no_interface_has_no_setting(name: str) -> None:
    assert not promotion.is_key(f"net.ipv4.conf.{name}.promote_secondaries")
    assert not promotion.is_key(f"net.ipv4.conf.{name}.rp_filter")
