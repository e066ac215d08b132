"""A mosquitto.conf comes to its listeners, each with the limit that mosquitto itself gives it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.capacity.logs import appears, log_lines
from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.model import BindMode, Configuration
from hosttune.programs import configuration, knowledge
from hosttune.programs.command_line import Arguments
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.mosquitto import command, lines, read, recognises
from tests import pace
from tests.programs import stage
from tests.programs.shelves.mosquitto import cases
from tests.programs.test_mosquitto import welcome_at

TAIL = "allow_anonymous true\nuser root\nlog_dest stderr\n"
MORE = 9


def taken(configured: Configuration) -> dict[str, int]:
    """Return the limit of each port."""
    limits = {entry.name.split()[1]: [limit.value for limit in entry.limits] for entry in configured.entries}
    return {port: sum(values) for port, values in limits.items()}


@pytest.mark.parametrize("case", cases.EVERY, ids=cases.NAMES)
def test_a_configuration_comes_to_its_listeners(case: dict[str, Any], tmp_path: Path) -> None:
    configured = configuration.read(Given(LiveHost(), (str(cases.write(case, tmp_path, TAIL)),))).configuration
    assert (configured.program, configured.sections, configured.mode) == ("mosquitto", (), None)
    if "refused" in case:
        assert any(case["refused"] in note for note in configured.notes), configured.notes
    else:
        left = {port: most for port, most in taken(configured).items() if int(port) not in case.get("unheld", ())}
        assert left == case["takes"]
    for entry in configured.entries:
        for limit in entry.limits:
            path, _, line = limit.where.rpartition(":")
            assert limit.of == entry.name and "max_connections" in Path(path).read_text().splitlines()[int(line) - 1]


def listening() -> set[str]:
    return {line.split()[3].rpartition(":")[2] for line in stage.ss("-l")}


def on_every_case() -> None:
    """Start mosquitto with each: its ports are the entries', and each takes as many clients as its limit says."""
    for number, case in enumerate(cases.EVERY):
        directory = stage.WORK / f"case{number}"
        directory.mkdir()
        directory.chmod(0o755)
        path = cases.write(case, directory, TAIL)
        process = stage.start(f"case{number}", "mosquitto", "-c", str(path))
        name, log = case["name"], f"case{number}"
        if "refused" in case:
            assert process.wait(10) != 0, (name, stage.log_of(log))
            continue
        stage.wait_for(f"{name}: running", lambda log=log: " running" in stage.log_of(log))
        ports = {port for port in listening() if int(port) not in case.get("unheld", ())}
        assert ports == set(case["takes"]), name
        for port, most in case["takes"].items():
            clients = [welcome_at("127.0.0.1", int(port), one) for one in range((most or 10) + MORE)]
            assert sum(client is not None for client in clients) == (most or 10 + MORE), (name, port)
            for client in filter(None, clients):
                client.close()
        process.terminate()
        process.wait(10)


@pytest.mark.slow
def test_mosquitto_takes_as_many_at_each_port_as_is_read() -> None:
    stage.need("mosquitto")
    stage.play(__file__, "on_every_case")


def on_limit() -> None:
    """Ask what stops it, bring more, and see as many as predicted, and the line that is announced."""
    path = stage.WORK / "mosquitto.conf"
    path.write_text(f"listener 1883 {stage.FRONTEND}\nmax_connections 7\n{TAIL}")
    stage.start("mosquitto", "mosquitto", "-c", str(path))
    stage.wait_for_listener(stage.FRONTEND, 1883)
    bound = stage.ask("--role", "broker", "--backends-from", str(path))[
        f"max-connections:listener 1883 {stage.FRONTEND}"
    ]
    clients = [welcome_at(stage.FRONTEND, 1883, number) for number in range(12)]
    assert sum(client is not None for client in clients) == bound["hard"] == 7
    (line,) = log_lines(knowledge.of("mosquitto")[0], "max-connections", BindMode.CONNECT)
    stage.wait_for(line, lambda: appears(line, stage.log_of("mosquitto")))


@pytest.mark.slow
def test_the_limit_of_a_listener_is_a_bound_with_its_line() -> None:
    stage.need("mosquitto")
    stage.play(__file__, "on_limit")


