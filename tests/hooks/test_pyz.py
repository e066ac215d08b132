"""hosttune.pyz on a Debian without pip: the same answers, and a cache that nobody else can write."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hosttune import __version__
from hosttune.hooks import pyz
from tests import verbs
from tests.changes import tree
from tests.hooks.bare import USER, Bare
from tests.vm.guest import REPO, need_guest

pytestmark = pytest.mark.slow

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
SNAPSHOT = REPO / "tests/hosts/debian12-stock.json"
CACHE = "/var/cache/hosttune"
FRESH = f"rm -rf {CACHE}; "


def build(output: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return verbs.hosttune("hook", "pyz", "-o", str(output), *options, cwd=REPO, env={**os.environ, **env})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file for the Python of the Debian, built as an operator builds it."""
    path = tmp_path_factory.mktemp("pyz") / "hosttune.pyz"
    done = build(path, "--python", "3.11", "--arch", "x86_64", "--libc", "glibc")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "Python 3.11 on x86_64 with glibc" in done.stdout
    return path


@pytest.fixture(scope="module")
def bare(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    need_guest()
    files = {"/hosttune.pyz": file.read_bytes(), "/snapshot.json": SNAPSHOT.read_bytes()}
    return Bare(tmp_path_factory.mktemp("bare"), files)


def line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that it said when it could not start."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done
    return done.stderr


def test_it_is_the_package(bare: Bare) -> None:
    options = ("check", "--role", "lb", "--format", "json", "--snapshot")
    package = [sys.executable, "-m", "hosttune", *options, str(SNAPSHOT)]
    here = json.loads(subprocess.run(package, capture_output=True, text=True, check=False).stdout)
    there = json.loads(bare.run(f"/hosttune.pyz {' '.join(options)} /snapshot.json").stdout)
    assert there | {"command": ""} == here | {"command": ""} and there["findings"]


def test_profiles_are_inside_and_pip_is_not_needed(bare: Bare) -> None:
    done = bare.run("! python3 -m pip --version 2>/dev/null && python3 /hosttune.pyz profile list")
    shipped = [path.stem for path in (REPO / "profiles").glob("*.toml")]
    assert sorted(row.split()[0] for row in done.stdout.splitlines()) == sorted(shipped)


def test_a_host_is_examined(bare: Bare) -> None:
    done = bare.run("/hosttune.pyz check --role lb --format json")
    assert done.returncode == 1 and not done.stderr
    assert json.loads(done.stdout)["schema"] == "hosttune/report/1"


def test_an_image_is_made_ready_and_taken_back(bare: Bare) -> None:
    image = tree.make(bare.layer / "upper/image")
    before = {path: path.read_bytes() for path in image.rglob("*") if path.is_file()}
    script = "/hosttune.pyz apply --role lb --root /image --yes --format json && find /image/etc/sysctl.d -type f"
    applied = bare.run(script)
    assert applied.returncode == 0 and "/image/etc/sysctl.d/" in applied.stdout, applied
    taken = bare.run("/hosttune.pyz rollback --root /image --yes")
    assert taken.returncode == 0, taken
    after = {path: path.read_bytes() for path in image.rglob("*") if path.is_file()}
    assert {path: text for path, text in after.items() if "var/lib/hosttune" not in str(path)} == before


def test_root_unpacks_once_where_only_root_may_write(bare: Bare) -> None:
    # a umask that lets others write, HOME of a user as sudo may leave it
    script = f"umask 0; /hosttune.pyz --version && stat -c '%u %a' /var/cache/hosttune /var/cache/hosttune/* && \
        touch -d @1 {CACHE}/* && /hosttune.pyz --version && stat -c %Y {CACHE}/*; \
        find {CACHE} -perm /022 ! -type l; find /home /root /tmp -name '*hosttune*'"
    done = bare.run(FRESH + script, HOME="/home/alice")
    version = f"hosttune {__version__}"
    assert done.stdout.splitlines() == [version, "0 755", "0 755", version, "1"], done


def test_a_user_has_a_cache_of_their_own(bare: Bare) -> None:
    """Without HOME too, and if it is that of somebody else it is not taken."""
    script = f"{USER} /hosttune.pyz --version && ls -d /home/alice/.cache/hosttune/*; ls {CACHE}; ls -A /root/.cache"
    done = bare.run(f"{FRESH}rm -rf /home/alice/.cache; {script}", XDG_CACHE_HOME="relative")
    assert done.stdout.count("\n") == 2 and f"/home/alice/.cache/hosttune/{__version__}" in done.stdout, done
    done = bare.run(f"{USER} /hosttune.pyz --version; ls -A /root /tmp", HOME="/root")
    assert done.stdout.startswith("hosttune ") and ".cache" not in done.stdout and "hosttune-" not in done.stdout, done


def test_a_user_without_a_home_gets_none(bare: Bare) -> None:
    script = f"chmod 777 /srv; {USER} /hosttune.pyz --version; ls -A /srv; ls -A /tmp"
    done = bare.run(script, HOME="/srv/none")
    assert done.stdout == f"hosttune {__version__}\n", done


def test_first_runs_at_once_do_not_break_each_other(bare: Bare) -> None:
    three = "for i in 1 2 3; do /hosttune.pyz --version >/tmp/out$i 2>&1 & done; wait"
    done = bare.run(
        f"{FRESH}{three}; cat /tmp/out? | sort | uniq -c | awk '$1 != 3'; ls -A {CACHE} | wc -l; rm /tmp/out?"
    )
    assert done.stdout.split() == ["1"], done


def test_nothing_of_the_user_runs_in_it(file: Path, tmp_path: Path) -> None:
    """Case 10: neither the user's site-packages nor PYTHON* of whoever called sudo."""
    home, cache = tmp_path / "home", tmp_path / "cache"
    site = home / f".local/lib/python{HERE}/site-packages"
    site.mkdir(parents=True)
    cache.mkdir()
    ran = tmp_path / "ran"
    code = f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n"
    (site / "x.pth").write_text(code)
    (home / "json.py").write_text(code)
    file.chmod(0o755)
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(home), "HOSTTUNE_CACHE": str(cache)}
    env |= {"PYTHONPATH": str(home), "PYTHONSTARTUP": str(home / "json.py")}
    tmp_path.chmod(0o700)
    done = subprocess.run([file, "--version"], capture_output=True, text=True, check=False, env=env, cwd=home)
    assert (done.returncode, done.stdout) == (0, f"hosttune {__version__}\n"), done
    assert not ran.exists()
    # the pages are in it
    done = subprocess.run([file, "docs", "glossary"], capture_output=True, text=True, check=False, env=env, cwd=home)
    assert done.returncode == 0 and "TIME_WAIT" in done.stdout, done


