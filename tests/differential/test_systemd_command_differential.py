"""Hold the words, escapes, specifiers and Environment= of a unit against `systemd --test`, over generated lines."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hosttune.resolve import systemd_command, systemd_words
from tests import needs
from tests.differential.test_systemd_differential import SYSTEMD
from tests.running import Running

UNITS = 150
ATOMS = (
    "a", "b ", "$A", "${A}", " ", "  ", '"', "'", "\\", "\\n", "\\x41", "\\101", "\\q", "\\s", "%n", "%i", "%p", "%%",
    "%N", "%j", "x=y", "\\u00e4", "\t", "-f", "/x", "\\x", "\\x00", "\\400", '\\"', "\\'",
)  # fmt: skip
# a line break in a value would be one of the dump too
SETS = (*(atom for atom in ATOMS if atom != "\\n"), "A=1", "B=", "C=d e", " A=")
SCRIPT = r"""
mount --make-rprivate /
mount -t tmpfs none /run
mkdir -p /run/user/65534
chown 65534 /run/user/65534
mkdir /run/units
mount --bind "$1" /run/units
export XDG_RUNTIME_DIR=/run/user/65534 HOME=/nonexistent XDG_CONFIG_HOME=/run/units/home
export SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=emerg
exec setpriv --reuid 65534 --clear-groups /run/units/systemd --test --user --unit=all.target --no-pager
"""


@pytest.mark.parametrize("seed", range(3))
def test_command_lines_and_environment(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    needs.need("root", "unshare", "setpriv", SYSTEMD)
    rng = random.Random(seed)
    work = tmp_path_factory.mktemp("systemd")
    work.chmod(0o755)
    units = work / "home/systemd/user"
    units.mkdir(parents=True)
    names = [f"t-u{number}@in-st.service" for number in range(UNITS)]
    for name in names:
        command = "".join(rng.choices(ATOMS, k=rng.randint(1, 8)))
        sets = "".join(rng.choices(SETS, k=rng.randint(1, 5)))
        (units / name).write_text(f"[Service]\nType=oneshot\nExecStart=/bin/true {command}\nEnvironment={sets}\n")
    (units / "all.target").write_text("[Unit]\nDefaultDependencies=no\n" + "".join(f"Wants={n}\n" for n in names))
    read = {name: loaded for name, loaded in real(work).items() if name in names}
    root = work / "root/etc/systemd"
    root.mkdir(parents=True)
    shutil.copytree(units, root / "system")
    assert len(read) > UNITS / 2
    for name, expected in read.items():
        assert ours(work / "root", name) == expected, (units / name).read_text()


def real(work: Path) -> dict[str, tuple[list[list[str]], dict[str, str]]]:
    """Return the words of each unit's command and its environment, as the manager loaded them."""
    shutil.copy(SYSTEMD, work / "systemd")
    command = ["unshare", "-m", "-n", "sh", "-c", SCRIPT, "sh", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    found = {}
    for unit in re.split("^\t?-> Unit ", done.stdout, flags=re.M)[1:]:
        lines = re.findall(r"^\s*Command Line: (.*)$", unit, re.M)
        if lines:
            # the dump quotes what a shell would take for its own
            plain = [[*systemd_words.words(re.sub(r"\\([$`])", r"\1", line))] for line in lines]
            sets = dict(line.partition("=")[::2] for line in re.findall(r"^\s*Environment: (.*)$", unit, re.M))
            found[unit.partition(":")[0]] = (plain, sets)
    return found


def ours(root: Path, name: str) -> tuple[list[list[str]], dict[str, str]]:
    """Return the same as we read it, with its variables as they are written."""
    lines = systemd_command.of_unit(Running(str(root)), name)
    text = (root / "etc/systemd/system" / name).read_text().replace("ExecStart=", "ExecStart=:")
    (root / "etc/systemd/system" / name).write_text(text)
    plain = systemd_command.of_unit(Running(str(root)), name)
    return [list(command.argv) for command in plain.commands], dict(lines.environment)
