"""A tree whose owner exchanges its directories for links to the outside, all the while that it is written to."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hosttune.cli import main
from hosttune.host.live import LiveHost
from hosttune.host.tree import Tree
from hosttune.model import FileState
from tests.changes import tree as machine

ATTEMPTS = int(os.environ.get("HOSTTUNE_RACES", "6"))
"""Whole applies, and as many rounds of single writes for each way of walking."""

_EXCHANGE = 2  # RENAME_EXCHANGE, renameat2(2)
_PAUSE = 0.0005  # seconds between two exchanges, in the mean: about as long as a few system calls of the other side
_LONG = "z/../" * 800  # a walk of it takes milliseconds: the window of who first looks and then uses the path


def exchange(one: Path, other: Path) -> None:
    """Exchange two names, again and again without end."""
    libc = ctypes.CDLL(None)
    here, there = os.fsencode(one), os.fsencode(other)
    while True:
        libc.renameat2(-100, here, -100, there, _EXCHANGE)
        time.sleep(random.expovariate(1 / _PAUSE))


@contextmanager
def exchanging(*pairs: tuple[Path, Path]) -> Iterator[None]:
    """Have processes of their own exchange each pair meanwhile."""
    children = []
    for pair in pairs:
        pid = os.fork()
        if pid == 0:
            try:
                exchange(*pair)
            finally:
                os._exit(1)
        children.append(pid)
    try:
        yield
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def run(output: Path, args: list[str]) -> tuple[int, str]:
    """Run the command line in a child; return its exit code, and what it said."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(fd, 1)
            os.dup2(fd, 2)
            sys.stdout = os.fdopen(1, "w", closefd=False)
            sys.stderr = os.fdopen(2, "w", closefd=False)
            main(args)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 98
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.read_text()


def look(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return all that a write or a change of mode would leave: names, modes, times and bytes."""
    return {
        str(path.relative_to(directory)): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes())
        if path.is_file()
        else (path.lstat().st_mode, path.lstat().st_mtime_ns, b"")
        for path in [directory, *directory.rglob("*")]
    }


def outside_of(tmp_path: Path) -> Path:
    """Return a directory that looks like the one within, and must stay as it is."""
    made = tmp_path / "outside"
    (made / "below").mkdir(parents=True)
    (made / "below").chmod(0o700)
    for name in ("90-hosttune.conf", ".90-hosttune.conf.hosttune-new", "000001.json", "lock"):
        (made / name).write_text("outside")
    return made


@pytest.mark.parametrize("openat2", [True, False], ids=["openat2", "walk"])
def test_no_write_leaves_a_tree_that_changes_meanwhile(tmp_path: Path, openat2: bool) -> None:
    outside, root = outside_of(tmp_path), tmp_path / "root"
    (root / "etc/real/z").mkdir(parents=True)
    (root / "etc/lnk").symlink_to(outside)
    (root / "etc/sysctl.d").symlink_to("real/" + _LONG)
    before = look(outside)
    path, done = "/etc/sysctl.d/90-hosttune.conf", 0
    direct = "/etc/real/90-hosttune.conf"
    with exchanging((root / "etc/real", root / "etc/lnk")):
        for number in range(ATTEMPTS * 10):
            host = LiveHost(str(root))
            if not openat2:
                host._tree = Tree(str(root), image=True, openat2=False)
            for call in (
                lambda host=host, number=number: host.put(direct, FileState(f"{number}", 0o600)),
                lambda host=host, number=number: (
                    host.put(path, FileState(f"{number}", 0o600)) if number % 10 == 0 else None
                ),
                lambda host=host: host.remove(direct),
                lambda host=host: host.clean(direct),
                lambda host=host: host.make_directory("/etc/real/below"),
                lambda host=host: host.remove_directory("/etc/real/below"),
                lambda host=host: host.lock("/etc/real/lock", 0, print).__enter__(),
            ):
                try:
                    call()  # type: ignore[no-untyped-call]
                    done += 1
                except OSError as error:
                    assert error.strerror
    assert look(outside) == before
    assert done > ATTEMPTS  # else the walk never got through, and nothing was shown


def test_no_apply_leaves_a_tree_that_changes_meanwhile(tmp_path: Path) -> None:
    """The tree of the journal and that of the files: exit 0, 1 or 5 with one line, and nothing outside has changed."""
    outside, root = outside_of(tmp_path), tmp_path / "image"
    outside_lib = tmp_path / "outside-lib"
    (outside_lib / "hosttune").mkdir(parents=True)
    before = look(outside), look(outside_lib)
    codes = []
    for number in range(ATTEMPTS):
        shutil.rmtree(root, ignore_errors=True)
        machine.image(tmp_path)
        (root / "etc/sysctl.d").rename(root / "etc/real")
        (root / "etc/real/z").mkdir()
        (root / "etc/lnk").symlink_to(outside)
        (root / "etc/sysctl.d").symlink_to("real/" + (_LONG if number % 2 else ""))
        (root / "etc/real/90-hosttune.conf").write_text("# Written by hosttune\nkernel.core_pattern = |/tmp/evil\n")
        (root / "etc/real/.90-hosttune.conf.hosttune-new").touch()
        (root / "var/lnk").symlink_to(outside_lib)
        pairs = [(root / "etc/real", root / "etc/lnk"), (root / "var/lib", root / "var/lnk")]
        with exchanging(*(pairs[:1], pairs[1:], pairs)[number % 3]):
            code, said = run(
                tmp_path / "said", ["apply", "--role", "lb", "--root", str(root), "--yes", "--only", "sysctl"]
            )
        codes.append(code)
        assert code in (0, 1, 5), said
        assert "bug of hosttune" not in said and "Traceback" not in said
        # one line, or the outcome with what is not so at boot
        assert code == 0 or any(word in said for word in ("hosttune: ", "FAIL", "NOT IN FORCE")), said
        assert (look(outside), look(outside_lib)) == before
    print("exit codes", {code: codes.count(code) for code in set(codes)})
