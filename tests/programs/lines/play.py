"""Have a real program write a line: each scene is a script in namespaces of its own, told by a file of this directory.

A file is of one program: `packages` of Debian, `programs` that have to be there, `version` that was run, `ci` where the
tests run it again, and `[[line]]`: `scene` is the script, `files` what lies in its directory, `line` what was written,
`told` and `numbers` what `hosttune diagnose` takes it for. A file without a scene has `source` for each line instead.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECONDS = 20
PLACES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")
HELPERS = {name: (HERE / name).read_text() for name in ("hold.py", "serve.py")}
_PAUSE = 0.03
_STAMPS = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b")
_RUN = """
mount --make-rprivate /
ip link set lo up
"""
_HERE = """
for each in /run /var/log; do mount -t tmpfs none $each; done
mount -t proc none /proc
"""
_TREE = """
mount --bind {root} {root}
cd {root}
for each in run var/log dev; do mount -t tmpfs none $each; done
for each in null zero random urandom full tty; do touch dev/$each; mount --bind /dev/$each dev/$each; done
ln -s /proc/self/fd dev/fd
mkdir -m 1777 dev/shm
mount -t proc none proc
mount -t sysfs none sys
pivot_root . mnt
umount -l mnt
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one program: `told` is "PROGRAM CAUSE ERRNO CALL", "-" for none; "nothing" for no sign of a stall."""

    program: str
    line: str
    told: str
    scene: str = ""
    files: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    source: str = ""
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    version: str = ""
    ci: bool = False


def every() -> list[Line]:
    """Return the lines of all files."""
    return [one for path in sorted(HERE.glob("*.toml")) for one in _of(tomllib.loads(path.read_text()))]


def _of(tables: dict[str, Any]) -> list[Line]:
    common = {name: tuple(value) if isinstance(value, list) else value for name, value in tables.items()}
    rows = common.pop("line")
    return [Line(**{**common, **row}) for row in rows]


def plain(line: str) -> str:
    """Return a line without what differs from one run to the next: its numbers, days and months."""
    return re.sub(r"0x[0-9a-f]+|\d+", "0", _STAMPS.sub("D", line)).strip()


def written(one: Line, root: str = "") -> tuple[str, str]:
    """Return the line that the program has written now, "" where it does not come, and all that it wrote.

    `root` is a tree of Debian in which the program is installed; "": this machine.
    """
    directory = Path(tempfile.mkdtemp(prefix="lines-", dir=f"{root}/tmp"))
    directory.chmod(0o777)
    try:
        return _played(one, root, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _played(one: Line, root: str, directory: Path) -> tuple[str, str]:
    for name, text in {**one.files, "scene.sh": one.scene, **HELPERS}.items():
        (directory / name).write_text(text)
    inside = f"cd /{directory.relative_to(root or '/')}; HOME=$PWD exec sh -u scene.sh >out.log 2>&1"
    script = _RUN + (_TREE if root else _HERE).format(root=shlex.quote(root)) + f"exec sh -c {shlex.quote(inside)}"
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", script]
    environment = {"PATH": ":".join(PLACES), "LANG": "C.UTF-8"}
    running = subprocess.Popen(command, env=environment)
    try:
        end = time.monotonic() + SECONDS
        while True:
            ended = running.poll() is not None
            text = "".join(path.read_text(errors="replace") for path in sorted(directory.glob("*.log")))
            found = next((line for line in text.splitlines() if plain(line) == plain(one.line)), "")
            if found or ended or time.monotonic() > end:
                return found, text
            time.sleep(_PAUSE)
    finally:
        running.kill()
        running.wait()
