"""Docker, podman of root and of a user, and containerd on a real machine: judged from both sides, fixed as printed."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.netns import fill_pool
from tests.vm import ahead
from tests.vm.guest import Guest, containers_root, need_guest, stable_sysctls

SCENES = f"{__name__}:scenes"
pytestmark = pytest.mark.guest(SCENES)

ROLE = "--role client --connections 60000 --backend 127.0.0.1:900"
RESERVED = "net.ipv4.ip_local_reserved_ports=1100-60899"
"""Most ports are left out, for the kernel tries them one after the other."""
BEFORE, AFTER = 100, 76 + 4636
"""Ports that are left of the range that a new container has, and of the one that is asked for."""
FILES: dict[str, str | bytes] = {
    "/etc/docker/daemon.json": '{"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 4096}}}\n',
    "/etc/containers/containers.conf": '[containers]\ndefault_ulimits = ["nofile=1024:4096"]\n',
    "/opt/fill_pool.py": Path(fill_pool.__file__).read_text(encoding="utf-8"),
}
SCRIPT = f"""
exec 2>/run/errors
look() {{
    (cd /etc && find . -printf '%p %y %m %U %G %l\\n' && find . -type f -exec sha256sum {{}} +) | sort | keep "etc-$1"
    sysctl -a 2>/dev/null | keep "sysctls-$1"
}}
mkdir -p /srv/image/{{usr,etc,opt,proc,sys,dev,tmp,root,run}}
for name in bin lib lib64 sbin; do ln -s usr/$name /srv/image/$name; done
tar -C /srv/image -c . >/srv/image.tar
MORE="-v /usr:/usr:ro -v /opt:/opt:ro scratch:1 sleep 6000"
INSIDE="/usr/bin/env PYTHONPATH=/opt/hosttune python3 -m hosttune"
user() {{ printf '%q ' "$@" >/run/line; su - alice -c "export XDG_RUNTIME_DIR=/run/user/1000; . /run/line"; }}
check() {{ hosttune check {ROLE} --container "$1" --format json | keep "$2"; }}
play() {{
    engine=$1 name=$2 format=$3
    $engine import /srv/image.tar scratch:1
    $engine run -d --name $name --sysctl {RESERVED} $MORE
    check $name $name-out
    $engine exec $name $INSIDE check {ROLE} --format json | keep $name-in
    hosttune apply {ROLE} --container $name --emit $format >/run/flags 2>/run/said
    keep $name-flags </run/flags
    keep $name-said </run/said
    $engine rm -f $name
    eval "$engine run -d --name $name --sysctl {RESERVED} $(cat /run/flags) $MORE"
    check $name $name-fixed
    $engine exec $name python3 /opt/fill_pool.py 127.0.0.1 900 | keep $name-made
    $engine rm -f $name
}}
systemctl start docker containerd
loginctl enable-linger alice
for second in $(seq 60); do [ -S /run/user/1000/bus ] && break; sleep 1; done
docker import /srv/image.tar scratch:1 && docker run --rm $(echo $MORE | sed 's/sleep 6000/true/')
podman import /srv/image.tar scratch:1 && podman run --rm $(echo $MORE | sed 's/sleep 6000/true/')
look before
play docker web docker
play podman pod podman
play "user podman" mine podman
ctr run -d --mount type=bind,src=/usr,dst=/usr,options=rbind:ro --mount type=bind,src=/opt,dst=/opt,options=rbind:ro \\
    --rootfs /srv/image task /usr/bin/sleep 6000
check task task-out
ctr task exec --exec-id look task $INSIDE check {ROLE} --format json | keep task-in
ctr task kill -s SIGKILL task; sleep 1; ctr container rm task
touch /srv/image/etc/os-release
systemd-run --unit box systemd-nspawn -M box -D /srv/image --private-network --bind-ro=/usr --bind-ro=/opt \\
    /usr/bin/sleep 6000
