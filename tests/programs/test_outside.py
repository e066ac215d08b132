"""A program that is added from outside of the tree, by a file and its TOML, is known to every verb."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hosttune
from hosttune.cli import main
from hosttune.errors import ProfileError
from hosttune.options import Options, Place
from hosttune.programs import knowledge, shelves

SHELF = """
from hosttune.facts import backends
from hosttune.model import BindMode, Configuration, Section, Server, Settings


def recognises(text):
    return text.startswith("relay to ")


def read(given):
    (path,) = given.paths
    lines = [line.split() for line in given.text(path).splitlines()]
    servers = tuple(Server(words[2], path, backends.parse(given.host, words[2], path)) for words in lines)
    sections = (Section("relay", path, servers),)
    return Configuration("relayd", (path,), Settings("relayd", path), sections=sections, mode=BindMode.NO_PORT)


def files(deployment):
    return {f"hosts/{host.name}/relay.conf": "" for host in deployment.hosts if host.tier.program == "relayd"}
"""
KNOWN = """
name = "relayd"
maximum = "clients of relay.conf"

[traits.per_connection]
value = 3
why = "a log of each connection"
source = "relay.c"
seen = "1"

[[log]]
line = "client … refused: no descriptor."
causes = ["nofile"]
errno = "EMFILE"
call = "accept"
bound = "nofile"
source = "relay.c"
"""


@pytest.fixture
def relayd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = tmp_path / "more"
    directory.mkdir()
    (directory / "relayd.py").write_text(SHELF)
    (directory / "relayd.toml").write_text(KNOWN)
    monkeypatch.setattr(shelves, "__path__", [*shelves.__path__, str(directory)])
    yield directory
    monkeypatch.undo()
    sys.modules.pop("hosttune.programs.shelves.relayd", None)


@pytest.mark.usefixtures("relayd")
def test_its_configuration_and_its_descriptors_are_counted(tmp_path: Path) -> None:
    root = tmp_path / "root"
    unit = root / "etc/systemd/system/relayd.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/sbin/relayd\nLimitNOFILE=3200\n")
    (root / "etc/relay.conf").write_text("relay to 10.0.0.1:80\nrelay to 10.0.0.2:80\n")
    options = Options(role="lb", service="relayd", backends_from="/etc/relay.conf")
    report = hosttune.check(options, Place(root=str(root)))
    assert [str(backend) for backend in report.workload.backends] == ["10.0.0.1:80", "10.0.0.2:80"]
    bound = next(bound for bound in report.bounds if bound.id == "nofile")
    assert bound.hard == (3200 - report.workload.own_descriptors) // 3
    assert bound.log == "client … refused: no descriptor."


@pytest.mark.usefixtures("relayd")
def test_a_line_of_its_log_is_recognised(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty, log = tmp_path / "snapshot.json", tmp_path / "relay.log"
    empty.write_text('{"schema": "hosttune/snapshot/1", "reads": {}, "globs": {}, "probes": {}}')
    log.write_text("client 10.0.0.9 refused: no descriptor.\n")
    with pytest.raises(SystemExit):
        main(["diagnose", "--snapshot", str(empty), "--log", str(log), "--format", "json"])
    told = capfd.readouterr().out
    assert '"nofile"' in told and "client 10.0.0.9 refused: no descriptor." in told


@pytest.mark.usefixtures("relayd")
def test_its_files_are_emitted() -> None:
    from hosttune.workflows import emitting
    from tests.planning.deploy import deployed

    topology = deployed.replaced(deployed.small(), "lb", program="relayd")
    assert "hosts/lb-1/relay.conf" in emitting.texts(deployed.deploy(topology))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (KNOWN.replace("maximum", "minimum"), "minimum"),
        (KNOWN.replace("value = 3", 'value = "3"'), "traits: per_connection: value"),
        (KNOWN.replace("per_connection", "per_moon"), "traits: per_moon"),
        (KNOWN.replace('line = "client … refused', 'pattern = "("\nline = "client … refused'), "log 1: pattern: "),
        (KNOWN.replace('line = "client … refused: no descriptor."', ""), "log 1: give the line"),
        (KNOWN.replace("line = ", 'mark = "accepted"\nline = '), "log 1: its own example is not found"),
        ("name = ", "relayd.toml:1"),
    ],
)
def test_a_wrong_file_is_one_line(relayd: Path, text: str, wrong: str) -> None:
    (relayd / "relayd.toml").write_text(text)
    with pytest.raises(ProfileError) as caught:
        knowledge.every()
    assert wrong in str(caught.value) and "relayd.toml" in str(caught.value) and "\n" not in str(caught.value)
