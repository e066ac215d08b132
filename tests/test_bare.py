"""README's test command on a bare Debian 12: what debootstrap calls minbase, python3 and python3-venv, nothing else.

The short way: the command as it stands there, in checkouts of odd names and places, as root and not, with namespaces
and without; of the tests it collects all, and runs those of directories that take more than such a machine has. By
hand, the long way runs all of them:

    python -m tests.test_bare /srv/hosttune [nobody]
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import needs
from tests.differential.roots import cache_dir, debian_root, needed_root

pytestmark = pytest.mark.slow

REPO = Path(__file__).resolve().parents[1]
PACKAGES = ("python3", "python3-venv")
NOBODY = 65534
TAKES_MORE = (
    *("tests/netns", "tests/programs", "tests/vm", "tests/box", "tests/differential", "tests/hooks/test_completion.py"),
    *("tests/hooks/test_man.py", "tests/render/test_prometheus.py", "tests/test_needs.py"),
)
_LEFT_OUT = (".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info", "build", "dist")

# $1 root, $2 directory of the machine that lies at its /srv and /home, $3 wheels, $4 uid, $5 place, $6 command, then
# what setpriv is to take away
_SCRIPT = r"""
set -e
root=$1 disk=$2 wheels=$3 uid=$4 place=$5 command=$6
shift 6
mount --make-rprivate /
mount --bind "$root" "$root"
for one in srv home root tmp run mnt; do mkdir -p "$disk/$one"; mount --bind "$disk/$one" "$root/$one"; done
chmod 1777 "$disk/tmp"
mount --bind "$wheels" "$root/mnt"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
# not by chroot(2), below which nobody may make user namespaces
cd "$root"
pivot_root . .
umount -l .
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@" /usr/bin/env -i \
    PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    LANG=C.UTF-8 HOME="/home/$uid" CI="$CI" PIP_NO_INDEX=1 PIP_FIND_LINKS=/mnt PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1 sh -c "cd \"\$0\" && $command" "$place"
"""


@dataclass(frozen=True)
class Bare:
    """A machine of its own: the root that all share, and a directory for what is written."""

    root: Path
    disk: Path
    wheels: Path

    def check_out(self, place: str, uid: int) -> None:
        """Put this repository's files at a place there, as those of a user."""
        there = self.disk / place.lstrip("/")
        shutil.copytree(REPO, there, ignore=shutil.ignore_patterns(*_LEFT_OUT), dirs_exist_ok=True)
        home = self.disk / "home" / str(uid)
        home.mkdir(parents=True, exist_ok=True)
        for path in (home, there, *there.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)

    def run(
        self, command: str, place: str, uid: int, *less: str, ci: str = "", seconds: float = 900
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell's command at a place there; `less` is what setpriv(1) takes away."""
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _SCRIPT, "sh"]
        words = [str(self.root), str(self.disk), str(self.wheels), str(uid), place, command]
        return subprocess.run(
            [*own, *words, *less],
            env={**os.environ, "CI": ci},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


def readme_command() -> str:
    """Return the command that README gives for the tests."""
    found = re.search(r"^<!-- tests -->\n    (.+)$", (REPO / "README.md").read_text(), re.M)
    assert found
    return found[1]


def wheels() -> Path:
    """Return a directory with a wheel of everything that the command installs, fetched once."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    wanted = [*project["build-system"]["requires"], "editables", *project["project"]["dependencies"]]
    wanted += project["project"]["optional-dependencies"]["test"]
    name = hashlib.sha256("\n".join([*wanted, sys.version[:4]]).encode()).hexdigest()[:12]
    directory = cache_dir() / f"wheels-{name}"
    if not (directory / ".complete").exists():
        # of the Python of the root, which need not be the one that runs here
        of = ["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]
        command = [sys.executable, "-m", "pip", "download", "-q", "-d", str(directory), *of, *wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            needs.missing(f"the packages cannot be fetched: {done.stderr.strip()[-300:]}")
        (directory / ".complete").touch()
    return directory


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    root = needed_root("bookworm", PACKAGES, bare=True)
    return Bare(root, tmp_path, wheels())


@pytest.mark.parametrize(
    ("place", "uid", "less"),
    [
        ("/srv/hosttune", 0, ()),
        ("/home/a b/hosttune (copy)", NOBODY, ("--no-new-privs",)),
    ],
    ids=["root", "nobody"],
)
def test_the_command_of_readme(bare: Bare, place: str, uid: int, less: tuple[str, ...]) -> None:
    bare.check_out(place, uid)
    installing, _, testing = readme_command().rpartition(" && ")
    done = bare.run(f"{installing} && {testing} --collect-only", place, uid, *less)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert int(re.findall(r"^(\d+) tests collected", done.stdout, re.M)[0]) > 2000

    done = bare.run(f"{testing} {' '.join(TAKES_MORE)}", place, uid, *less)
    said = done.stdout
    assert done.returncode == 0, said[-6000:] + done.stderr[-2000:]
    assert re.search(r"\d+ passed, \d+ skipped", said)
    last = said.rstrip().splitlines()[-1]
    assert re.fullmatch(
        r"To run the \d+ tests that were skipped: apt-get install [a-z0-9.+ -]+(, and run it as root)?", last
    )
    assert {"iproute2", "gcc", "mandoc", "haproxy"} <= set(re.split("[ ,]+", last))
    assert last.endswith("and run it as root") is (uid != 0)
    # each has its reason
    assert "SKIPPED" in said and not re.search(r"^SKIPPED \[\d+\] [^ ]+:? *$", said, re.M)

    # and where nothing may be missing it fails
    done = bare.run(f"{testing} tests/netns/test_netns_view.py", place, uid, *less, ci="true")
    assert done.returncode == 1 and "not installed (apt-get install iproute2)" in done.stdout

    # root of a container that may make no namespaces
    if uid == 0:
        done = bare.run(
            f"{testing} tests/netns tests/vm", place, uid, "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"
        )
        assert done.returncode == 0, done.stdout[-3000:]
        assert "no namespaces here" in done.stdout


if __name__ == "__main__":
    place_, uid_ = sys.argv[1], NOBODY if "nobody" in sys.argv[2:] else 0
    with tempfile.TemporaryDirectory(prefix="hosttune-bare-") as made:
        os.chmod(made, 0o755)
        machine = Bare(debian_root("bookworm", PACKAGES, bare=True), Path(made), wheels())
        machine.check_out(place_, uid_)
        ended = machine.run(readme_command(), place_, uid_, seconds=4 * 3600)
        print(ended.stdout, ended.stderr, sep="\n")
        raise SystemExit(ended.returncode)
