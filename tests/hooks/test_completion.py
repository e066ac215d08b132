"""Completion in the shells themselves: what each shows after a tab."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from hosttune.cli import app
from hosttune.commands import hooks
from hosttune.hooks.completion import SHELLS, script
from hosttune.terminal import candidates
from tests import needs
from tests.hooks.typed import Shell
from tests.netns import sandbox
from tests.vm.guest import REPO

COMMAND = typer.main.get_command(app)
BASH = [
    "bind 'set show-all-if-ambiguous on'",
    "bind 'set enable-bracketed-paste off'",
    "bind 'set page-completions off'",
]
ZSH = ["autoload -Uz compinit", "compinit -D -u", "setopt no_list_ambiguous no_beep no_prompt_sp", "LISTMAX=1000"]
START = {"bash": (["bash", "--norc", "-i"], BASH), "zsh": (["zsh", "-f", "-i"], ZSH)}


def program(folder: Path, text: str) -> dict[str, str]:
    """Return an environment that has a program `hosttune` with this text, and nothing of whoever runs the tests."""
    (folder / "bin").mkdir()
    path = folder / "bin/hosttune"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}


class Fish:
    """fish tells without a terminal what it would offer."""

    def __init__(self, env: dict[str, str], file: Path) -> None:
        self.env, self.file = env, file

    def completed(self, line: str) -> str:
        command = ["fish", "--no-config", "-c", f"source {self.file}; complete -C $argv[1]", line]
        done = subprocess.run(command, capture_output=True, text=True, env=self.env, check=False, cwd=self.file.parent)
        assert not done.stderr, done
        return done.stdout

    def end(self) -> None:
        pass


def started(shell: str, folder: Path, text: str) -> Shell | Fish:
    needs.need(shell)
    env = program(folder, text)
    file = folder / f"completion.{shell}"
    file.write_text(script(shell))
    (folder / "a file").touch()
    (folder / "directory").mkdir()
    if shell == "fish":
        return Fish(env, file)
    command, setup = START[shell]
    return Shell(command, env, [f"cd {folder}", *setup, f"source {file}"])


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell | Fish]:
    """Yield each shell, with hosttune as it is in this checkout."""
    text = f'PYTHONPATH={shlex.quote(str(REPO))} exec {shlex.quote(sys.executable)} -m hosttune "$@"'
    one = started(request.param, tmp_path_factory.mktemp(request.param), text)
    yield one
    one.end()


SHOWN = {
    "verbs": ("hosttune ", ["check", "capacity", "hook"], ["complete", "a file"]),
    "options": ("hosttune check --ro", ["--role", "--root"], ["--rate"]),
    "roles": ("hosttune check --role ", ["broker", "lb"], ["directory"]),
    "roles after an equals sign": ("hosttune check --connections 5 --role=l", ["lb", "linux-server"], ["broker"]),
    "sysctls": ("hosttune explain net.ipv4.tcp_me", ["net.ipv4.tcp_mem"], ["tcp_max"]),
    "files": ("hosttune check --snapshot ", ["a file", "directory"], []),
    "files after an equals sign": ("hosttune check --snapshot=./a", ["file"], ["directory"]),
    "directories": ("hosttune check --root ", ["directory"], ["a file"]),
    "nothing": ("hosttune check --backend ", [], ["directory", "lb", "--role"]),
}


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.slow
def test_it_offers(shell: Shell | Fish, name: str) -> None:
    line, wanted, unwanted = SHOWN[name]
    shown = shell.completed(line).replace("\\ ", " ")
    assert not [one for one in wanted if one not in shown], shown
    assert not [one for one in unwanted if one in shown], shown


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.slow
def test_nothing_that_comes_back_is_evaluated(name: str, tmp_path: Path) -> None:
    """Nor does what it says about an error come into the prompt."""
    hostile = tmp_path / "hostile"
    hostile.write_text(
        "a$(touch ran)`touch ran`'\"\\;touch ran\tit's $(touch ran) `touch ran` \\$(touch ran)\n"
        "ab*:c\tb;touch ran\n:files\n"
    )
    one = started(name, tmp_path, f"cat {hostile}; echo trouble >&2; exit 3")
    shown = one.completed("hosttune a") + one.completed("hosttune --x=$(touch ran")
    one.end()
    assert "ab" in shown and "trouble" not in shown, shown
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.slow
def test_scripts_are_right_by_the_shell_itself(name: str) -> None:
    needs.need(name)
    assert not subprocess.run([name, "-n"], input=script(name), text=True, capture_output=True, check=True).stderr


def test_each_value_is_asked_for_by_its_kind() -> None:
    """What is a file or a directory by its name in the help is completed as one, in every verb."""

    def below(command: object, words: str) -> Iterator[tuple[str, object]]:
        yield words, command
        for key, one in getattr(command, "commands", {}).items():
            yield from below(one, f"{words} {key}")

    asked = 0
    for words, command in below(COMMAND, "hosttune"):
        for one in command.params:  # type: ignore[attr-defined]  # of either click
            kind = {"FILE": ":files", "DIR": ":directories"}.get((one.metavar or "").strip("[].").partition("/")[0])
            if kind:
                option = f"{one.opts[-1]} " if one.param_type_name == "option" else ""
                assert candidates.of(COMMAND, f"{words} {option}/x") == [("/x", kind)], (words, one.name)
                asked += 1
    assert asked > 20


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("hosttune apply --only sysctl,", ["sysctl,limits", "sysctl,units", "sysctl,addresses"]),
        ("hosttune apply --only limits,s", ["limits,sysctl"]),
        ("hosttune check --fail-on=w", ["--fail-on=warning"]),
        ("hosttune hook completi", ["completion"]),
        ("hosttune hook completion ", list(SHELLS)),
        ("hosttune capacity --format ", ["table", "html", "json", "markdown", "svg"]),
        ("hosttune check --role 'l", ["lb", "linux-server"]),
        ("hosttune --version --he", ["--help"]),
        ("hosttune nonsense --ro", []),
        ("hosttune profile show br", ["broker"]),
    ],
)
def test_values(line: str, values: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert [value for value, _ in candidates.of(COMMAND, line)] == values
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    "line", ["", " ", "'", "\\", "hosttune \x00", "\udcff", "hosttune check --role=", "hosttune --"]
)
def test_no_line_is_trouble(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    hooks.complete(COMMAND, line)
    assert not capsys.readouterr().err


# $1 a directory for the layer; then the command
BROKEN = """\
set -e
mkdir "$1/up" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/up,workdir=$1/work" /etc
mkdir -p /etc/hosttune/profiles
echo '[[broken' >/etc/hosttune/profiles/mine.toml
shift
exec "$@"
"""


@pytest.mark.slow
def test_a_profile_of_ones_own_is_offered_and_a_broken_one_is_silent(tmp_path: Path) -> None:
    sandbox.need_namespaces()
    script = '"$0" -m hosttune hook complete -- "hosttune {} "; echo $?'
    layer = Path("/dev/shm") / tmp_path.name  # an overlay lies on no overlay
    layer.mkdir()
    command = ["unshare", "-m", "sh", "-c", BROKEN, "sh", str(layer), "sh", "-c"]
    try:
        text = script.format("check --role") + "; " + script.format("explain")
        done = subprocess.run([*command, text, sys.executable], capture_output=True, text=True, cwd=REPO, check=False)
    finally:
        shutil.rmtree(layer)
    first, _, second = done.stdout.partition("\n0\n")
    assert "mine" in first.split() and (second, done.stderr) == ("0\n", ""), done
