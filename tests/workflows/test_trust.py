"""Root takes no orders from a file that others can write, and says whose it is and how that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from tests.netns.sandbox import need_namespaces
from tests.rooted import NOBODY, need_root

pytestmark = pytest.mark.slow

MINE = '[profile]\nname = "mine"\ntitle = "mine"\nextends = ["lb"]\n'


def hosttune(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hosttune", *args]
    surroundings = {key: value for key, value in os.environ.items() if key != "SUDO_UID"} | environment
    return subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    need_root()
    made = tmp_path / "root"
    for name in ("etc/sysctl.d", "etc/security/limits.d", "etc/systemd/system", "etc/haproxy", "usr/lib", "var/lib"):
        (made / name).mkdir(parents=True)
    (made / "etc/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    return made


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    need_root()
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


WRITING = [["apply", "--dry-run"], ["apply", "--script"], ["apply", "--yes"]]


@pytest.mark.parametrize("verb", WRITING, ids=" ".join)
def test_a_profile_of_another_is_refused(root: Path, mine: Path, verb: list[str]) -> None:
    os.chown(mine, NOBODY, NOBODY)
    command = [*verb, "--profile", str(mine), "--root", str(root)]
    done = hosttune(*command)
    assert done.returncode == 5 and done.stderr.count("\n") == 1 and not done.stdout
    assert f"{mine} is owned by" in done.stderr and f"(uid {NOBODY})" in done.stderr and "mode 0644" in done.stderr
    assert not (root / "var/lib/hosttune").exists()
    # who called sudo is not another
    assert hosttune(*command, SUDO_UID=str(NOBODY)).returncode in (0, 4)
    # the command that is printed ends it
    fix = done.stderr.partition("Read it, then: ")[2].replace("sudo ", "")
    subprocess.run(["sh", "-c", fix], check=True)
    assert hosttune(*command).returncode in (0, 4)


def test_a_directory_of_another_is_refused_and_the_copy_that_is_named_will_do(root: Path, mine: Path) -> None:
    home = mine.parent / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    mine = mine.rename(home / "mine.toml")
    done = hosttune("apply", "--profile", str(mine), "--root", str(root), "--dry-run")
    assert done.returncode == 5 and str(home) in done.stderr and done.stderr.count("\n") == 1
    assert f"install -D -m 0644 {mine} /etc/hosttune/mine.toml" in done.stderr


def test_a_verb_that_reads_reads_on_and_warns_once(mine: Path) -> None:
    mine.chmod(0o666)
    snapshot = str(Path(__file__).parents[1] / "hosts/debian12-stock.json")
    done = hosttune("check", "--profile", str(mine), "--snapshot", snapshot)
    assert done.returncode == 1 and done.stdout
    assert done.stderr.count("warning") == 1 and str(mine) in done.stderr and "mode 0666" in done.stderr


def test_the_configuration_of_a_proxy_is_judged_too(mine: Path) -> None:
    config = mine.with_name("haproxy.cfg")
    config.write_text("backend b\n  server a 192.0.2.1:80\n")
    os.chown(config, NOBODY, NOBODY)
    done = hosttune("apply", "--role", "lb", "--backends-from", str(config), "--dry-run")
    assert done.returncode == 5 and str(config) in done.stderr


def test_the_configuration_in_an_image_is_judged_by_its_own_owner(root: Path) -> None:
    config = root / "etc/haproxy/haproxy.cfg"
    config.write_text("backend b\n  server a 192.0.2.1:80\n")
    command = ["apply", "--role", "lb", "--root", str(root), "--backends-from", "/etc/haproxy/haproxy.cfg", "--dry-run"]
    assert hosttune(*command).returncode == 4
    os.chown(config, NOBODY, NOBODY)
    done = hosttune(*command)
    assert done.returncode == 5 and str(config) in done.stderr


def test_a_topology_is_judged_where_its_configurations_are_written(tmp_path: Path) -> None:
    need_root()
    path = tmp_path / "mine.toml"
    path.write_text(hosttune("plan", "--example").stdout)
    path.chmod(0o646)
    done = hosttune("plan", str(path), "--emit", str(tmp_path / "out"))
    assert done.returncode == 5 and str(path) in done.stderr and not (tmp_path / "out").exists()
    done = hosttune("plan", str(path))
    assert done.returncode in (0, 1) and "warning" in done.stderr


_PLACE = """
set -e
mount --make-rprivate /
mount -t tmpfs t "$1"; mkdir "$1/upper" "$1/work"
mount -t overlay o -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
mkdir -p /etc/hosttune/profiles; cd /etc/hosttune/profiles
ask() {
    set +e
    "$PYTHON" -m hosttune "$@" --root "$ROOT" --dry-run >/dev/null 2>"$SAID"
    echo $?; tail -n 1 "$SAID"
    set -e
}
printf '[profile]\\nname = "lb"\\ntitle = "x"\\nextends = ["lb"]\\n' >lb.toml
ask apply --role lb
chown 65534 lb.toml; ask apply --role lb
chown 0 lb.toml; chmod 777 .; ask apply --role lb
rm lb.toml; ask apply --role lb
chmod 755 .; ask apply --role lb
ln -s /nowhere lb.toml; ask apply --role lb
rm lb.toml; mkfifo lb.toml; ask apply --role lb
rm lb.toml; printf '[profile]\\nname = "linux-server"\\ntitle = "x"\\nextends = ["linux-server"]\\n' >linux-server.toml
chmod 666 linux-server.toml; ask apply --role lb
"""


def test_the_directory_of_this_hosts_own_profiles(root: Path, tmp_path: Path) -> None:
    need_namespaces()
    (tmp_path / "mount").mkdir()
    where = {"ROOT": str(root), "SAID": str(tmp_path / "said"), "PYTHON": sys.executable, "PYTHONPATH": os.getcwd()}
    command = ["unshare", "-m", "bash", "-c", _PLACE, "bash", str(tmp_path / "mount")]
    done = subprocess.run(command, env=os.environ | where, capture_output=True, text=True, check=False)
    if "overlay" in done.stderr:
        needs.missing(f"no overlay can be mounted: {done.stderr}")
    assert done.returncode == 0, done
    said = [line for line in done.stdout.splitlines() if line]
    codes = [line for line in said if line.isdigit()]
    assert codes == ["4", "5", "5", "5", "4", "2", "2", "5"], said
    refused = [line for line in said if "other than root" in line]
    assert ["/etc/hosttune/profiles/lb.toml is owned" in line for line in refused] == [True, False, False, False]
    assert all("/etc/hosttune/profiles is owned by root (uid 0), mode 0777" in line for line in refused[1:3])
    assert "linux-server.toml" in refused[3]
