"""A fix is in the words of whoever keeps the place: the first one lasts, and each is accepted there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hosttune.diagnosis import fixing, limits_fixing
from hosttune.diagnosis.rules import conntrack_churn, nofile
from hosttune.model import Fix, FixPlace, GroupLimit, Namespaces, Site, Tracked, Where
from tests.diagnosis import pasted
from tests.diagnosis.given import clues, program

HOST = Where()
NAMED = Where(Site.NAMESPACE, name="blue", entered=True, initial=False, loaded=False)
OF_A_PROCESS = Where(Site.NAMESPACE, process=812, entered=True, initial=False, loaded=False)
RUN_THERE = Where(Site.NAMESPACE, initial=False, loaded=False)
DOCKER = Where(Site.CONTAINER, process=812, owner="docker", id="0" * 64, inside=False, initial=False, loaded=False)
IN_IT = Where(Site.CONTAINER, initial=False, loaded=False)
CLOSED = replace(IN_IT, read_only=True)
HOST_NETWORK = Where(Site.CONTAINER, inside=True, loaded=False)
SOMAXCONN, FILES = ("net.core.somaxconn", "8192"), ("fs.file-max", "9000000")
APPLY = "hosttune apply --key net.core.somaxconn=8192"

SYSCTLS: dict[str, tuple[Where, tuple[str, str], FixPlace, str]] = {
    "the host": (HOST, SOMAXCONN, FixPlace.HOST, f"sudo {APPLY}"),
    "a namespace that has a name": (
        NAMED,
        SOMAXCONN,
        FixPlace.HOST,
        "sudo hosttune apply --netns blue --key net.core.somaxconn=8192",
    ),
    "the namespace of a process": (
        OF_A_PROCESS,
        SOMAXCONN,
        FixPlace.HOST,
        "sudo nsenter -t 812 -n sysctl -w net.core.somaxconn=8192",
    ),
    "a namespace that we were started in": (RUN_THERE, SOMAXCONN, FixPlace.NETNS, f"sudo {APPLY}"),
    "a container, from outside": (DOCKER, SOMAXCONN, FixPlace.RUN, "--sysctl net.core.somaxconn=8192"),
    "a container, from inside": (IN_IT, SOMAXCONN, FixPlace.RUN, "--sysctl net.core.somaxconn=8192"),
    "a key of the host's, in a container": (
        IN_IT,
        FILES,
        FixPlace.HOST,
        "sudo hosttune apply --key fs.file-max=9000000",
    ),
    "a container in the host's network": (HOST_NETWORK, SOMAXCONN, FixPlace.HOST, f"sudo {APPLY}"),
}


@pytest.mark.parametrize("name", SYSCTLS)
def test_a_sysctl_is_set_where_it_is_kept(name: str) -> None:
    where, pair, place, command = SYSCTLS[name]
    fixes = fixing.sysctl(replace(clues(), where=where), "why", pair)
    assert (fixes[0].place, fixes[0].command) == (place, command)
    pasted.hold(fixes)
    elsewhere = pair == FILES or where is HOST_NETWORK
    assert fixes[0].text.startswith("on the host itself") is elsewhere


def test_what_ends_with_a_container_comes_after_what_lasts_and_only_where_it_is_let() -> None:
    def of(where: Where) -> list[Fix]:
        return list(fixing.sysctl(replace(clues(), where=where), "why", SOMAXCONN))

    assert of(IN_IT)[-1] == Fix("until it ends", APPLY, FixPlace.INSIDE)
    assert of(DOCKER)[-1].command == "sudo nsenter -t 812 -n sysctl -w net.core.somaxconn=8192"
    assert [fix.place for fix in of(CLOSED)] == [FixPlace.RUN, FixPlace.COMPOSE]


OWNERS: dict[str, tuple[dict[str, Any], Where, list[FixPlace], str]] = {
    "a unit": (
        {"owner": "mqttd.service"},
        HOST,
        [FixPlace.HOST],
        "sudo hosttune apply --key nofile=524288 --service mqttd.service --live",
    ),
    "a shell": ({"owner": ""}, HOST, [FixPlace.SHELL, FixPlace.HOST], "ulimit -n 524288"),
    "docker": (
        {"owner": "docker"},
        HOST,
        [FixPlace.RUN, FixPlace.COMPOSE, FixPlace.SPEC, FixPlace.HOST],
        "--ulimit nofile=524288:524288",
    ),
    "a pod": (
        {"owner": "kubernetes"},
        HOST,
        [FixPlace.SPEC, FixPlace.UNIT, FixPlace.HOST],
        '"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 524288, "hard": 524288}]',
    ),
    "CRI-O": ({"owner": "cri-o"}, HOST, [FixPlace.SPEC, FixPlace.HOST], 'default_ulimits = ["nofile=524288:524288"]'),
    "a container that we are in": (
        {"owner": "host.service", "resource": False},
        IN_IT,
        [FixPlace.RUN, FixPlace.COMPOSE, FixPlace.SPEC, FixPlace.SPEC],
        "--ulimit nofile=524288:524288",
    ),
    "nobody knows": ({"owner": None}, HOST, [FixPlace.ADVICE, FixPlace.HOST], ""),
}


@pytest.mark.parametrize("name", OWNERS)
def test_descriptors_are_given_by_whoever_starts_the_process(name: str) -> None:
    known, where, places, command = OWNERS[name]
    full = replace(program(1024), hard=1024, **known)
    fixes = limits_fixing.nofile(replace(clues(programs=(full,)), where=where), full)
    assert [fix.place for fix in fixes] == places
    assert fixes[0].command == command
    pasted.hold(fixes)


def test_a_limit_is_raised_to_what_is_wanted_else_to_a_number_that_is_somebodys() -> None:
    here = replace(clues(), limits={"fs.nr_open": 1_048_576})
    one = replace(program(1024), soft=1024, hard=4096)
    assert limits_fixing.target(here, one, 130_048)[0] == 130_048
    assert limits_fixing.target(here, one)[0] == 4096
    assert limits_fixing.target(here, replace(one, hard=1024))[0] == 524_288
    assert limits_fixing.target(here, replace(one, soft=524_288, hard=524_288))[0] == 1_048_576
    assert limits_fixing.target(here, replace(one, soft=1_048_576, hard=1_048_576))[0] == 2_097_152
    endless = replace(clues(), limits={"fs.nr_open": 1_073_741_816})
    assert limits_fixing.target(endless, replace(one, hard=1_073_741_816))[0] == 524_288
    assert limits_fixing.target(endless, replace(one, soft=600_000, hard=1_073_741_816))[0] == 1_048_576
    low = replace(clues(), limits={"fs.nr_open": 5_000})
    assert limits_fixing.target(low, replace(one, hard=1024)) == (2048, "twice what it has")


GROUPS = {
    "/system.slice/mqttd.service": "sudo systemctl set-property mqttd.service TasksMax=400",
    f"/system.slice/docker-{'a1' * 32}.scope": "--pids-limit 400",
    "/made/by/hand": "sudo sh -c 'echo 400 > /sys/fs/cgroup/made/by/hand/pids.max'",
}


@pytest.mark.parametrize("path", GROUPS)
def test_a_control_group_is_given_more_by_whoever_made_it(path: str) -> None:
    group = GroupLimit("pids", path, f"/sys/fs/cgroup{path}/pids.max", 200, 200)
    fixes = limits_fixing.of_group(group)
    assert fixes[0].command == GROUPS[path]
    pasted.hold(fixes)


def test_a_name_of_a_group_is_no_shell() -> None:
    group = GroupLimit("pids", "/x", "/sys/fs/cgroup/$(reboot)'; reboot/pids.max", 200, 200)
    (fix,) = limits_fixing.of_group(group)
    assert fix.command.count("reboot") == 2
    pasted.hold([fix])


_PREFIX = "net.netfilter.nf_conntrack_tcp_timeout"
_FULL = {"conntrack.count": 9_500, "conntrack.drop": 0}


def test_the_timeout_is_that_of_the_state_which_fills_the_table() -> None:
    limits = {"net.netfilter.nf_conntrack_max": 9_600, f"{_PREFIX}_close_wait": 7_200, f"{_PREFIX}_time_wait": 120}
    tracked = Tracked(9_500, True, {"CLOSE_WAIT": 6_700, "ESTABLISHED": 2_800})
    seen = replace(clues(limits=limits, stands=_FULL, moved={"conntrack.drop": 50}), tracked=tracked)
    (cause,) = conntrack_churn.judge(seen)
    assert cause.fixes[0].command == f"sudo hosttune apply --key {_PREFIX}_close_wait=60"
    assert "close-wait" in cause.fixes[1].text
    assert not any("time_wait" in str(fix) for fix in cause.fixes)
    usual = replace(seen, limits={**limits, f"{_PREFIX}_close_wait": 60})
    (cause,) = conntrack_churn.judge(usual)
    assert not any(f"{_PREFIX}_close_wait" in fix.command for fix in cause.fixes)


def test_a_fix_without_a_place_is_advice_and_none_else() -> None:
    with pytest.raises(ValueError, match="advice"):
        Fix("text", "command")
    with pytest.raises(ValueError, match="advice"):
        Fix("text", place=FixPlace.HOST)


def test_a_unit_is_named_only_where_the_control_group_names_one() -> None:
    shell = replace(program(1024), hard=1024, owner="")
    (cause,) = nofile.judge(clues(programs=(shell,)))
    assert not any("LimitNOFILE" in str(fix) or "--service" in str(fix) for fix in cause.fixes)
    assert Namespaces() == HOST.namespaces
