"""A kind of subject from outside of the tree: one file that reads it, rows in a profile, and every verb knows it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosttune import cli
from hosttune.commands import completing
from hosttune.facts import kinds

KIND = """
from hosttune.errors import HostError
from hosttune.model import Reading, Reason, Subject, Unknown

def read(host, names):
    found = {}
    for name in names:
        device, _, what = name.partition("/")
        try:
            value = int(host.read(f"/sys/class/net/{device}/{what}"))
        except HostError as error:
            value = Unknown(error.reason, error.detail)
        found[name] = Reading(Subject("nic", name), value, Unknown(Reason.UNSET))
    return found
"""
PROFILE = """
[profile]
name = "wide"
title = "a host with long queues"

[about."nic:lo/tx_queue_len"]
what = "packets that wait to be sent"
unit = "packets"
default = "1000"
default_value = 1000
too_low = "drops under load"
too_high = "delay"
scope = "an interface"
source = "Documentation/networking/"
"""
ROW = """
[[require]]
subject = "nic:{name}/tx_queue_len"
operator = "at_least"
value = {value}
why = "bursts"
source = "a test"
severity = "error"
"""


@pytest.fixture
def nic(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds/nic.py").write_text(KIND)
    kinds.__path__.append(str(tmp_path / "kinds"))
    yield tmp_path
    kinds.__path__.pop()
    sys.modules.pop("hosttune.facts.kinds.nic", None)


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(args))
    return int(left.value.code or 0)


def test_check_judges_it(nic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    now = int(Path("/sys/class/net/lo/tx_queue_len").read_text())
    rows = (ROW.format(name="lo", value=wanted) for wanted in (now, now + 1))
    for row, verdict in zip(rows, ("OK", "FAIL"), strict=True):
        (nic / "wide.toml").write_text(PROFILE + row)
        code = run("check", "--profile", str(nic / "wide.toml"), "--format", "json")
        findings = json.loads(capfd.readouterr().out)["findings"]
        (found,) = [f for f in findings if f["subject"] == "nic:lo/tx_queue_len"]
        assert (found["verdict"], bool(code)) == (verdict, verdict == "FAIL"), found


def test_what_cannot_be_read_stops_nothing(nic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (nic / "wide.toml").write_text(PROFILE + ROW.format(name="no_such", value=1))
    assert run("check", "--profile", str(nic / "wide.toml"), "--format", "json") in (0, 3)
    (found,) = [f for f in json.loads(capfd.readouterr().out)["findings"] if f["subject"].startswith("nic:")]
    assert found["verdict"] == "NOT_APPLICABLE" and "not found" in found["because"]


def test_explain_tells_of_it(nic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (nic / "wide.toml").write_text(PROFILE + ROW.format(name="lo", value=5))
    for key in ("nic:lo/tx_queue_len", "nic"):
        assert run("explain", key, "--profile", str(nic / "wide.toml")) == 0
        told = capfd.readouterr().out
        assert "packets that wait to be sent" in told and "at least 5 (wide): bursts" in told
        assert f"here now  {Path('/sys/class/net/lo/tx_queue_len').read_text().strip()}" in told
    assert "nic" in completing.subjects("")


def test_without_the_file_no_profile_may_name_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wide.toml").write_text(PROFILE + ROW.format(name="lo", value=5))
    assert run("check", "--profile", str(tmp_path / "wide.toml")) == 2
    assert "not a subject" in capfd.readouterr().err


def test_names_of_the_shipped_kinds() -> None:
    for text in ("sysctl:net.core.somaxconn", "sysctl:net/core/somaxconn", "nofile:service", "nofile:unit/a.service"):
        assert kinds.valid(text)
    for text in ("sysctl:net..core", "sysctl:-net.core", "nofile:unit/../a", "nofile:root", "pool:x", "sysctl"):
        assert not kinds.valid(text)