@pytest.mark.slow
def test_every_word_that_is_known_is_one_of_mosquitto(tmp_path: Path) -> None:
    """It says of a word that it does not have that it is unknown; what it has by a version is not held."""
    stage.need("mosquitto")
    newer = {"global_max_clients", "global_max_connections"}
    for word in sorted(lines.WORDS - newer - {"include_dir"}):
        path = tmp_path / "m.conf"
        path.write_text(f"{word}\n")
        done = subprocess.run(
            ["timeout", "0.5", "mosquitto", "-c", str(path)], capture_output=True, text=True, check=False
        )
        assert f'Unknown configuration variable "{word}"' not in done.stderr


def test_a_silent_one_says_that_nothing_is_logged(tmp_path: Path) -> None:
    (tmp_path / "m.conf").write_text("connection_messages false\nlistener 1883\nmax_connections 2\n")
    (entry,) = configuration.read(Given(LiveHost(str(tmp_path)), ("/m.conf",))).configuration.entries
    assert entry.limits[0].notes == ("nothing is logged of it: connection_messages is false",)


def test_the_whole_broker_has_a_limit_since_2_1(tmp_path: Path) -> None:
    (tmp_path / "m.conf").write_text("listener 1883\nglobal_max_connections 500\n")
    configured = configuration.read(Given(LiveHost(str(tmp_path)), ("/m.conf",))).configuration
    assert [(limit.value, limit.setting) for limit in configured.limits] == [(500, "global_max_connections")]


def test_a_bridge_is_a_note_and_no_connection_of_a_client(tmp_path: Path) -> None:
    text = "listener 1883\nmax_connections 500\nconnection up\naddresses 10.0.0.5:1883 10.0.0.6\nround_robin true\n"
    (tmp_path / "m.conf").write_text(text)
    configured = configuration.read(Given(LiveHost(str(tmp_path)), ("/m.conf",))).configuration
    assert configured.notes == ("/m.conf:4: bridge up to 2 addresses: one connection of its own, none of a client",)


def test_the_command_line_gives_its_file_and_ports(tmp_path: Path) -> None:
    given_ = command(["/usr/sbin/mosquitto", "-v", "-p", "1884", "-c", "/etc/m.conf", "-d"])
    assert given_ == Arguments(("/etc/m.conf",), overrides=("port 1884",))
    (tmp_path / "m.conf").write_text("listener 1883\n")
    asked = Given(LiveHost(str(tmp_path)), ("/m.conf",), overrides=given_.overrides)
    assert set(taken(read(asked))) == {"1883", "1884"}


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("listener 1883\n", True),
        ("# a comment\n\npersistence true\ninclude_dir /etc/mosquitto/conf.d\n", True),
        ("connection up\naddress 10.0.0.5:1883\ntopic # both\n", True),
        ("auth_opt_backends files\nlistener 1883\n", True),
        ("", False),
        ("listen f\n bind :80\n server s 10.0.0.5:80\n", False),
        ("user nginx;\nevents {\n}\n", False),
        ("user: root\nport: 1883\n", False),
        ("port = 5432\nmax_connections = 100\n", False),
    ],
)
def test_it_is_told_by_the_words_of_its_lines(text: str, whose: bool) -> None:
    assert recognises(text) is whose


WORDS = st.sampled_from([*sorted(lines.WORDS), "#", "x", "\t", "\\"])
LINES = st.lists(st.tuples(WORDS, st.text(max_size=12)).map(" ".join), max_size=12).map("\n".join)


@given(LINES | st.text(max_size=200))
def test_no_text_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("m")
    (path / "m.conf").write_text(text, errors="surrogatepass")
    try:
        configured = read(Given(LiveHost(str(path)), ("/m.conf",)))
    except UsageError as error:
        assert "\n" not in str(error)
        return
    assert all(0 < limit.value < 2**31 for entry in configured.entries for limit in entry.limits)


def test_directories_that_include_one_another_end(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.conf").write_text(f"include_dir /{other}\n")
    (tmp_path / "m.conf").write_text("include_dir /a\ninclude_dir /b\nlistener 1883\n")
    watch = pace.Stopwatch()
    configured = read(Given(LiveHost(str(tmp_path)), ("/m.conf",)))
    assert watch.seconds() < 2 and set(taken(configured)) == {"1883"}
    assert any("not followed any further" in note for note in configured.notes)


def test_a_fan_of_directories_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for number in range(12):
        (tmp_path / "d" / f"{number}.conf").write_text("include_dir /d\n")
    watch = pace.Stopwatch()
    configured = read(Given(LiveHost(str(tmp_path)), ("/d/0.conf",)))
    assert watch.seconds() < 5 and len(configured.notes) <= 5_000
    assert os.listdir(tmp_path / "d")
