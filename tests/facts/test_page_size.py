"""Pages are those of the host that is judged: what a profile asks for, and the kernel's defaults."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from hosttune.capacity import NO_BOUND, CapacityFacts, capacity
from hosttune.capacity.footprint import footprint
from hosttune.facts import defaults, machine
from hosttune.host.live import LiveHost
from hosttune.host.recorded import Recorded
from hosttune.model import Reading, Reason, Subject, Unknown, Workload
from hosttune.profile import load, merge
from tests import verbs
from tests.vm.guest import REPO

GIB = 1 << 30
STOCK = REPO / "tests/hosts/debian12-stock.json"
UNSET = Unknown(Reason.UNSET)


def snapshot(path: Path, page: Any = None, *, arm: bool = False, total: int = 256 * GIB) -> str:
    """Write a recorded host of so much memory, with a page size of its own, or of an architecture that has several."""
    answers = json.loads(STOCK.read_text())
    lines = [f"MemTotal:       {total >> 10} kB", f"MemAvailable:   {total >> 10} kB"]
    lines += [] if arm else ["DirectMap4k:      100 kB"]
    answers["reads"]["/proc/meminfo"]["is"] = "\n".join(lines) + "\n"
    if arm:
        answers["reads"]["/proc/sys/kernel/osrelease"]["is"] = "6.1.0-50-arm64\n"
    if page is not None:
        answers["probes"]["page_size {}"] = {"is": page}
    path.write_text(json.dumps(answers))
    return str(path)


def wanted(path: str, *options: str) -> Any:
    done = verbs.hosttune("check", "--role", "lb", "--format", "json", "--snapshot", path, *options)
    assert done.returncode in (0, 1), done
    findings = json.loads(done.stdout)["findings"]
    (found,) = [f for f in findings if f["subject"] == "sysctl:net.ipv4.tcp_mem" and f["requirement"]]
    return found


def test_this_host_is_asked() -> None:
    assert machine.gather(LiveHost()).page_size == os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("page", [4096, 16384, 65536])
def test_what_is_asked_of_tcp_mem_is_a_share_of_the_memory(tmp_path: Path, page: int) -> None:
    """With pages of 64 KiB 12,079,595 of them, which are right of 4 KiB, were 737 of 256 GiB."""
    found = wanted(snapshot(tmp_path / "s.json", page))
    (low, pressure, high), *_ = found["requirement"]["wants"]
    assert low < pressure < high
    assert 0.05 < high * page / (256 * GIB) < 0.25


def test_x86_has_one_size_and_others_are_not_guessed(tmp_path: Path) -> None:
    x86 = Recorded.load(snapshot(tmp_path / "x86.json"))
    assert machine.gather(x86).page_size == 4096
    arm = snapshot(tmp_path / "arm.json", arm=True)
    assert machine.gather(Recorded.load(arm)).page_size is None
    found = wanted(arm)
    assert found["verdict"] == "UNKNOWN" and "a page is unknown" in found["because"]
    assert machine.gather(Recorded.load(snapshot(tmp_path / "told.json", 16384, arm=True))).page_size == 16384


@pytest.mark.parametrize("page", [0, 4095, 1 << 19, "4096", None, True])
def test_a_snapshot_cannot_make_it_up(tmp_path: Path, page: Any) -> None:
    answers = json.loads(STOCK.read_text())
    answers["probes"]["page_size {}"] = {"is": page}
    path = tmp_path / "s.json"
    path.write_text(json.dumps(answers))
    done = verbs.hosttune("check", "--role", "lb", "--snapshot", str(path))
    assert (done.returncode, done.stdout) == (2, "") and "page_size" in done.stderr, done


@pytest.mark.parametrize("page", [4096, 16384, 65536])
def test_the_kernels_default_and_what_is_refused_count_in_it(page: int) -> None:
    """tcp_init_mem() gives a sixteenth of the memory as pressure: as many pages as that is."""
    found = machine.gather(LiveHost())
    here = dataclasses.replace(found, memory=16 * GIB, page_size=page, kernel="6.1.0", systemd=True)
    subject = Subject("sysctl", "net.ipv4.tcp_mem")
    told = defaults.defaults(LiveHost(), here, {str(subject): Reading(subject, (1, 2, 3), UNSET)})[str(subject)]
    assert isinstance(told, tuple) and 0.9 < told[1] * page * 16 / (16 * GIB) <= 1
    unknown = dataclasses.replace(here, page_size=None)
    readings = {str(subject): Reading(subject, (1, 2, 3), UNSET)}
    assert str(subject) not in defaults.defaults(LiveHost(), unknown, readings)
    profiles = [load.load("lb")]
    rows, _ = merge.requirements(profiles, merge.workload(profiles), here)
    (row,) = [r for r in rows if r.subject == subject]
    assert isinstance(row.wants[0], tuple) and row.wants[0][2] * page < 8 * GIB


def test_a_queue_takes_whole_pages_of_the_host() -> None:
    base = CapacityFacts({}, (), Workload(1000, 10, bytes_in_flight=100), machine.gather(LiveHost()))
    each = [
        footprint(dataclasses.replace(base, machine=dataclasses.replace(base.machine, page_size=page))).kernel
        for page in (4096, 65536)
    ]
    assert each[1] - each[0] == 65536 - 4096


def test_a_bound_that_nothing_reaches_is_none() -> None:
    """Case 96b: systemd makes fs.file-max 2^63 - 1."""
    subject = Subject("sysctl", "fs.file-max")
    for limit, hard in ((2**63 - 1, None), (10_000_000, 4_999_900)):
        readings = {str(subject): Reading(subject, limit, UNSET)}
        load_ = Workload(1000, 10, descriptors_per_connection=2, own_descriptors=200)
        facts = CapacityFacts(readings, (), load_, machine.gather(LiveHost()), files_open=0)
        (found,) = [bound for bound in capacity(facts) if bound.id == "file-max"]
        assert isinstance(found.hard, int) is (hard is not None)
        assert (NO_BOUND in found.notes) is (hard is None)
