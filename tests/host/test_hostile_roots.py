"""Every file and directory that a verb looks at, replaced by what it cannot be: one clear line, and never a hang."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from tests.changes import tree
from tests.host.test_race import run

pytestmark = pytest.mark.slow

VERBS = {
    "check": ["check", "--role", "lb", "--user", "alice"],
    "dry-run": ["apply", "--role", "lb", "--dry-run", "--user", "alice"],
    "apply": ["apply", "--role", "client", "--yes", "--user", "alice"],
    "rollback": ["rollback", "--yes"],
    "history": ["history"],
    "resolve": ["resolve", "net.core.somaxconn", "--user", "alice", "--unit", "haproxy"],
    "capacity": ["capacity", "--role", "lb"],
}
PLACES = (
    "etc", "var", "usr", "var/lib", "var/lib/hosttune", "var/lib/hosttune/000001.json", "var/lib/hosttune/lock",
    "etc/os-release", "etc/passwd", "etc/group", "etc/sysctl.d", "etc/sysctl.d/90-hosttune.conf",
    "etc/sysctl.d/.90-hosttune.conf.hosttune-new", "etc/sysctl.conf", "etc/security", "etc/security/limits.conf",
    "etc/security/limits.d", "etc/security/limits.d/90-hosttune.conf", "etc/pam.d", "etc/pam.d/sshd",
    "etc/modules-load.d", "etc/systemd", "etc/systemd/system", "etc/systemd/system/haproxy.service.d",
    "etc/systemd/system/haproxy.service.d/90-hosttune.conf", "usr/lib/systemd/system",
    "usr/lib/systemd/system/haproxy.service", "run", "run/sysctl.d", "etc/ssh/sshd_config",
)  # fmt: skip


THOROUGH = bool(os.environ.get("HOSTTUNE_THOROUGH"))
"""Whether every verb is run with every place."""


def _empty(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)


def _loop(path: Path) -> None:
    _empty(path)
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    _empty(path)
    path.symlink_to("/nowhere/at/all")


def _away(path: Path) -> None:
    _empty(path)
    path.symlink_to("/proc/self/root/etc")


def _fifo(path: Path) -> None:
    _empty(path)
    os.mkfifo(path)


def _device(path: Path) -> None:
    _empty(path)
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero


def _directory(path: Path) -> None:
    _empty(path)
    path.mkdir()


def _file(path: Path) -> None:
    _empty(path)
    path.write_bytes(b"\0\xff[=\n" * 100)


def _closed(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch()
    path.chmod(0)


def _long(path: Path) -> None:
    _empty(path)
    path.mkdir()
    for start in ("x", "9", "."):
        (path / (start * 250 + ".conf")).write_text("net.core.somaxconn = 5\n* - nofile 5\n[Service]\nLimitNOFILE=5\n")


KINDS: dict[str, Callable[[Path], None]] = {
    "loop": _loop, "dangling": _dangling, "away": _away, "fifo": _fifo, "device": _device, "directory": _directory,
    "file": _file, "closed": _closed, "long": _long,
}  # fmt: skip


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an image that an apply has been made on, with something of all that is read."""
    top = tmp_path_factory.mktemp("applied")
    made = tree.image(
        top, {"/etc/pam.d/sshd": "session required pam_limits.so\n", "/etc/ssh/sshd_config": "UsePAM yes\n"}
    )
    (made / "run/sysctl.d").mkdir(parents=True)
    code, said = run(top / "said", [*VERBS["dry-run"][:3], "--yes", "--user", "alice", "--root", str(made)])
    assert code == 0, said
    return made


@pytest.mark.skipif(os.geteuid() != 0, reason="devices and applies are root's")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_lies_in_a_root_is_a_bug_or_a_hang(applied: Path, tmp_path: Path, kind: str) -> None:
    # every other place with one verb, in turn: all with all takes minutes
    turn = list(KINDS).index(kind)
    for number, place in enumerate(PLACES):
        for at, verb in enumerate(VERBS):
            if not THOROUGH and ((number + turn) % 2 or (number // 2 + at + turn) % len(VERBS)):
                continue
            root = tmp_path / "root"
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(applied, root, symlinks=True)
            KINDS[kind](root / place)
            start = time.monotonic()
            code, said = run(tmp_path / "said", [*VERBS[verb], "--root", str(root)])
            what = f"{verb} with {place} as {kind}: {said[-500:]}"
            assert code in (0, 1, 2, 4, 5) or (verb == "check" and code == 3), what
            assert "bug of hosttune" not in said and "Traceback" not in said, what
            assert time.monotonic() - start < 60, what  # a hang; how long it takes says how busy the machine is


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_the_root_of_a_process_of_another_user_is_one_line(tmp_path: Path) -> None:
    said = tmp_path / "said"
    said.touch()
    said.chmod(0o666)
    out = os.open(said, os.O_WRONLY)
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresuid(65534, 65534, 65534)
            LiveHost("/proc/1/root")
        except UsageError as error:
            os.write(out, str(error).encode())
        finally:
            os._exit(0)
    os.close(out)
    os.waitpid(pid, 0)
    assert said.read_text() == "--root /proc/1/root: cannot be read; run as a user who may, or as root"
