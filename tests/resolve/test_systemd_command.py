"""What a start of a service runs: ExecStart= of unit file and drop-ins, and the environment that it gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.host.live import LiveHost
from hosttune.resolve import systemd_command
from hosttune.resolve.systemd_command import Started

UNIT = "usr/lib/systemd/system/a@.service"


def started(root: Path, *files: tuple[str, str], unit: str = "a@x-1.service", now: bool = False) -> Started:
    for name, text in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return systemd_command.of_unit(LiveHost(str(root)), unit, now)


def argvs(*lines: str, root: Path) -> list[tuple[str, ...]]:
    text = "[Service]\n" + "".join(f"{line}\n" for line in lines)
    return [command.argv for command in started(root, (UNIT, text)).commands]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["ExecStart=/bin/p -f /etc/%i.cfg -n %%"], [("/bin/p", "-f", "/etc/x-1.cfg", "-n", "%")]),
        (["ExecStart=-+!/bin/p a"], [("/bin/p", "a")]),
        (["ExecStart=@/bin/p name a"], [("/bin/p", "a")]),
        (["Environment=A=1", "ExecStart=:/bin/p $A ${A}"], [("/bin/p", "$A", "${A}")]),
        (["ExecStart=/bin/p a ; /bin/q b \\; c"], [("/bin/p", "a"), ("/bin/q", "b", ";", "c")]),
        (["ExecStart=/bin/p", "ExecStart=", "ExecStart=/bin/q"], [("/bin/q",)]),
        (["ExecStart=/bin/p 'a", "ExecStart=/bin/q"], [("/bin/q",)]),
        (["ExecStart=/bin/p \\\n  -f x \\\n# no end\n  -g y"], [("/bin/p", "-f", "x", "-g", "y")]),
        (["ExecStart=/bin/p $A -x", "Environment=", "Environment='A=-f a b' A=c"], [("/bin/p", "c", "-x")]),
        (["ExecStart=/bin/p ${A}", "Environment='A=-f a b'"], [("/bin/p", "-f a b")]),
        (["ExecStart=/bin/p $A$B ${N}", "Environment=A=1"], [("/bin/p", "")]),
        (["[Install]", "ExecStart=/bin/p"], []),
    ],
)
def test_command_lines(lines: list[str], wanted: list[tuple[str, ...]], tmp_path: Path) -> None:
    assert argvs(*lines, root=tmp_path) == wanted


def test_the_environment_of_a_file_wins_and_the_last_of_several(tmp_path: Path) -> None:
    service = (
        '[Service]\nExecStart=/bin/p\nEnvironment=A=1 B=1 C=1 D=1 wrong\nEnvironment="B=2 %i"\n'
        "EnvironmentFile=-/etc/default/%p\nEnvironmentFile=/etc/more.*\nEnvironmentFile=-/etc/none\n"
        "UnsetEnvironment=D E=6\nRuntimeDirectory=p q:r\n"
    )
    files = [("etc/default/a", "C=3\nE=5\n"), ("etc/more.1", "E=6\n"), ("etc/more.0", "E=7\nF=8\n")]
    got = started(tmp_path, (UNIT, service), *files)
    assert got.environment == {"A": "1", "B": "2 x-1", "C": "3", "F": "8", "RUNTIME_DIRECTORY": "/run/p:/run/q"}
    assert got.notes == ()


def test_a_file_that_has_to_be_there_is_noted(tmp_path: Path) -> None:
    got = started(tmp_path, (UNIT, "[Service]\nExecStart=/bin/p\nEnvironmentFile=/etc/none\n"))
    (note,) = got.notes
    assert note.startswith(f"/{UNIT}:3: EnvironmentFile=/etc/none: not found")


def test_drop_ins_count_and_what_lies_in_run_only_now(tmp_path: Path) -> None:
    drop = "[Service]\nExecStart=\nExecStart=/bin/q\nWorkingDirectory=/srv\nRootDirectory=/jail\n"
    files = [(UNIT, "[Service]\nExecStart=/bin/p\n"), ("run/systemd/system/a@.service.d/z.conf", drop)]
    assert [command.argv for command in started(tmp_path, *files).commands] == [("/bin/p",)]
    got = started(tmp_path, *files, now=True)
    assert [command.argv for command in got.commands] == [("/bin/q",)]
    assert (got.directory, got.root, str(got.commands[0].where)) == (
        "/srv",
        "/jail",
        "/run/systemd/system/a@.service.d/z.conf:3",
    )


def test_a_unit_that_is_masked_or_not_there_starts_nothing(tmp_path: Path) -> None:
    assert started(tmp_path, unit="none.service") == Started()
    assert (
        started(tmp_path, (UNIT, "[Service]\nExecStart=/bin/p\n"), ("etc/systemd/system/a@.service", "")) == Started()
    )
