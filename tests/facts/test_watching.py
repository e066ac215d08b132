"""What users have of inotify, and processes of mappings, as a host answers; what it does not answer is unknown."""

from __future__ import annotations

from typing import Any

from hosttune.facts import watching
from hosttune.host.recorded import Recorded
from hosttune.model import Reason, Unknown, Watching


def _host(probes: dict[str, Any]) -> Recorded:
    return Recorded(
        {"reads": {}, "globs": {}, "links": {}, "probes": {key: {"is": value} for key, value in probes.items()}}
    )


def test_the_users_as_they_were_counted() -> None:
    user = {"uid": 7, "instances": 3, "watches": 9, "pid": 812, "name": "tail", "most": 2}
    host = _host({"inotify {}": {"users": [user], "whole": False}})
    assert watching.gather(host) == (Watching(7, 3, 9, "tail (812)", 2, False),)


def test_who_was_not_asked_is_not_known() -> None:
    found = watching.gather(_host({}))
    assert isinstance(found, Unknown) and found.reason is Reason.NOT_RECORDED
    assert watching.mappings(_host({}), [812]) == {}


def test_mappings_by_process() -> None:
    assert watching.mappings(_host({'mappings {"pids": [7, 812]}': {"812": 40}}), [812, 7]) == {812: 40}
