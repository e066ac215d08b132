"""Addresses given up: the file is rewritten or goes, others' lines are named, and rollbacks in any order are right."""

from __future__ import annotations

import errno
import itertools
import json
import shutil
from pathlib import Path

import pytest

from hosttune.changes import journal
from hosttune.changes.kinds import address, anyip
from hosttune.changes.record import Status
from hosttune.changes.request import AddressFacts, Request
from hosttune.errors import HosttuneError
from tests.changes import acts, addressed, faults, tree

FILE = "etc/systemd/network/10-lan.network.d/90-hosttune.conf"


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Keep what the commands print away."""


def kept(root: Path) -> list[str]:
    lines = (root / FILE).read_text().splitlines() if (root / FILE).exists() else []
    return [line.removeprefix("Address=") for line in lines if line.startswith("Address=")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return addressed.make(tmp_path, addressed.NETWORKD)


def test_the_file_loses_them_and_goes_with_the_last(root: Path) -> None:
    assert addressed.add(root, "10.0.0.21-10.0.0.23/24@eth0") == 0
    assert addressed.remove(root, "10.0.0.22/24@eth0") == 0
    assert kept(root) == ["10.0.0.21/24", "10.0.0.23/24"]
    assert addressed.remove(root, "10.0.0.22/24@eth0") == 0
    assert len(journal.records(tree.Host(root))) == 2
    assert addressed.remove(root, "10.0.0.20-10.0.0.30/24@eth0") == 0
    assert not (root / FILE).exists()


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_rollbacks_in_any_order_end_where_it_began(order: tuple[int, ...], root: Path) -> None:
    old = tree.look(root)
    assert addressed.add(root, "10.0.0.21-10.0.0.22/24@eth0") == 0
    assert addressed.remove(root, "10.0.0.21/24@eth0") == 0
    assert addressed.add(root, "10.0.0.30/24@eth0") == 0
    standing = {1: {"add": {21, 22}}, 2: {"remove": {21}}, 3: {"add": {30}}}
    for number in order:
        assert acts.rollback(tree.Host(root), tree.back(id=number)) == 0
        del standing[number]
        want: set[int] = set()
        for what in standing.values():
            want = (want | what.get("add", set())) - what.get("remove", set())
        assert set(kept(root)) == {f"10.0.0.{last}/24" for last in want}, number
    assert tree.look(root) == old
    assert {r.status for r in journal.records(tree.Host(root))} == {Status.ROLLED_BACK}


@pytest.mark.parametrize("path", ["/etc/systemd/network/10-lan.network", "/etc/netplan/50.yaml", "/etc/rc.local"])
def test_who_else_has_it_is_named_with_the_line(path: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("# not 10.0.0.22\nAddress=10.0.0.9/24 10.0.0.210\nAddress=10.0.0.21/24\n")
    assert addressed.add(root, "10.0.0.21/24@eth0") == 0
    capsys.readouterr()
    assert addressed.remove(root, "10.0.0.21/24@eth0") == 5
    said = json.loads(capsys.readouterr().out)["refused"]
    assert said == [f"10.0.0.21 would come back: {path}:3 names it; take it out there first, or --runtime-only"]
    assert kept(root) == ["10.0.0.21/24"]


def test_who_else_has_a_prefix_is_named_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"/etc/network/interfaces": "auto lo\niface lo inet loopback\n", "/sbin/ifup": ""}
    root = addressed.make(tmp_path / "b", files | {"/etc/rc.local": "ip route add local 10.9.0.0/24 dev lo\n"})
    assert addressed.add(root, anyip=["10.9.0.0/24"]) == 0
    capsys.readouterr()
    assert addressed.remove(root, anyip=["10.9.0.0/24"]) == 5
    assert "/etc/rc.local:1 names it" in json.loads(capsys.readouterr().out)["refused"][0]


def test_what_is_needed_returns_or_is_used_stays() -> None:
    facts = AddressFacts(
        needed={"10.0.0.1": "this ssh session came by it"},
        returns={"10.0.0.2/24@eth0": "/etc/x:3 names it"},
        used={"10.0.0.3": "1,204 connections go with it"},
    )
    targets = [f"10.0.0.{n}/24@eth0" for n in (1, 2, 3, 4)]
    assert list(address.removals(targets, facts)) == [
        "10.0.0.1 stays: this ssh session came by it",
        "10.0.0.2 would come back: /etc/x:3 names it",
        "10.0.0.3: 1,204 connections go with it; with --force",
    ]
    # what is open may go, what is needed never does
    forced = AddressFacts(needed=facts.needed, returns=facts.returns, used=facts.used, force=True)
    assert len(list(address.removals(targets, forced))) == 2


def test_a_duplicate_and_another_prefix_are_refused() -> None:
    facts = AddressFacts(answers={"10.0.0.7": "02:00:00:00:00:01"}, subnets={"eth0": ("10.0.0.1/24", "10.5.0.1/32")})
    request = Request(addresses=("10.0.0.6/24@eth0", "10.0.0.7/24@eth0"))
    said = "10.0.0.7 is in use: 02:00:00:00:00:01 answers for it on eth0; choose another"
    assert list(address.duplicates(request, facts)) == [said]
    assert list(address.wrong_prefixes(request, facts)) == []
    wide = Request(addresses=("10.0.0.6/16@eth0", "10.0.0.8/16@eth0", "10.0.0.9/32@eth0", "10.7.0.1/16@eth0"))
    said = "10.0.0.6/16@eth0 and 1 more: eth0 is in 10.0.0.0/24, a subnet of another size: write /24@eth0"
    assert list(address.wrong_prefixes(wide, facts)) == [said]


def test_a_prefix_that_meets_another_is_refused() -> None:
    taken = (("10.0.0.0/24", "the subnet of eth0"), ("203.0.113.9", "where this ssh session comes from"))
    assert not list(anyip.overlaps("10.9.0.0/24", taken))
    assert "the subnet of eth0" in next(anyip.overlaps("10.0.0.128/25", taken))
    assert "where this ssh session comes from" in next(anyip.overlaps("203.0.113.0/24", taken))


@pytest.mark.slow
def test_killed_at_every_write_it_is_the_old_state_or_heals(root: Path, tmp_path: Path) -> None:
    assert addressed.add(root, "10.0.0.21-10.0.0.23/24@eth0") == 0
    old = tree.look(root)
    counting, trial = faults.Counting(), tmp_path / "count"
    shutil.copytree(root, trial, symlinks=True)

    def give_up(where: Path, disk: faults.Counting) -> None:
        asked = addressed.asked("10.0.0.22/24@eth0", remove=True)
        acts.change(tree.Host(where, disk), asked)

    give_up(trial, counting)
    new = tree.look(trial)
    assert new != old
    healed = 0
    for at in range(len(counting.steps)):
        where = tmp_path / f"killed{at}"
        shutil.copytree(root, where, symlinks=True)
        assert faults.killed(lambda where=where, at=at: give_up(where, faults.Killed(at, after=True)))  # type: ignore[misc]
        last = journal.records(tree.Host(where))[-1]
        if last.id == 2 and last.status is Status.APPLIED:
            assert tree.look(where) == new
        else:
            if last.id == 2:  # it was interrupted: a rollback heals it, and takes nothing else off
                assert acts.rollback(tree.Host(where), tree.back()) == 0
                healed += 1
            assert tree.look(where) == old, counting.steps[at]
        shutil.rmtree(where)
    assert healed > 5


def test_a_write_that_fails_leaves_all_as_before(root: Path) -> None:
    assert addressed.add(root, "10.0.0.21/24@eth0") == 0
    old = tree.look(root)
    with pytest.raises(HosttuneError):
        acts.change(tree.Host(root, faults.Failing(5, errno.ENOSPC)), addressed.asked("10.0.0.21/24@eth0", remove=True))
    assert tree.look(root) == old