def test_what_is_judged_is_what_is_used(tmp_path: Path) -> None:
    """Case 10: a link that another one owns leads to a safe place now; it is not gone through again."""
    from hosttune.hooks import pyz_start

    safe = tmp_path / "safe"
    (safe / "build-1").mkdir(parents=True)
    tmp_path.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(safe)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(pyz_start.__file__).parent)!r}); import pyz_start; "
        "print(pyz_start._site('', 'build-1', []))"
    )
    env = {**os.environ, "HOSTTUNE_CACHE": str(link)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert done.stdout == f"{os.path.realpath(safe)}/build-1\n", done


def test_an_interrupted_unpacking_heals(bare: Bare) -> None:
    cut = f"/hosttune.pyz --version & until ls -d {CACHE}/.new-*/p* >/dev/null 2>&1; do :; done; kill -9 $!; wait $!"
    script = f"{cut}; ls -A {CACHE} | sed s/new.*/new/; touch -d '2 hours ago' {CACHE}/.new-*; \
        /hosttune.pyz --version; ls -A {CACHE} | wc -l"
    done = bare.run(FRESH + script)
    assert done.stdout.splitlines() == [".new", f"hosttune {__version__}", "1"], done


HOSTILE = {
    "others may write the cache": f"mkdir -p {CACHE}; chmod 777 {CACHE}",
    "it is another's": f"mkdir -p {CACHE}; chown 1000 {CACHE}",
    "others may write above it": "chmod o+w /var/cache",
    "a link to where others may write": f"mkdir -p /tmp/open; chmod 777 /tmp/open; ln -s /tmp/open {CACHE}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_root_starts_nothing_that_others_could_have_put_there(bare: Bare, name: str) -> None:
    """It runs from a new directory instead, and leaves nothing there."""
    script = f"{HOSTILE[name]}; /hosttune.pyz --version; ls -A {CACHE} /tmp/open 2>/dev/null | grep 0; ls -A /tmp; \
        chmod 755 /var/cache; rm -rf /tmp/open"
    done = bare.run(FRESH + script)
    left = [row for row in done.stdout.splitlines()[1:] if row != "open"]
    assert (done.stdout.splitlines()[0], left) == (f"hosttune {__version__}", []), done


def test_what_cannot_be_unpacked_is_one_line(bare: Bare) -> None:
    said = line(bare.run(f"{FRESH}mkdir -p /tmp/a; chmod 777 /tmp/a; /hosttune.pyz check", HOSTTUNE_CACHE="/tmp/a"))
    assert said.startswith("hosttune.pyz: no place to unpack it: /tmp/a: others than you may write /tmp/a; set HOST")
    readonly = "for at in var tmp dev; do mount -t tmpfs -o ro tmpfs $at; done"
    assert "/var/cache/hosttune: Read-only file system; " in line(bare.run("/hosttune.pyz check", readonly))
    noexec = "for at in var/cache tmp var/tmp dev; do mount -t tmpfs -o noexec tmpfs $at; done; mkdir dev/shm"
    said = line(bare.run("/hosttune.pyz check", noexec))
    assert (
        "/var/cache/hosttune: mounted noexec; /tmp: mounted noexec; /var/tmp: mounted noexec; /dev/shm: mounted" in said
    )
    nowhere = "for at in tmp dev; do mount -t tmpfs -o ro tmpfs $at; done"
    full = f"mount -t tmpfs -o size=5m tmpfs var; mkdir var/cache; {nowhere}"
    assert "/var/cache/hosttune: No space left on device; " in line(bare.run("/hosttune.pyz check", full))


def test_a_read_only_system_still_runs_it(bare: Bare) -> None:
    done = bare.run("/hosttune.pyz --version; ls -A /tmp", "mount -t tmpfs -o ro tmpfs var; mount -t tmpfs tmpfs tmp")
    assert done.stdout == f"hosttune {__version__}\n" and not done.stderr, done


def test_another_python_is_one_line(file: Path, tmp_path: Path) -> None:
    other = pyz.targets(["3.12", "3.14"], ["aarch64"], ["musl"])
    path = tmp_path / "other.pyz"
    path.write_bytes(pyz.build("1", {}, {target: [] for target in other}))
    said = line(subprocess.run([sys.executable, path], capture_output=True, text=True))
    if HERE < "3.12":
        assert f"this is Python {HERE}; run it with python3.12, python3.14" in said
    path.write_bytes(pyz.build("1", {}, {target: [] for target in pyz.targets([HERE], ["aarch64"], ["musl"])}))
    said = line(subprocess.run([sys.executable, path], capture_output=True, text=True))
    assert "it holds nothing for this Python, cpython-" in said and "-aarch64-linux-musl;" in said


def test_compiled_modules_are_those_of_the_target(file: Path) -> None:
    outer, found = zipfile.ZipFile(file), []
    for name in outer.namelist():
        if name.endswith(".whl"):
            found += [one for one in zipfile.ZipFile(io.BytesIO(outer.read(name))).namelist() if one.endswith(".so")]
    (target,) = pyz.targets(["3.11"], ["x86_64"], ["glibc"])
    assert found and all(one.endswith((f".{target.suffix}.so", ".abi3.so")) for one in found)


def test_its_first_lines_are_for_any_python(file: Path) -> None:
    text = zipfile.ZipFile(file).read("__main__.py").decode()
    ast.parse(text, feature_version=(3, 4))
    assert text.index("version_info <") < text.index("import hosttune_pyz")
    old = f"import sys; sys.version_info = (3, 9, 2); exec({text!r})"
    said = line(subprocess.run([sys.executable, "-c", old], capture_output=True, text=True))
    assert said == "hosttune.pyz: this is Python 3.9; run it with python3.11\n"


def test_a_damaged_file_is_one_line(file: Path, tmp_path: Path) -> None:
    data = bytearray(file.read_bytes())
    at = data.index(b"wheels/pydantic-") + 5000
    data[at : at + 64] = bytes(64)
    path = tmp_path / "hosttune.pyz"
    path.write_bytes(data)
    env = {"PATH": "/usr/bin:/bin", "HOSTTUNE_CACHE": str(tmp_path / "cache")}
    tmp_path.chmod(0o700)
    said = line(subprocess.run([sys.executable, path], capture_output=True, text=True, env=env))
    assert "is damaged" in said and "fetch it again" in said
    assert not list((tmp_path / "cache").iterdir())


def test_two_builds_are_the_same_bytes(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pyz"
    build(again, "--libc", "glibc", "--arch", "x86_64", "--python", "3.11")
    assert again.read_bytes() == file.read_bytes()


WRONG = {
    "a Python that is none": (["--python", "3.10"], "--python 3.10: unknown; choose 3.11, 3.12, 3.13 or 3.14"),
    "no place": (["-o", "/nonexistent/x.pyz"], "cannot be written"),
    "a directory": (["-o", "/tmp"], "cannot be written"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_line(tmp_path: Path, name: str) -> None:
    options, says = WRONG[name]
    done = build(tmp_path / "x.pyz", *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and says in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_index_that_is_not_reached_is_one_line(tmp_path: Path) -> None:
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    done = build(tmp_path / "x.pyz", **nowhere, PIP_EXTRA_INDEX_URL="", PIP_FIND_LINKS="", PIP_NO_INDEX="0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    assert "pip does not reach its index" in done.stderr and not list(tmp_path.iterdir())
