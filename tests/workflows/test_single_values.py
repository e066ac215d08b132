"""Values that are asked for one by one go through the same transaction as a role's, and come off again to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

import hosttune
from hosttune import ApplyOptions, Options, Place
from hosttune.errors import UsageError
from hosttune.model import Operator
from hosttune.options import RollbackOptions
from hosttune.workflows import opening, single_values
from tests.changes import tree

DROP_IN = "etc/sysctl.d/90-hosttune.conf"
UNIT = "etc/systemd/system/haproxy.service.d/90-hosttune.conf"
RANGE = "net.ipv4.ip_local_port_range=1024 65535"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(root=str(tree.image(tmp_path)))


def asked(place: Place, *keys: str, options: Options | None = None) -> str:
    """Apply; return the lines of the drop-in that say something."""
    hosttune.apply(options or Options(), place, ApplyOptions(key=keys))
    lines = Path(place.root, DROP_IN).read_text().splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def test_one_key_is_written_and_no_other_and_a_rollback_leaves_nothing_of_it(place: Place) -> None:
    old = tree.look(Path(place.root))
    assert asked(place, RANGE) == "net.ipv4.ip_local_port_range = 1024 65535"
    assert hosttune.apply(Options(), place, ApplyOptions(key=(RANGE,))).nothing.startswith(
        "Nothing to do: what was given"
    )
    assert hosttune.rollback(RollbackOptions(), place).taken_back
    assert tree.look(Path(place.root)) == old


def test_two_applies_keep_what_each_asked_for(place: Place) -> None:
    asked(place, "net.ipv4.tcp_tw_reuse=1")
    both = asked(place, "net.core.somaxconn=8192")
    assert "net.ipv4.tcp_tw_reuse = 1" in both and "net.core.somaxconn = 8192" in both
    hosttune.rollback(RollbackOptions(id=1), place)
    assert "somaxconn = 8192" in Path(place.root, DROP_IN).read_text()
    assert "tw_reuse" not in Path(place.root, DROP_IN).read_text()


def test_a_better_value_is_not_lowered_and_a_switch_is_what_was_asked_for(place: Place) -> None:
    asked(place, "net.core.somaxconn=8192", "net.ipv4.tcp_fin_timeout=50")
    assert "somaxconn = 8192" in asked(place, "net.core.somaxconn=4096", "net.ipv4.tcp_fin_timeout=30")
    assert "net.ipv4.tcp_fin_timeout = 30" in Path(place.root, DROP_IN).read_text()


def test_descriptors_of_a_service_are_written_into_its_unit(place: Place) -> None:
    unit = Path(place.root, "etc/systemd/system/haproxy.service")
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text("[Service]\nExecStart=/usr/sbin/haproxy\n")
    hosttune.apply(Options(service="haproxy"), place, ApplyOptions(key=("nofile=600000",)))
    assert "LimitNOFILE=600000" in Path(place.root, UNIT).read_text()


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("net.core.somaxconn", "write KEY=VALUE"),
        ("net.core.somaxconn=", "write KEY=VALUE"),
        ("=5", "write KEY=VALUE"),
        ("net.core.*=5", "not one sysctl"),
        ("net.ipv4.ip_local_port_range=garbage", "two numbers, LOW HIGH"),
        ("net.ipv4.ip_local_reserved_ports=all", "ports and ranges"),
        ("nofile=many", "write a number, or SOFT:HARD"),
        ("nofile=20:10", "whose"),
        ("nofile=4096", "whose"),
    ],
)
def test_what_is_no_value_is_refused_in_one_line(place: Place, key: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        hosttune.apply(Options(), place, ApplyOptions(key=(key,)))
    assert "\n" not in str(error.value)


def test_a_value_has_no_role_and_is_named_once(place: Place) -> None:
    with pytest.raises(UsageError, match="--key and --role"):
        hosttune.apply(Options(role="lb"), place, ApplyOptions(key=(RANGE,)))
    with pytest.raises(UsageError, match="given twice"):
        hosttune.apply(Options(), place, ApplyOptions(key=(RANGE, RANGE)))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("kernel.core_pattern=|/bin/x", "--allow-key"),
        ("net.ipv4.ip_local_port_range=1 65535", "ip_unprivileged_port_start"),
        ("net.ipv4.tcp_syncookies=7", "the kernel takes 0 to 2"),
    ],
)
def test_what_would_hurt_is_refused_as_a_role_would_be(place: Place, key: str, said: str) -> None:
    old = tree.look(Path(place.root))
    (refusal,) = hosttune.apply(Options(), place, ApplyOptions(key=(key,))).refused
    assert said in refusal
    assert tree.look(Path(place.root)) == old


def test_the_operator_goes_by_what_the_key_is() -> None:
    (base,) = opening.open_profiles([], [])
    given = {
        "net.core.somaxconn=1": Operator.AT_LEAST,
        "net.ipv4.tcp_rmem=1 2 3": Operator.AT_LEAST,
        RANGE: Operator.COVERS,
        "net.ipv4.ip_local_reserved_ports=7000": Operator.COVERS,
        "net.ipv4.tcp_tw_reuse=1": Operator.EQUALS,
        "net.netfilter.nf_conntrack_tcp_timeout_close_wait=60": Operator.EQUALS,
        "net.ipv4.tcp_congestion_control=bbr": Operator.EQUALS,
    }
    made = single_values.profile(base, tuple(given), Options())
    assert [row.table["operator"] for row in made.rows] == list(given.values())
