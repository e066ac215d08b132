"""What a container cannot see of its stall, the host around it does: its NAT, its table of connections."""

from __future__ import annotations

import pytest

from tests.diagnosis import stage
from tests.programs.stage import need


@pytest.mark.slow
def test_the_nat_of_the_host_is_named_for_a_program_behind_it() -> None:
    need("ip", "nft")
    found = stage.diagnosed("nat_around")["found"]
    assert found["causes"][0]["kind"] == "outside"
    (first, *_) = found["next"]
    assert (
        first.startswith("on the way, outside of it (")
        and "NAT" in first
        and first.endswith("`sudo hosttune diagnose`")
    )
