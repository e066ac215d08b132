"""A gateway whose kernel does not forward carries nothing, whatever its memory would hold."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.capacity import capacity
from hosttune.model import Backend, Reason, Unknown, Value, Workload
from tests.capacity.test_capacity import facts

LOAD = Workload(1000, 10, sockets_per_connection=0, tuples_per_connection=0, own_descriptors=0)


def _bound(value: Value, load: Workload = LOAD, interfaces: tuple[str, ...] = ()) -> tuple[object, str | None] | None:
    of = dataclasses.replace(facts({"net.ipv4.ip_forward": value}, workload=load), forwarding=interfaces)
    return next(((b.hard, b.raised_by) for b in capacity(of) if b.kind == "forwarding"), None)


def test_a_switch_that_is_off_is_named() -> None:
    assert _bound(0) == (0, "net.ipv4.ip_forward=1")


@pytest.mark.parametrize(("value", "interfaces"), [(1, ()), (0, ("eth0", "eth1"))])
def test_what_forwards_is_no_bound(value: int, interfaces: tuple[str, ...]) -> None:
    assert _bound(value, interfaces=interfaces) is None


def test_other_roles_and_ipv6_alone_do_not_need_it() -> None:
    assert _bound(0, dataclasses.replace(LOAD, sockets_per_connection=1)) is None
    assert _bound(0, dataclasses.replace(LOAD, backends=(Backend("fd00::1", 80),))) is None


def test_a_switch_that_could_not_be_read_is_unknown() -> None:
    of = facts({}, workload=LOAD)
    reading = dataclasses.replace(
        next(iter(facts({"net.ipv4.ip_forward": 0}).readings.values())),
        runtime=Unknown(Reason.UNDECIDED, "not in the snapshot"),
        boot=Unknown(Reason.UNDECIDED, "not in the snapshot"),
    )
    of = dataclasses.replace(of, readings={"sysctl:net.ipv4.ip_forward": reading})
    assert any(isinstance(b.hard, Unknown) for b in capacity(of) if b.kind == "forwarding")
