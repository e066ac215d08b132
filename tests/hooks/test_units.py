"""The units and the user-data as they are printed, held against golden files and against systemd and cloud-init.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/hooks` rewrites the golden files; read the difference before it is committed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from hosttune.workflows.check_units import MANUALS
from tests import needs, verbs
from tests.hooks.cloud import REPO, hook
from tests.vm.guest import hooks_root, need_guest

GOLDEN = Path(__file__).with_name("golden")
LB = ("--role", "lb", "--connections", "600000", "--backend", "10.0.0.11:1883")
SUM = "0" * 64
READS, WRITES = 2.3, 2.6
"""Exposures that systemd-analyze may give the unit, without metrics and with them: 10 is the worst."""
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
    "cloud-init-index.yaml": ("cloud-init", "--role", "broker", "--from", "hosttune==1.0.0", "--sha256", SUM),
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
    "source": (("cloud-init", "--from", "image", "--source", "10.0.0.300"), "--source"),
    "mode": (("cloud-init", "--from", "image", "--bind-mode", "late"), "--bind-mode"),
    "unit": (("systemd", "--service", "../x"), "--service '../x'"),
    "login": (("cloud-init", "--from", "image", "--user", "a b"), "--user 'a b'"),
    "newline": (("systemd", "--backends-from", "/a\nExecStart=/bin/sh"), "cannot be printed"),
    "a line of a comment": (("systemd", "--every", "15m\n"), "cannot be printed"),
    "a line of YAML": (("cloud-init", "--from", "image", "--backends-from", "/a\u2028runcmd: []"), "cannot be printed"),
    "a line of a unit": (("systemd", "--textfile", "/a\nUser=x/b.prom"), "cannot be printed"),
    "a line where it is written": (("systemd", "-o", "a\nb"), "cannot be printed"),
    "time": (("systemd", "--every", "5s"), "too often"),
    "severity": (("systemd", "--fail-on", "fatal"), "--fail-on fatal"),
    "textfile": (("systemd", "--textfile", "x.prom"), "not a whole path"),
    "no metrics": (("systemd", "--textfile", "/srv/x.txt"), "end in .prom"),
    "metrics nobody sees": (("systemd", "--textfile", "/srv/../tmp/x.prom"), "a /tmp of its own"),
    "a file it does not see": (("systemd", "--backends-from", "/var/tmp/haproxy.cfg"), "a /var/tmp of its own"),
    "profile": (("cloud-init", "--from", "image", "--profile", "/nonexistent.toml"), "/nonexistent.toml"),
    "plain http": (("cloud-init", "--from", "http://x/hosttune.pyz", "--no-sha256"), "add --sha256"),
    "no place at all": (("cloud-init", "--role", "lb"), "--from: missing"),
    "https without a sum": (("cloud-init", "--from", "https://x/hosttune.pyz"), "add --sha256 HEX"),
    "a name without a sum": (("cloud-init", "--from", "hosttune==1.0.0"), "add --sha256 HEX"),
    "a sum of no version": (("cloud-init", "--from", "hosttune", "--sha256", SUM), "write NAME==VERSION"),
    "a sum and none": (("cloud-init", "--from", "/x.pyz", "--sha256", SUM, "--no-sha256"), "one of the two"),
    "no such kind": (("cloud-init", "--from", "https://x/hosttune.zip"), "neither a .whl nor a .pyz"),
    "no place": (("cloud-init", "--from", "a; rm -rf /"), "--from"),
    "no sum": (("cloud-init", "--from", "/x.pyz", "--sha256", "12"), "--sha256 12"),
    "an empty sum": (("cloud-init", "--from", "https://x/hosttune.pyz", "--sha256", ""), "--sha256: it is empty"),
    "an empty place": (("cloud-init", "--from", ""), "--from: it is empty"),
    "a sum of nothing": (("cloud-init", "--from", "image", "--sha256", SUM), "nothing is fetched"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_line_and_prints_nothing(name: str) -> None:
    words, said = WRONG[name]
    done = hook(*words)
    assert done.returncode == 2 and not done.stdout
    assert said in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("textfile", ["", "/srv/a $b %c/hosttune.prom"])
def test_systemd_takes_the_units(tmp_path: Path, textfile: str) -> None:
    done = hook("systemd", *LB, *(["--textfile", textfile] if textfile else []), "-o", str(tmp_path))
    units = [f"{tmp_path}/hosttune-check.service", f"{tmp_path}/hosttune-check.timer"]
    assert done.stdout.splitlines()[:2] == units == sorted(str(path) for path in tmp_path.iterdir())
    assert done.stdout.splitlines()[2].startswith("then: systemctl daemon-reload && systemctl enable --now")
    # on the program alone it may have a word to say: the unit names where hosttune is usually installed
    said = analyzed("verify", "--man=no", *units).stderr
    assert not [line for line in said.splitlines() if "hosttune-check" in line and "executable" not in line]
    exposure = analyzed("security", "--offline=true", "--no-pager", units[0]).stdout.splitlines()[-1]
    assert float(exposure.split()[-3]) <= (WRITES if textfile else READS), exposure


def analyzed(*words: str) -> subprocess.CompletedProcess[str]:
    needs.need("systemd-analyze")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_a_unit_sees_what_it_needs_of_a_home() -> None:
    def unit(*options: str) -> str:
        return hook("systemd", "--role", "lb", *options).stdout

    assert "ProtectHome=yes" in unit()
    assert "ProtectHome=read-only" in unit("--backends-from", "/home/alice/haproxy.cfg")
    assert "ProtectHome=read-only" in unit("--textfile", "/root/metrics/hosttune.prom")


def test_what_is_taken_without_a_sum_is_told() -> None:
    done = hook("cloud-init", "--from", "https://x/hosttune.pyz", "--no-sha256")
    assert done.returncode == 0 and "sha256sum" not in done.stdout
    assert "https://x/hosttune.pyz" in done.stderr and "without a sum" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hosttune", "hosttune-0.1", "hosttune.git"])
def test_the_unit_starts_no_directory_whatever_it_is_called(name: str) -> None:
    """Case 14: a checkout of that name, out of /tmp, in which hosttune runs as a module."""
    needs.need("root")
    with tempfile.TemporaryDirectory(dir="/opt") as above:
        there = Path(above) / name
        there.mkdir()
        env = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPO)}
        done = verbs.hosttune("hook", "systemd", "--role", "lb", cwd=there, env=env)
    assert done.returncode == 0 and "ExecStart=/usr/local/bin/hosttune check" in done.stdout, done


def test_a_manual_that_is_not_there_is_not_pointed_to() -> None:
    pages = [f"{place}/hosttune-check.1{end}" for place in MANUALS for end in ("", ".gz")]
    there = any(os.path.isfile(page) for page in pages)
    assert ("Documentation=man:" in hook("systemd", "--role", "lb").stdout) is there


def test_a_program_that_is_elsewhere_is_told_of() -> None:
    said = hook("systemd", "--role", "lb").stderr
    assert said in (
        "",
        "hosttune: the unit runs /usr/local/bin/hosttune, which is not on this host; install it there\n",
    )
    assert (said == "") is os.access("/usr/local/bin/hosttune", os.X_OK)


@pytest.mark.slow
def test_a_container_without_systemd_is_told_what_to_use() -> None:
    needs.need("namespaces")
    inside = (
        "mount -t tmpfs none /run && mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys "
        '&& "$@" >/dev/null'
    )
    words = (sys.executable, "-m", "hosttune", "hook", "systemd", "--role", "lb")
    done = subprocess.run(
        ["unshare", "-m", "-n", "-p", "--fork", "--mount-proc", "sh", "-c", inside, "sh", *words],
        capture_output=True, text=True, cwd=REPO, check=True,
    )  # fmt: skip
    last = done.stderr.splitlines()[-1]
    assert last.startswith("hosttune: no systemd runs in this container; in place of the units use ")


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


def test_a_unit_needs_a_profile_where_it_sees_it() -> None:
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".hosttune-") as home:
        (Path(home) / "mine.toml").write_text(PROFILE)
        unit = hook("systemd", "--profile", "mine.toml", cwd=Path(home)).stdout
    assert f"check --profile {home}/mine.toml" in unit and "ProtectHome=read-only" in unit
    with tempfile.TemporaryDirectory(dir="/tmp") as elsewhere:
        (Path(elsewhere) / "mine.toml").write_text(PROFILE)
        done = hook("systemd", "--profile", "mine.toml", cwd=Path(elsewhere))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--profile {elsewhere}/mine.toml: the unit has a /tmp of its own" in done.stderr


def test_a_profile_takes_no_role_s_place(tmp_path: Path) -> None:
    (tmp_path / "lb.toml").write_text(PROFILE)
    done = hook("cloud-init", "--from", "image", "--role", "lb", "--profile", "lb.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and "stand for the role lb; rename it" in done.stderr


@pytest.mark.slow
def test_a_role_of_this_host_alone_is_told_of(tmp_path: Path) -> None:
    needs.need("namespaces")
    (tmp_path / "hosttune/profiles").mkdir(parents=True)
    (tmp_path / "hosttune/profiles/mine.toml").write_text(PROFILE)
    inside = 'mount -t overlay overlay -o "lowerdir=$1:/etc" /etc && shift && exec "$@"'
    words = (sys.executable, "-m", "hosttune", "hook", "cloud-init", "--role", "mine", "--from", "image")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inside, "sh", str(tmp_path), *words],
        capture_output=True, text=True, cwd=REPO, check=True,
    )  # fmt: skip
    assert "--role mine" in done.stdout
    assert done.stderr == (
        "hosttune: the new host needs /etc/hosttune/profiles/mine.toml of this one too; or name it with --profile\n"
    )


def test_user_data_that_is_too_long_for_a_cloud_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE + "# long\n" * 2000)
    done = hook("cloud-init", "--profile", "mine.toml", "--from", "image", cwd=tmp_path)
    assert done.returncode == 0 and "Amazon EC2 takes 16,384" in done.stderr
    assert hook("cloud-init", "--from", "image").stderr == ""


@pytest.mark.slow
def test_cloud_init_takes_each_document(tmp_path: Path) -> None:
    need_guest(hooks_root)
    names = [name for name in CASES if name.startswith("cloud-init")]
    for name in names:
        (tmp_path / name).write_text((GOLDEN / name).read_text())
    (tmp_path / "wrong.yaml").write_text("#cloud-config\nruncmd: 5\n")
    inside = f"""
        mount --bind "$2" "$2" && mount -o remount,ro,bind "$2" && cd "$2"
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
