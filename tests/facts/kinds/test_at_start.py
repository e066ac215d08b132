"""What a new container gets: the kernel's defaults of a new namespace, and over them what whoever makes it says."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hosttune.facts import kinds
from hosttune.model import Given, GivenSysctl, Origin, Reading, Reason, Site, Subject, Unknown, Where

SOMAXCONN = "sysctl:net.core.somaxconn"
LINE = Origin("/srv/web/config.json", 12, "8192")
LIMITS = Origin("/lib/systemd/system/containerd.service", 9, "1048576")
SYSCTLS = (GivenSysctl("net.core.somaxconn", "8192", LINE),)
GIVEN = Given((1024, 4096), LIMITS, "inherited from containerd.service", SYSCTLS)
OUTSIDE = Where(
    site=Site.CONTAINER, process=812, owner="docker", inside=False, initial=False, loaded=False, given=GIVEN
)
INSIDE = dataclasses.replace(
    OUTSIDE, inside=True, process=None, given=Unknown(Reason.UNDECIDED, "its files are not seen")
)


def started(now: Any, where: Where, text: str = SOMAXCONN, boot: Any = Unknown(Reason.UNSET)) -> Reading:  # noqa: B008
    readings = {text: Reading(Subject.parse(text), now, boot)}
    return kinds.at_start(readings, where, {SOMAXCONN: 4096})[text]


def test_what_the_spec_sets_is_there_in_a_new_one() -> None:
    reading = started(4096, OUTSIDE)
    assert (reading.boot, reading.origin, reading.fresh) == (8192, LINE, False)


def test_what_it_does_not_set_is_the_kernel_s_default() -> None:
    reading = started(4096, dataclasses.replace(OUTSIDE, given=dataclasses.replace(GIVEN, sysctls=())))
    assert (reading.boot, reading.origin, reading.fresh) == (4096, None, True)


def test_a_value_that_the_kernel_refuses_is_no_value() -> None:
    odd = dataclasses.replace(GIVEN, sysctls=(GivenSysctl("net.core.somaxconn", "many", LINE),))
    assert isinstance(started(4096, dataclasses.replace(OUTSIDE, given=odd)).boot, Unknown)


@pytest.mark.parametrize(
    ("now", "boot"), [(4096, 4096), (8192, "whoever made the container may set it: its files are not seen")]
)
def test_from_inside_what_is_not_the_default_may_be_set_by_whoever_made_it(now: int, boot: Any) -> None:
    known = started(now, INSIDE).boot
    assert (known.detail if isinstance(known, Unknown) else known) == boot


def test_what_the_files_of_its_own_systemd_do_not_set_is_judged_as_on_a_host() -> None:
    own = dataclasses.replace(OUTSIDE, given=dataclasses.replace(GIVEN, own_files=True))
    reading = started(60, own, "sysctl:net.ipv4.tcp_fin_timeout")
    assert (reading.boot, reading.fresh) == (Unknown(Reason.UNSET), False)
    assert started(4096, own).boot == 8192


def test_its_descriptors_are_those_of_its_first_process() -> None:
    reading = started((1024, 4096), OUTSIDE, "nofile:pid/813")
    assert (reading.boot, reading.origin, reading.notes) == ((1024, 4096), LIMITS, (GIVEN.note,))
    own = dataclasses.replace(OUTSIDE, given=dataclasses.replace(GIVEN, own_files=True))
    assert started((1, 2), own, "nofile:pid/812").boot == (1024, 4096)
    assert isinstance(started((1, 2), own, "nofile:pid/813").boot, Unknown)


def test_from_inside_they_are_unknown_but_where_a_systemd_in_there_starts_the_process() -> None:
    assert started((1, 2), INSIDE, "nofile:pid/1").boot == Unknown(Reason.UNDECIDED, "its files are not seen")
    assert started((1, 2), INSIDE, "nofile:pid/1", boot=(3, 4)).boot == (3, 4)


def test_those_of_a_host_stay() -> None:
    assert started((1, 2), Where(), "nofile:pid/1", boot=(3, 4)).boot == (3, 4)
    assert started(4096, Where()).boot == Unknown(Reason.UNSET)