for second in $(seq 60); do [ -e /run/systemd/machines/box ] && break; sleep 1; done
sleep 2
check box box-out
grep 'open files' "/proc/$(sed -n 's/^LEADER=//p' /run/systemd/machines/box)/limits" | keep box-limits
systemctl stop box
hosttune check {ROLE} --container nobody >/run/none 2>&1; keep none </run/none
look after
keep errors </run/errors
exit 0
"""
ENGINES = ("web", "pod", "mine")
RUNTIMES = {"web": "docker", "pod": "podman", "mine": "podman", "task": "containerd"}


def scenes(directory: Path) -> dict[str, str]:
    """Boot once and play each runtime."""
    guest = Guest(directory, FILES, containers_root())
    kept = guest.boot(SCRIPT, timeout=600)
    guest.disk.unlink()
    return kept


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    need_guest(containers_root)
    found: dict[str, str] = ahead.played(SCENES, tmp_path_factory.mktemp("guest"))
    return found


def report(kept: dict[str, str], name: str) -> dict[str, Any]:
    assert kept[name].startswith("{"), kept[name] + kept["errors"][-3000:]
    found: dict[str, Any] = json.loads(kept[name])
    return found


def rows(found: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return verdict and value now by subject, of what both sides see; a process has another number inside."""
    return {
        re.sub(r"pid/\d+", "pid/N", row["subject"]): (row["verdict"], row["reading"] and row["reading"]["runtime"])
        for row in found["findings"]
        if row["verdict"] != "UNKNOWN"
    }


def ports(found: dict[str, Any]) -> int:
    return next(int(bound["hard"]) for bound in found["bounds"] if bound["kind"] == "ports")


@pytest.mark.parametrize("name", RUNTIMES)
def test_both_sides_say_the_same(kept: dict[str, str], name: str) -> None:
    outside, inside = report(kept, f"{name}-out"), report(kept, f"{name}-in")
    seen, own = rows(outside), rows(inside)
    both = seen.keys() & own.keys()
    assert "sysctl:net.ipv4.ip_local_port_range" in both and len(both) > 10
    assert {key: seen[key] for key in both} == {key: own[key] for key in both}
    assert ports(outside) == ports(inside)


@pytest.mark.parametrize(("name", "runtime"), RUNTIMES.items())
def test_whose_it_is_is_said(kept: dict[str, str], name: str, runtime: str) -> None:
    where = report(kept, f"{name}-out")["where"]
    assert (where["site"], where["owner"], where["inside"], where["initial"]) == ("container", runtime, False, False)
    assert where["container"]["name"] in (name, "")
    inside = report(kept, f"{name}-in")["where"]
    assert (inside["site"], inside["inside"]) == ("container", True)


@pytest.mark.parametrize("name", ENGINES)
def test_what_lacks_is_printed_as_options(kept: dict[str, str], name: str) -> None:
    assert kept[f"{name}-flags"] == (
        '--sysctl net.ipv4.ip_local_port_range="1024 65535" \\\n--ulimit nofile=60200:60200\n'
    ), kept["errors"][-3000:]
    assert f"{BEFORE} -> {AFTER:,} of 60,000 connections" in kept[f"{name}-said"]


@pytest.mark.parametrize("name", ENGINES)
def test_made_anew_with_them_it_holds(kept: dict[str, str], name: str) -> None:
    wrong = [row["subject"] for row in report(kept, f"{name}-fixed")["findings"] if row["verdict"] in ("FAIL", "DRIFT")]
    assert not [subject for subject in wrong if "nofile" in subject or subject.endswith("ip_local_port_range")]


@pytest.mark.parametrize("name", ENGINES)
def test_it_makes_the_connections_that_are_predicted(kept: dict[str, str], name: str) -> None:
    count, number = map(int, kept[f"{name}-made"].split())
    assert number == errno.EADDRNOTAVAIL
    assert count == ports(report(kept, f"{name}-fixed")) == AFTER


def test_a_machine_of_nspawn_is_judged_from_outside(kept: dict[str, str]) -> None:
    found = report(kept, "box-out")
    where = found["where"]
    assert (where["site"], where["owner"], where["container"]["name"]) == ("container", "systemd-nspawn", "box")
    (limits,) = (row["reading"] for row in found["findings"] if row["subject"].startswith("nofile:pid/"))
    assert limits["runtime"] == list(map(int, kept["box-limits"].split()[3:5]))
    assert "unknown" in limits["boot"]


def test_one_that_is_not_there_is_one_line(kept: dict[str, str]) -> None:
    assert len(kept["none"].splitlines()) == 1 and "--container nobody" in kept["none"]


def test_nothing_of_the_host_was_changed(kept: dict[str, str]) -> None:
    assert kept["etc-before"] == kept["etc-after"]
    assert stable_sysctls(kept["sysctls-before"]) == stable_sysctls(kept["sysctls-after"])
