"""The hint at thash_entries: from four sockets a slot on, never a finding."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.findings import table
from hosttune.model import Workload
from tests.profile.test_shipped import MACHINE


def hint(connections: int, slots: int | None, memory: int = 32 << 30) -> str:
    load = Workload(connections, 1, sockets_per_connection=2)
    return " ".join(table.hint(load, dataclasses.replace(MACHINE, memory=memory), slots))


@pytest.mark.parametrize(("connections", "said"), [(1_048_575, False), (1_048_576, True)])
def test_it_begins_at_four_sockets_a_slot(connections: int, said: bool) -> None:
    assert bool(hint(connections, 524_288)) is said


def test_it_names_the_parameter_and_what_a_namespace_shares() -> None:
    assert "2,097,152 sockets in 524,288 slots" in hint(1_048_576, 524_288)
    assert "thash_entries=2097152" in hint(1_048_576, 524_288)
    assert "which this namespace shares" in hint(1_048_576, -524_288)
    assert hint(1_048_576, 0) == ""


@pytest.mark.parametrize(
    ("gib", "slots"), [(1, 8192), (16, 131_072), (17, 262_144), (32, 262_144), (33, 524_288), (256, 524_288)]
)
def test_a_kernel_without_the_key_has_a_slot_for_128_kib(gib: int, slots: int) -> None:
    assert f" in {slots:,} slots" in hint(4 * slots, None, gib << 30)
