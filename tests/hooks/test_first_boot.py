"""A real cloud-init and a real systemd: the host is made ready at its first boot, holds, and checks itself."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.hooks.cloud import WORDS
from tests.vm import ahead
from tests.vm.guest import hooks_root, need_guest

SCENES = "tests.hooks.cloud:scenes"
pytestmark = pytest.mark.guest(SCENES)
WORST = 2.3
"""The exposure that systemd-analyze may give the unit: below 5 it calls it OK, 10 is the worst."""


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    need_guest(hooks_root)
    found: list[dict[str, str]] = ahead.played(SCENES, tmp_path_factory.mktemp("guest"))
    return found


def report(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def wrong(text: str) -> list[str]:
    return [f["id"] for f in report(text)["findings"] if f["severity"] == "error" and f["verdict"] in ("FAIL", "DRIFT")]


@pytest.mark.parametrize("boot", [0, 1])
def test_the_host_is_ready_after_each_boot(boots: list[dict[str, str]], boot: int) -> None:
    seen = boots[boot]
    assert "status: done" in seen["status"], seen["status"] + seen["console"]
    assert wrong(seen["check"]) == []
    assert seen["enabled"].split() == ["enabled", "enabled"]
    assert seen["failed"] == ""
    assert "Result=success" in seen["unit"] and "ExecMainStatus=0" in seen["unit"]


def test_the_first_boot_applies_once_and_keeps_what_came_of_it(boots: list[dict[str, str]]) -> None:
    first, second = boots
    assert first["result"] == "apply 0 check 0\n"
    assert report(first["applied"])["changed"] is True
    assert [len(report(seen["history"])["applies"]) for seen in boots] == [1, 1]
    # /run is of the first boot only: nothing was applied again
    assert second["result"] == ""


def test_the_unit_ran_by_itself_at_the_second_boot(boots: list[dict[str, str]]) -> None:
    started = re.search(r"InactiveExitTimestampMonotonic=(\d+)", boots[1]["unit"])
    assert started and int(started[1]) > 0
    assert re.search(r"^.*\bREADY for [0-9,]+ connections", boots[1]["journal"], re.M), boots[1]["journal"]
    assert "hosttune-check.service" in boots[1]["timer"]


def test_a_hardened_check_sees_what_an_unhardened_one_does(boots: list[dict[str, str]]) -> None:
    hardened, plain = report(boots[1]["hardened"]), report(boots[1]["check"])
    assert boots[1]["hardened-code"] == "0\n"
    assert hardened["findings"] == plain["findings"]
    assert hardened["warnings"] == plain["warnings"] and hardened["missing"] == plain["missing"]
    # memory that is available is another one at each moment
    bounds = [[b for b in each["bounds"] if b["id"] != "kernel-memory"] for each in (hardened, plain)]
    assert bounds[0] == bounds[1]


def test_systemd_calls_the_unit_well_hardened(boots: list[dict[str, str]]) -> None:
    said = re.search(r"exposure level for hosttune-check.service: ([0-9.]+)", boots[1]["security"])
    assert said and float(said[1]) <= WORST, boots[1]["security"]


def test_a_check_that_fails_is_a_unit_that_failed(boots: list[dict[str, str]]) -> None:
    seen = boots[1]
    assert seen["broken-code"] == "1\n"
    assert "hosttune-check.service" in seen["broken-failed"]
    assert "fs.file-max" in seen["broken-journal"]
    assert re.search(r"^hosttune_check_finding{.*fs.file-max.*fail.* 1$", seen["broken-metrics"], re.M)
    assert seen["fixed-code"] == "0\n" and seen["fixed-failed"] == ""


def test_metrics_are_written_beside_those_of_another_user(boots: list[dict[str, str]]) -> None:
    seen = boots[1]
    assert seen["written"].splitlines()[0] == "/etc/systemd/system/hosttune-check.service"
    assert seen["metrics-code"] == "0\n" and seen["metrics-first"] == "root:root 644\n"
    assert seen["metrics-then"] == "haproxy:haproxy 640\n"


def test_systemd_takes_each_word_as_it_was(boots: list[dict[str, str]]) -> None:
    assert tuple(boots[1]["words"].split("\n")[:-1]) == WORDS


def test_the_script_may_be_run_again(boots: list[dict[str, str]]) -> None:
    assert boots[1]["again-code"] == "0\n", boots[1]["again"]
    assert report(boots[1]["again-history"]) == report(boots[1]["history"])


def test_cloud_init_says_that_a_first_boot_went_wrong(boots: list[dict[str, str]]) -> None:
    seen = boots[1]
    assert "status: error" in seen["wrong-status"] and "runcmd" in seen["wrong-status"]
    assert "no such profile" in seen["wrong"]
    assert seen["wrong-result"] == "apply 2 check 2\n"


def test_what_runs_is_the_one_file(boots: list[dict[str, str]]) -> None:
    # isolated: neither the directory that it is started in nor a user's own packages are looked into
    assert boots[0]["program"] == "#!/bin/sh\nexec python3 -I"
    assert len(boots[0]["unpacked"].split()) == 1


def test_an_image_without_hosttune_is_no_success(boots: list[dict[str, str]]) -> None:
    assert boots[1]["missing-code"] not in ("", "0\n")
    assert "/srv/hosttune.pyz" in boots[1]["missing"]
    assert boots[1]["missing-result"] == "not finished\n"


def test_what_holds_is_most_of_it(boots: list[dict[str, str]]) -> None:
    verdicts = Counter(f["verdict"] for f in report(boots[0]["check"])["findings"])
    assert verdicts["OK"] > 20
