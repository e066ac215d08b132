"""A recording replays every answer and every error; a file that is none is one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import HostError, UsageError
from hosttune.host.live import LiveHost
from hosttune.host.recorded import SCHEMA, Recorded, Recording
from hosttune.model import Reason


def test_answers_and_errors_replay(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff text")
    (tmp_path / "l").symlink_to("/dev/null")
    host = Recording(LiveHost(str(tmp_path)))
    host.read("/a")
    host.glob("/*")
    assert (host.link("/l"), host.link("/a"), host.link("/b")) == ("/dev/null", "", "")
    for ask in (lambda: host.read("/b"), lambda: host.probe("routes", destinations=["127.0.0.1"])):
        with pytest.raises(HostError):
            ask()
    (tmp_path / "snapshot").write_text(host.text())
    replay = Recorded.load(str(tmp_path / "snapshot"))
    assert replay.read("/a") == "\udcff text"
    assert replay.glob("/*") == ["/a", "/l"]
    assert (replay.link("/l"), replay.link("/a"), replay.link("/b")) == ("/dev/null", "", "")
    for path, reason in (("/b", Reason.ABSENT), ("/c", Reason.NOT_RECORDED)):
        with pytest.raises(HostError) as caught:
            replay.read(path)
        assert caught.value.reason is reason


BAD: list[tuple[str, str]] = [
    ("", "cut short"),
    ("{", "cut short"),
    ("[" * 100_000, "nested too deep"),
    ("[]", "not a snapshot"),
    ('{"schema": "other"}', "not a snapshot"),
    (json.dumps({"schema": SCHEMA, "reads": {}, "globs": {}}), "probes"),
    (json.dumps({"schema": SCHEMA, "reads": {"/a": 1}, "globs": {}, "probes": {}}), "/a"),
    (json.dumps({"schema": SCHEMA, "reads": {"/a": {"is": 1}}, "globs": {}, "probes": {}}), "/a"),
    (json.dumps({"schema": SCHEMA, "reads": {"/a": {"is": None}}, "globs": {}, "probes": {}}), "/a"),
    (json.dumps({"schema": SCHEMA, "reads": {}, "globs": {}, "probes": {"page_size {}": {"is": None}}}), "page"),
    (json.dumps({"schema": SCHEMA, "reads": {"/a": {"error": {}, "detail": ""}}, "globs": {}, "probes": {}}), "/a"),
    (json.dumps({"schema": SCHEMA, "reads": {"/a": {"error": "NO"}}, "globs": {}, "probes": {}}), "/a"),
    (json.dumps({"schema": SCHEMA, "reads": {}, "globs": {"/*": [1]}, "probes": {}}), "globs"),
    (json.dumps({"schema": SCHEMA, "reads": {}, "globs": {"/etc/*": ["x"]}, "probes": {}}), "does not match"),
    (json.dumps({"schema": SCHEMA, "reads": {}, "globs": {"/etc/*/b": ["/etc/b"]}, "probes": {}}), "does not match"),
    (json.dumps({"schema": SCHEMA, "reads": {}, "globs": {}, "probes": {}, "links": {"/a": 1}}), "links"),
]


@pytest.mark.parametrize(("text", "says"), BAD)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "snapshot"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        Recorded.load(str(path))
    assert says in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        Recorded.load(str(tmp_path / "nothing"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("is"), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["reads", "globs", "probes"]), JSON))
def test_no_snapshot_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, answers: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("s") / "snapshot"
    path.write_text(json.dumps({"schema": SCHEMA, **answers}))
    try:
        host = Recorded.load(str(path))
    except UsageError:
        return
    with pytest.raises(HostError):
        host.read("/not/recorded")
