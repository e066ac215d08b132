"""The units and the user-data as they are printed, held against golden files and against systemd and cloud-init.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/hooks` rewrites the golden files; read the difference before it is committed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.hooks.cloud import REPO
from tests.vm.guest import hooks_root, need_guest

GOLDEN = Path(__file__).with_name("golden")
LB = ("--role", "lb", "--connections", "600000", "--backend", "10.0.0.11:1883")
SUM = "0" * 64
PROFILE = """\
[profile]
name = "mine"
title = "one thing"
extends = ["linux-server"]
[[require]]
subject = "sysctl:net.core.somaxconn"
operator = "at_least"
value = 65535
why = "bursts"
source = "listen(2)"
severity = "error"
"""


def hook(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hosttune", "hook", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        cwd=cwd,
        check=False,
    )


CASES = {
    "systemd.txt": ("systemd", *LB, "--service", "haproxy", "--textfile", "/var/lib/node_exporter/hosttune.prom"),
    "systemd-names.txt": (
        "systemd",
        "--role",
        "client",
        "--backend",
        "broker.example:1883",
        "--every",
        "1h",
        "--strict",
    ),
    "cloud-init-image.yaml": ("cloud-init", *LB, "--from", "image"),
    "cloud-init-index.yaml": ("cloud-init", "--role", "broker", "--from", "hosttune==0.1.0"),
    "cloud-init-pyz.yaml": (
        *("cloud-init", "--role", "lb", "--from", "http://10.0.2.2/hosttune.pyz", "--sha256", SUM),
        *("--no-restart", "--no-reserve-listeners"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_prints_what_was_reviewed(name: str) -> None:
    done = hook(*CASES[name])
    assert done.returncode == 0, done.stderr
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1":
        (GOLDEN / name).write_text(done.stdout)
    assert done.stdout == (GOLDEN / name).read_text()


WRONG = {
    "role": (("systemd", "--role", "nosuch"), "no such profile"),
    "backend": (("systemd", "--role", "lb", "--backend", "10.0.0.1"), "no port"),
    "host": (("systemd", "--role", "lb", "--backend", "a b:1"), "is no host"),
    "source": (("cloud-init", "--source", "10.0.0.300"), "--source"),
    "mode": (("cloud-init", "--bind-mode", "late"), "--bind-mode"),
    "unit": (("systemd", "--service", "../x"), "--service '../x'"),
    "login": (("cloud-init", "--user", "a b"), "--user 'a b'"),
    "newline": (("systemd", "--backends-from", "/a\nExecStart=/bin/sh"), "control characters"),
    "time": (("systemd", "--every", "5s"), "too often"),
    "severity": (("systemd", "--fail-on", "fatal"), "--fail-on fatal"),
    "textfile": (("systemd", "--textfile", "x.prom"), "not a whole path"),
    "profile": (("cloud-init", "--profile", "/nonexistent.toml"), "/nonexistent.toml"),
    "plain http": (("cloud-init", "--from", "http://x/hosttune.pyz"), "add --sha256"),
    "no such kind": (("cloud-init", "--from", "https://x/hosttune.zip"), "neither a .whl nor a .pyz"),
    "no place": (("cloud-init", "--from", "a; rm -rf /"), "--from"),
    "no sum": (("cloud-init", "--from", "/x.pyz", "--sha256", "12"), "--sha256 12"),
    "a sum of nothing": (("cloud-init", "--from", "image", "--sha256", SUM), "only a .whl or .pyz"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_line_and_prints_nothing(name: str) -> None:
    words, said = WRONG[name]
    done = hook(*words)
    assert done.returncode == 2 and not done.stdout
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    assert hook(*CASES["systemd.txt"], "-o", str(tmp_path)).returncode == 0
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert [Path(path).name for path in units] == ["hosttune-check.service", "hosttune-check.timer"]
    # on the program alone it may have a word to say: the unit names where hosttune is usually installed
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert not [line for line in done.stderr.splitlines() if "hosttune-check" in line and "executable" not in line]


def test_what_somebody_else_has_written_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "hosttune-check.timer").write_text("[Timer]\nOnCalendar=daily\n")
    done = hook("systemd", "--role", "lb", "-o", str(tmp_path))
    assert done.returncode == 2 and "was not written by hosttune" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["hosttune-check.timer"]
    (tmp_path / "hosttune-check.timer").unlink()
    for every in ("15m", "1h"):  # what is ours is
        assert hook("systemd", "--role", "lb", "--every", every, "-o", str(tmp_path)).returncode == 0
    assert "OnBootSec=3600" in (tmp_path / "hosttune-check.timer").read_text()


def test_a_profile_of_ones_own_goes_along(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE + '# "käse" \t\n')
    done = hook("cloud-init", "--profile", "mine.toml", "--from", "image", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (entry,) = (e for e in yaml.safe_load(done.stdout)["write_files"] if e["path"].endswith("mine.toml"))
    assert entry["path"] == "/etc/hosttune/profiles/mine.toml" and entry["encoding"] == "b64"
    script = next(e for e in yaml.safe_load(done.stdout)["write_files"] if e["permissions"] == "0755")["content"]
    assert "--profile /etc/hosttune/profiles/mine.toml" in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    unit = hook("systemd", "--profile", "mine.toml", cwd=tmp_path).stdout
    assert f"check --profile {tmp_path}/mine.toml" in unit


def test_cloud_init_takes_each_document(tmp_path: Path) -> None:
    need_guest(hooks_root)
    names = [name for name in CASES if name.startswith("cloud-init")]
    for name in names:
        (tmp_path / name).write_text((GOLDEN / name).read_text())
    (tmp_path / "wrong.yaml").write_text("#cloud-config\nruncmd: 5\n")
    inside = f"""
        mount --bind "$1" "$2/mnt" && mount -t proc proc "$2/proc"
        for name in {" ".join([*names, "wrong.yaml"])}; do
            echo "$name $(chroot "$2" cloud-init schema --config-file "/mnt/$name" 2>&1 | tr '\\n' ' ')"
        done
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inside, "sh", str(tmp_path), str(hooks_root())],
        capture_output=True,
        text=True,
        check=True,
    )
    *said, wrong = done.stdout.splitlines()
    assert [line.split()[0] for line in said] == names
    assert all("Valid cloud-config" in line for line in said), done.stdout
    assert "Valid" not in wrong, "it would take anything"
