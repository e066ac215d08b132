"""Source ports on the running kernel: predicted equals measured, to the last one, and it fails as foretold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosttune.model import BindMode, Proven
from hosttune.proofs.arena import Arena
from hosttune.proofs.experiments.ports import Case, forecast
from hosttune.proofs.proof_setup import Hold, examples
from tests.proofs.arena import arena, proof

pytestmark = pytest.mark.slow

RANGES = [(32768, 60999), (1024, 65535)]
OWN, OTHER, OTHER6 = "192.0.2.1", "203.0.113.9", "2001:db8::9"


@pytest.fixture(scope="module")
def here() -> Iterator[Arena]:
    with arena() as entered:
        yield entered


@pytest.mark.parametrize("span", RANGES, ids=str)
@pytest.mark.parametrize("mode", BindMode)
def test_a_full_range_to_the_last_port(mode: BindMode, span: tuple[int, int]) -> None:
    found = proof("ports", forecast(Case(mode, examples(1, 1), *span), "it", "it"))
    assert found.measured == span[1] - span[0] + 1
    assert found.verdict is Proven.AGREES, found


# measured once by hand on 6.18, so that prediction and measurement cannot be wrong together
TOLD = {
    "connect, three backends": (BindMode.CONNECT, examples(1, 3), 20000, 20199, "", (), {600}),
    "connect, IPv6": (BindMode.CONNECT, examples(1, 2, 6), 20000, 20199, "", (), {400}),
    "no-port, two sources": (BindMode.NO_PORT, examples(2, 3), 20000, 20199, "", (), {1200}),
    "bind, whatever the backends": (BindMode.BIND, examples(2, 3), 20000, 20199, "", (), {400}),
    "bind, IPv6": (BindMode.BIND, examples(2, 2, 6), 20000, 20199, "", (), {400}),
    "explicit": (BindMode.EXPLICIT, examples(2, 3), 20000, 20199, "", (), {1200}),
    "explicit, IPv6": (BindMode.EXPLICIT, examples(2, 2, 6), 20000, 20199, "", (), {800}),
    "size 3": (BindMode.CONNECT, examples(1, 1), 20000, 20002, "", (), {2, 3}),
    "size 5": (BindMode.CONNECT, examples(1, 1), 20000, 20004, "", (), {4, 5}),
    "size 199": (BindMode.CONNECT, examples(1, 1), 20000, 20198, "", (), {198, 199}),
    "one port": (BindMode.CONNECT, examples(1, 1), 20000, 20000, "", (), {1}),
    "reserved": (BindMode.CONNECT, examples(1, 1), 20000, 20199, "20050-20059", (), {190}),
    "reserved, bind": (BindMode.BIND, examples(1, 1), 20000, 20199, "20050-20059", (), {190}),
    "reserved, explicit": (BindMode.EXPLICIT, examples(1, 1), 20000, 20199, "20050-20059", (), {200}),
    "a listener on any": (BindMode.CONNECT, examples(1, 1), 20000, 20199, "", (Hold("0.0.0.0", 20007, True),), {199}),
    "a listener elsewhere": (BindMode.CONNECT, examples(1, 1), 20000, 20199, "", (Hold(OTHER, 20007, True),), {199}),
    "bound elsewhere": (BindMode.NO_PORT, examples(2, 1), 20000, 20199, "", (Hold(OTHER, 20007, False),), {398}),
    "bind beside a listener": (BindMode.BIND, examples(1, 1), 20000, 20199, "", (Hold(OTHER, 20007, True),), {200}),
    "bind below a listener": (BindMode.BIND, examples(1, 1), 20000, 20199, "", (Hold("0.0.0.0", 20007, True),), {199}),
    "explicit below a listener": (
        BindMode.EXPLICIT, examples(1, 2), 20000, 20199, "", (Hold("0.0.0.0", 20007, True, share=True),), {398},
    ),
    "explicit beside bound ones": (
        BindMode.EXPLICIT, examples(1, 1), 20000, 20199, "",
        (Hold(OWN, 20007, False, share=True), Hold(OWN, 20008, False), Hold(OTHER, 20009, False)), {199},
    ),
    "a v6 listener on any": (BindMode.CONNECT, examples(1, 1), 20000, 20199, "", (Hold("::", 20007, True),), {199}),
    "v6-only, bind of v4": (BindMode.BIND, examples(1, 1), 20000, 20199, "", (Hold("::", 20007, True, True),), {200}),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_each_rule(here: Arena, name: str) -> None:
    *case, expected = TOLD[name]
    found = proof("ports", forecast(Case(*case), "it", "it"), here)
    assert found.measured in expected
    assert found.verdict is Proven.AGREES, found


def test_connections_that_bind_take_ports_from_those_that_do_not(here: Arena) -> None:
    """What a program holds by bind() from one source is lost for connect() from every other one."""
    held = tuple(Hold("192.0.2.2", 20000 + 2 * n, False) for n in range(50))
    found = proof("ports", forecast(Case(BindMode.CONNECT, examples(1, 1), 20000, 20199, "", held), "it", "it"), here)
    assert (found.measured, found.verdict) == (150, Proven.AGREES)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any setting within legal limits, small enough that hundreds of them can be tried."""
    size = draw(st.integers(1, 48))
    low = draw(st.integers(1024, 65536 - size))
    port = st.integers(low, low + size - 1)
    version = draw(st.sampled_from([4, 6]))
    pairs = examples(draw(st.integers(1, 3)), draw(st.integers(1, 3)), version)
    own = [source for source, _ in pairs]
    addresses = ["0.0.0.0", "::", OTHER, OTHER6, *own]
    hold = st.builds(Hold, st.sampled_from(addresses), port, st.booleans(), st.booleans(), st.booleans())
    held = draw(st.lists(hold, max_size=6, unique_by=lambda one: one.port))
    mode = draw(st.sampled_from(BindMode))
    if mode is BindMode.CONNECT:
        pairs = tuple(pair for pair in pairs if pair[0] == own[0])
    outside = st.integers(max(low - 3, 1), min(low + size + 3, 65535))
    reserved = ",".join(map(str, sorted(draw(st.sets(outside, max_size=8)))))
    return Case(mode, pairs, low, low + size - 1, reserved, tuple(held))


@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(case=cases())
def test_any_setting_comes_out_as_foretold(here: Arena, case: Case) -> None:
    found = proof("ports", forecast(case, "it", "it"), here)
    assert found.verdict is Proven.AGREES, found
