"""Which files a configuration is: those that are named, of a directory, below a root, in a snapshot; and how large."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.host.recorded import Recorded
from hosttune.model import Configuration
from hosttune.programs import configuration, given
from hosttune.programs.given import Given
from tests.plugged import plugged

SHELF = """
from hosttune.model import Configuration, Settings

DIRECTORY = ".relay"


def recognises(text):
    return text.startswith("relay")


def read(given):
    for path in given.paths:
        given.text(path)
    return Configuration("relayd", given.paths, Settings("relayd", ""))
"""


def files(directory: Path, *names: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).write_text(f"# {name}\n")
    return directory


def of(*paths: object, host: LiveHost | None = None) -> list[str]:
    return [os.path.basename(path) for path in given.expanded(Given(host or LiveHost(), tuple(map(str, paths)))).paths]


def wrong(*paths: object, host: LiveHost | Recorded | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        configuration.read(Given(host or LiveHost(), tuple(map(str, paths))))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["b.cfg", "B.cfg", "00.cfg", ".h.cfg", "x.cfgx", "a.cfg.cfg", "readme"], ["00.cfg", "B.cfg", "b.cfg"]),
        (["\u00e4.cfg", "z.cfg", "dataplane.yaml", "x.conf"], ["z.cfg", "\u00e4.cfg"]),
        (["mime.types", "fastcgi.conf", "nginx.conf"], ["nginx.conf"]),
        (["b.conf", "a.conf", "a.conf.bak", "default"], ["a.conf", "b.conf"]),
        (["envoy.yaml", "other.yaml"], ["envoy.yaml"]),
    ],
)
def test_of_a_directory_it_is_what_its_program_reads(tmp_path: Path, names: list[str], taken: list[str]) -> None:
    files(tmp_path / "d", *names)
    (tmp_path / "d/dir.cfg").mkdir()
    assert of(tmp_path / "d") == of(f"{tmp_path}/d/") == taken
    assert of("d", host=LiveHost(str(tmp_path))) == taken


def test_several_are_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    files(tmp_path / "d", "b.cfg", "a.cfg")
    files(tmp_path, "z.cfg", "[1].cfg")
    assert of(tmp_path / "z.cfg", tmp_path / "d", tmp_path / "[1].cfg") == ["z.cfg", "a.cfg", "b.cfg", "[1].cfg"]


def test_a_relative_one_is_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path / "d", "b.cfg")
    monkeypatch.chdir(tmp_path)
    assert given.expanded(Given(LiveHost(), ("d", "d/b.cfg"))).paths == ("d/b.cfg", "d/b.cfg")
    assert Given(LiveHost(), ()).glob("d/*") == ["d/b.cfg"]


def test_a_directory_without_a_configuration_is_one_line(tmp_path: Path) -> None:
    files(tmp_path / "d", "readme")
    said = wrong(tmp_path / "d")
    assert said.startswith(f"--backends-from {tmp_path}/d: a directory without *.cfg or ") and " *.conf" in said
    (tmp_path / "e").mkdir()
    assert "a directory without" in wrong(tmp_path / "e")


def test_a_path_may_have_the_root_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path / "R/etc/haproxy", "haproxy.cfg")
    (tmp_path / "link").symlink_to("R")
    monkeypatch.chdir(tmp_path)
    inside = "/etc/haproxy/haproxy.cfg"
    for root in ("R", str(tmp_path / "R"), "link"):
        for path in (inside, inside[1:], f"R{inside}", f"link{inside}", f"{tmp_path}/R{inside}", "R/etc/haproxy"):
            assert given.expanded(Given(LiveHost(root), (path,))).paths == (inside,)


def test_the_root_itself_may_be_the_directory(tmp_path: Path) -> None:
    files(tmp_path / "R", "a.cfg")
    assert given.expanded(Given(LiveHost(str(tmp_path / "R")), (str(tmp_path / "R"),))).paths == ("/a.cfg",)


def test_what_is_not_in_the_root_says_so(tmp_path: Path) -> None:
    root = files(tmp_path / "R")
    files(tmp_path, "x.cfg")
    said = "the path is taken inside --root"
    assert wrong("/x.cfg", host=LiveHost(str(root))) == f"--backends-from /x.cfg: absent below {root}; {said}"
    outside = wrong(tmp_path / "x.cfg", host=LiveHost(str(root)))
    assert outside == f"--backends-from {tmp_path}/x.cfg: absent below {root}; {said}"
    assert wrong(root / "y.cfg", host=LiveHost(str(root))) == f"--backends-from /y.cfg: absent below {root}; {said}"


def test_names_are_asked_of_the_machine_itself_alone(tmp_path: Path) -> None:
    files(tmp_path, "x.cfg")
    assert given.expanded(Given(LiveHost(), (f"{tmp_path}/x.cfg",))).resolves
    assert not given.expanded(Given(LiveHost(str(tmp_path)), ("x.cfg",))).resolves


def test_a_snapshot_has_what_it_recorded(tmp_path: Path) -> None:
    reads = {"/d/a.cfg": {"is": "backend b\n"}, "/d/b.cfg": {"is": " server s 10.0.0.1:80\n"}}
    path = tmp_path / "s.json"
    tables = {"reads": reads, "globs": {"/d/*": ["/d/b.cfg", "/d/a.cfg"]}, "probes": {}}
    path.write_text(json.dumps({"schema": "hosttune/snapshot/1", **tables}))
    host = Recorded.load(str(path))
    assert given.expanded(Given(host, ("/d",))).paths == ("/d/a.cfg", "/d/b.cfg")
    assert "/e.cfg: not in the snapshot" in wrong("/e.cfg", host=host)


def test_a_file_that_is_too_large_is_named_with_its_size_and_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x.cfg"
    path.touch()
    os.truncate(path, given.LARGEST + 1)
    assert wrong(path) == f"--backends-from {path}: 16,777,217 bytes; at most 16 MiB of one file are read"
    for name in "abc":
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, given.LARGEST)
    all_ = wrong(*(tmp_path / name for name in "abc"))
    assert all_.startswith(f"--backends-from {tmp_path}/c: 50,331,648 bytes with the files before it; at most 32 MiB")


@pytest.fixture
def relayd(tmp_path: Path) -> Iterator[None]:
    with plugged("hosttune.programs.shelves", "relayd", SHELF, tmp_path):
        yield


def read(*paths: Path, program: str = "") -> Configuration:
    return configuration.read(Given(LiveHost(), tuple(map(str, paths)), program=program)).configuration


@pytest.mark.usefixtures("relayd")
def test_the_program_is_that_of_the_file_that_shows_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("# any\n")
    (tmp_path / "b").write_text("relay to x\n")
    assert read(tmp_path / "a", tmp_path / "b").program == "relayd"
    assert read(tmp_path / "a", program="relayd").files == (f"{tmp_path}/a",)


@pytest.mark.usefixtures("relayd")
def test_files_of_two_programs_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("relay to x\n")
    (tmp_path / "b.conf").write_text("events {\n}\nhttp {\n}\n")
    said = wrong(tmp_path / "a", tmp_path / "b.conf")
    assert said == (
        f"--backends-from: {tmp_path}/a is relayd's, {tmp_path}/b.conf is nginx's; name the files of one program"
    )


@pytest.mark.usefixtures("relayd")
def test_a_shelf_says_how_the_files_of_its_directory_end(tmp_path: Path) -> None:
    files(tmp_path / "d", "b.relay", "a.relay", "x.conf")
    assert of(tmp_path / "d") == ["a.relay", "b.relay"]


NAMES = st.text("ab.cfgon*[]?-", min_size=1, max_size=9).filter(lambda name: name not in (".", ".."))


@given_that(st.sets(NAMES, max_size=6))
def test_any_directory_is_files_of_it_or_one_line(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    directory = files(tmp_path_factory.mktemp("d"), *names)
    try:
        taken = of(directory)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert taken and set(taken) <= names


def test_a_link_below_the_root_that_leads_nowhere_here_may_be_written_with_the_root_before_it(tmp_path: Path) -> None:
    files(tmp_path / "etc/sites-available", "x")
    (tmp_path / "etc/sites-enabled").mkdir()
    (tmp_path / "etc/sites-enabled/x").symlink_to("/etc/sites-available/x")
    wanted = Given(LiveHost(str(tmp_path)), (str(tmp_path / "etc/sites-enabled/x"),))
    assert given.expanded(wanted).paths == ("/etc/sites-enabled/x",)
    assert given.expanded(wanted).text("/etc/sites-enabled/x") == "# x\n"
