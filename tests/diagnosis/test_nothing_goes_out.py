"""Causes of connections that go out are excluded where none does, and only there."""

from __future__ import annotations

import pytest

from hosttune.diagnosis import Clues, diagnose
from hosttune.model import Certainty, Conclusion, Flow, Traffic
from tests.diagnosis.given import DEFAULT, WIDE, clues, hit, pool

OUTGOING = {"ports", "ports-bind", "ports-held", "knee", "time-wait"}
HELD = {"Tcp.CurrEstab": 28_000}
OUT = Traffic(flows=(Flow("10.0.0.1", "10.0.0.9", 1883, established=28_000),))


def kinds(given: Clues) -> set[str]:
    return {c.kind for c in diagnose(given).excluded if "listener" in c.evidence[0].text} & OUTGOING


@pytest.mark.parametrize(
    "given",
    [
        clues(at=28_232, traffic=Traffic(), stands=HELD),
        clues(at=28_232, call="accept"),
        clues(at=28_232, accepts=True),
        clues(traffic=Traffic(), stands=HELD),
    ],
)
def test_a_server_that_accepts_uses_no_port(given: Clues) -> None:
    assert kinds(given) == OUTGOING
    if given.stalled_at:
        found = diagnose(given)
        assert found.conclusion is Conclusion.NOT_ENOUGH
        assert found.next[0].startswith("look at the clients: 28,232")


@pytest.mark.parametrize(
    "given",
    [
        clues(at=28_232),
        clues(at=28_232, traffic=Traffic(), stands={"Tcp.CurrEstab": 12}),
        clues(at=28_232, traffic=OUT, stands=HELD),
        clues(pool(90), at=100, stands=HELD),
    ],
)
def test_what_goes_out_or_was_not_looked_at_may_be_it(given: Clues) -> None:
    assert not kinds(given)


@pytest.mark.parametrize("limits", [DEFAULT, WIDE])
def test_the_errno_of_ports_outweighs_the_role(limits: dict[str, tuple[int, int]]) -> None:
    given = clues(errno="EADDRNOTAVAIL", call="connect", accepts=True, limits=limits)
    assert "ports" in {cause.kind for cause in diagnose(given).causes}
    logged = clues(hits=(hit("ports", errno="EADDRNOTAVAIL", call="connect"),), accepts=True, limits=limits)
    assert diagnose(logged).causes[0].certainty is not Certainty.EXCLUDED
