"""Whether connections are tracked goes by the rules; by the entries in the table where the rules cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.facts import machine
from hosttune.host.recorded import Recorded
from hosttune.model import Unknown

NONE: dict[str, Any] = {
    **{"translations": [], "counts": [], "untracked": [], "tracking": [], "families": [], "others": []},
    **{"rules": 0, "unread": []},
}
SOME = {**NONE, "tracking": ["ip f o handle 2, ct"], "families": ["ip"]}
REFUSED = {"error": "UNREADABLE", "detail": "only root may read the packet filter's rules (CAP_NET_ADMIN)"}


@pytest.mark.parametrize(
    ("count", "answer", "tracks"),
    [
        (None, None, False),
        ("0", {"is": NONE}, False),
        ("0", {"is": SOME}, True),  # a rule, and no traffic yet
        ("7", {"is": SOME}, True),
        ("7", {"is": NONE}, "no rule asks for it now, but 7 entries are in the table"),
        ("0", {"is": {**NONE, "others": ["openvswitch"]}}, "openvswitch may"),
        ("7", REFUSED, True),
        ("0", REFUSED, "only root may read"),
        ("0", None, "no traffic to judge by"),
        ("7", None, True),
    ],
)
def test_conntrack_tracks_where_a_rule_asks_for_it(count: str | None, answer: Any, tracks: bool | str) -> None:
    reads = {"/proc/sys/kernel/osrelease": {"is": "6.18\n"}}
    if count is not None:
        reads["/proc/sys/net/netfilter/nf_conntrack_count"] = {"is": f"{count}\n"}
    probes = {} if answer is None else {"ruleset {}": answer}
    found = machine.gather(Recorded({"reads": reads, "globs": {}, "probes": probes})).conntrack
    if isinstance(tracks, str):
        assert isinstance(found, Unknown) and tracks in str(found)
    else:
        assert found is tracks
