"""Two real hosts by ssh: looked at, made ready, the same again, and all taken back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hooks.ansible_hosts import NAMES
from tests.planning.deploy.test_ansible import program
from tests.vm import ahead
from tests.vm.guest import hooks_root, need_guest

SCENES = "tests.hooks.ansible_hosts:scenes"
pytestmark = pytest.mark.guest(SCENES)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    need_guest(hooks_root)
    program("ansible-playbook")
    found: dict[str, Any] = ahead.played(SCENES, tmp_path_factory.mktemp("hosts"))
    return found


def counts(step: dict[str, Any], key: str) -> dict[str, int]:
    """Return a number of the recap by host, of a run in which nothing failed."""
    assert step["code"] == 0, step["said"]
    return {name: row[key] for name, row in step["recap"].items()}


def test_a_dry_run_says_what_it_can_and_changes_nothing(played: dict[str, Any]) -> None:
    dry = played["dry"]
    assert counts(dry, "failed") == dict.fromkeys(NAMES, 0)
    # two descriptors of each connection of the profile, which is not on the host yet, and 200
    assert "+++ after: /etc/sysctl.d/90-hosttune.conf" in dry["said"] and "+fs.nr_open = 1200200\n" in dry["said"]
    assert dry["said"].count("fs.nr_open: 1048576 -> 1200200\n") == len(NAMES)
    assert played["untouched"] == {name: [] for name in NAMES}


def test_what_is_applied_is_changed_and_holds(played: dict[str, Any]) -> None:
    # the directory, the profile, the apply
    assert counts(played["applied"], "changed") == dict.fromkeys(NAMES, 3)
    assert played["nr_open"] == dict.fromkeys(NAMES, "1200200\n")


def test_a_second_run_changes_nothing(played: dict[str, Any]) -> None:
    assert counts(played["again"], "changed") == dict.fromkeys(NAMES, 0)


def test_a_rollback_leaves_the_hosts_as_they_were(played: dict[str, Any]) -> None:
    assert counts(played["rolled-back"], "changed") == dict.fromkeys(NAMES, 1)
    assert played["back"] == {name: [] for name in NAMES}
