"""The script does what the apply does, as often as it is run, and into an image it writes nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hosttune.changes import entries
from hosttune.model import Change, FileState, Plan
from hosttune.render import script as script_view
from tests import verbs
from tests.changes import acts, tree

DROP_IN = "etc/sysctl.d/90-hosttune.conf"


def image(path: Path) -> Path:
    """Return a tree without a kernel."""
    tree.make(path)
    for file in (path / "proc").rglob("*"):
        if file.is_file():
            file.unlink()
    return path


def hosttune(*args: str) -> subprocess.CompletedProcess[bytes]:
    return verbs.hosttune(*args, encoding=None)


def shell(script: bytes | str) -> None:
    text = script.encode("utf-8", "surrogateescape") if isinstance(script, str) else script
    done = subprocess.run(["sh", "-s"], input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def look(root: Path) -> dict[str, tuple[str, int]]:
    """Return the tree, whatever the first line of our files says: a script has no history to point to."""
    mark = re.compile(rf"(?m)^{entries.MARK}.*$")
    return {path: (mark.sub(entries.MARK, text), mode) for path, (text, mode) in tree.look(root).items()}


def profile(path: Path) -> str:
    rows = '[[require]]\nsubject = "nofile:login"\noperator = "at_least"\nvalue = [70000, 70000]\n'
    rows += 'why = "a test"\nsource = "a test"\nseverity = "error"\n'
    path.write_text(f'[profile]\nname = "mine"\ntitle = "mine"\n{rows}')
    return str(path)


def test_it_gives_the_same_tree_run_once_or_twice(tmp_path: Path, capfdbinary: Any) -> None:
    root, other = tree.make(tmp_path / "host"), tree.make(tmp_path / "other")
    mine = profile(tmp_path / "mine.toml")
    assert acts.apply(tree.Host(root), tree.asked(profile=[mine], script=True)) == 0
    script = capfdbinary.readouterr().out.decode()
    script = re.sub(r"(?m)(?<=[ >])/(etc|proc/sys)/", rf"{other}/\1/", script).replace("systemctl", "true")
    assert acts.apply(tree.Host(root), tree.asked(profile=[mine])) == 0
    for _ in range(2):
        shell(script)
        assert look(other) == look(root)
    assert "hosttune rollback" not in (other / DROP_IN).read_text()


@pytest.mark.parametrize("name", ["image", "an image"])
def test_into_an_image_every_path_lies_below_it(tmp_path: Path, name: str) -> None:
    root, other = image(tmp_path / name), image(tmp_path / "other")
    (root / "etc/sysctl.d").rmdir()
    (other / "etc/sysctl.d").rmdir()
    args = ["apply", "--role", "lb", "--connections", "1000000", "--root", str(root)]
    done = hosttune(*args, "--script")
    assert done.returncode == 0, done.stderr
    script = done.stdout.decode()
    code = re.sub(r"(?s)<<'END'\n.*?\nEND\n", "\n", script)
    quoted = re.sub(r"'[^']*'", lambda found: found[0].replace(" ", "_"), code)
    assert set(re.findall(r"(?m)^[a-z]+", quoted)) <= {
        *("set", "root", "top", "inside", "mkdir", "rm", "cat", "chown", "chmod", "mv"),
    }
    for line in quoted.splitlines():
        if line.startswith(("mkdir", "rm", "cat", "chown", "chmod", "mv")):
            paths = [word.strip("'") for word in line.split() if "/" in word]
            assert paths and all(path.startswith(str(root).replace(" ", "_") + "/etc/") for path in paths), line
    for _ in range(2):
        shell(script)
    assert hosttune(*[*args[:-1], str(other)], "--yes").returncode == 0
    assert look(root) == look(other)


@pytest.mark.parametrize("link", ["etc/sysctl.d", "etc"])
def test_a_link_that_leads_out_of_the_image_stops_it(tmp_path: Path, link: str) -> None:
    root, outside = image(tmp_path / "image"), tmp_path / "outside"
    done = hosttune("apply", "--role", "lb", "--root", str(root), "--script")
    (root / link).rename(outside)
    (root / link).symlink_to(outside)
    before = tree.look(outside)
    ran = subprocess.run(["sh", "-s"], input=done.stdout, capture_output=True, check=False)
    assert ran.returncode == 1 and b"leads out of" in ran.stderr
    assert tree.look(outside) == before


def test_bytes_that_are_no_text_go_through(tmp_path: Path) -> None:
    text = f"{entries.HEADER}x = \udcff\n"
    plan = Plan((Change("file", "/a-hosttune.conf", None, FileState(text, 0o640)),))
    shell(script_view.render(plan, "x", str(tmp_path)))
    assert (tmp_path / "a-hosttune.conf").read_bytes().endswith(b"x = \xff\n")
    assert (tmp_path / "a-hosttune.conf").stat().st_mode & 0o777 == 0o640


def test_a_root_whose_name_is_no_text_is_no_crash(tmp_path: Path) -> None:
    root = image(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")))
    done = hosttune("apply", "--role", "lb", "--root", str(root), "--script")
    assert done.returncode == 0 and rb"/\377/etc/sysctl.d" in done.stdout
    shell(done.stdout)
    assert (root / DROP_IN).exists()


@pytest.mark.parametrize("text", ["END\nEND_\n", "no line end", "", "\n\n", "a\r\n$HOME `id` \\n '\n"])
def test_any_text_comes_out_as_it_is(tmp_path: Path, text: str) -> None:
    shell(script_view.render(Plan((Change("file", "/a", None, FileState(text)),)), "x", str(tmp_path)))
    assert (tmp_path / "a").read_bytes() == text.encode()


def test_its_files_are_known_as_ours_and_name_the_way_back(tmp_path: Path) -> None:
    root = image(tmp_path / "image")
    args = ["apply", "--role", "lb", "--root", str(root)]
    shell(hosttune(*args, "--script").stdout)
    text = (root / DROP_IN).read_text()
    assert entries.is_ours(text) and "remove this file" in text and "rollback" not in text
    document = json.loads(hosttune(*args, "--dry-run", "--format", "json").stdout)
    assert document["changes"] == []


def test_a_process_that_is_another_by_now_is_left_alone(tmp_path: Path) -> None:
    own = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    pid = os.getpid()
    log = tmp_path / "log"
    fake = f'prlimit() {{ echo "$@" >> {log}; }}\n'
    for start in (own, str(int(own) + 1)):
        plan = Plan((Change("prlimit", f"{pid}:{start}", "1024 4096", "4096 4096"),))
        shell(fake + script_view.render(plan, "x"))
    assert log.read_text() == f"--pid {pid} --nofile=4096:4096\n"


@pytest.mark.parametrize("more", [["--yes"], ["--dry-run"], ["--format", "json"]])
def test_what_a_script_cannot_be_is_wrong_use(more: list[str]) -> None:
    done = hosttune("apply", "--role", "lb", "--script", *more)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
