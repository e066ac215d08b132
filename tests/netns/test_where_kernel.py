"""Whose namespace: what is judged in another one is written there or not at all, and fixed in its owner's words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.netns.sandbox import ROOT, need_namespaces

BEGIN = """\
set -e
hosttune() { "$PYTHON" -m hosttune "$@"; }
run() { name=$1; shift; code=0; "$@" >"$OUT/$name" 2>"$OUT/$name.err" || code=$?; echo "$code" >"$OUT/$name.code"; }
mount -t tmpfs none /var/lib && mount -t tmpfs none /etc/sysctl.d && mount -t tmpfs none /run
ip link set lo up
"""
RANGE = "/proc/sys/net/ipv4/ip_local_port_range"


@pytest.fixture
def play(tmp_path: Path) -> Iterator[object]:
    """Return a function that plays a script in a network and mount namespace, and one that reads what it left."""
    need_namespaces()

    def play(script: str) -> dict[str, str]:
        done = subprocess.run(
            ["unshare", "-m", "-n", "sh", "-c", BEGIN + script],
            cwd=ROOT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OUT": str(tmp_path), "PYTHON": sys.executable},
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return {path.name: path.read_text() for path in tmp_path.iterdir()}

    yield play


OTHER = """\
unshare -n sleep 100 & other=$!
trap 'kill $other' EXIT
while [ "$(cat /proc/$other/comm)" != sleep ]; do sleep 0.1; done
"""

APPLY = f"""\
{OTHER}
nsenter -t $other -n sysctl -qw net.ipv4.ip_local_port_range="40000 40999"
run check hosttune check --role client --connections 60000 --pid $other
run apply hosttune apply --role client --connections 60000 --pid $other --runtime-only --only sysctl \\
    --reserve-listeners --yes --except net.core.netdev_max_backlog
run json hosttune apply --role client --connections 60000 --pid $other --yes --format json
cat {RANGE} >"$OUT/host"
nsenter -t $other -n cat {RANGE} >"$OUT/other"
ls /etc/sysctl.d >"$OUT/files"
fix=$(grep -h 'nsenter -t' "$OUT/apply.err" | sed 's/^ *sudo //')
eval "$fix" >/dev/null
nsenter -t $other -n cat {RANGE} >"$OUT/fixed"
"""


def test_an_apply_for_a_process_elsewhere_writes_nothing_here_and_prints_what_changes_it_there(play) -> None:  # type: ignore[no-untyped-def]
    said = play(APPLY)
    assert said["apply.code"] == "5\n" == said["json.code"]
    assert said["host"].split() == ["32768", "60999"] and said["other"].split() == ["40000", "40999"]
    assert said["files"] == ""
    for text in (said["check"], said["apply.err"], "\n".join(json.loads(said["json"])["refused"])):
        assert '--sysctl net.ipv4.ip_local_port_range="1024 65535"' in text
        assert "docker run" in text and "securityContext" in text
        assert "hosttune apply" not in text
    # the command that is printed does what it says
    assert said["fixed"].split() == ["1024", "65535"]


BOOT = f"""\
echo "net.ipv4.ip_local_port_range = 1024 65535" >/etc/sysctl.d/50-lb.conf
{OTHER}
run check hosttune check --role client --connections 60000 --pid $other --format json
nsenter -t $other -n sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
run held hosttune check --role client --connections 60000 --pid $other --format json
"""


def test_the_boot_value_of_a_namespace_is_the_kernel_s_and_not_that_of_sysctl_d(play) -> None:  # type: ignore[no-untyped-def]
    said = play(BOOT)

    def row(name: str, key: str) -> dict[str, object]:
        return next(f for f in json.loads(said[name])["findings"] if f["subject"] == f"sysctl:{key}")

    found = row("check", "net.ipv4.ip_local_port_range")
    assert found["verdict"] == "FAIL"
    assert found["because"].endswith(  # type: ignore[attr-defined]
        "at boot 32768 60999: kernel default of a new namespace; sysctl.d does not reach it"
    )
    assert row("held", "net.ipv4.ip_local_port_range")["verdict"] == "OK"
    # the namespace that hosttune ran in is not the first one either: what a new one takes from that is not seen
    assert "takes the host's, not seen" in str(row("check", "net.ipv4.tcp_rmem")["reading"])
    where = json.loads(said["check"])["where"]
    assert (where["site"], where["entered"], where["loaded"]) == ("network namespace", True, False)


INSIDE = """\
mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys
run check hosttune check --role client --connections 60000
run apply hosttune apply --role client --connections 60000 --only sysctl --yes
run persist hosttune apply --role client --connections 60000 --only sysctl --persist-only --yes
ls /etc/sysctl.d >"$OUT/files"
"""


def test_inside_a_container_with_a_read_only_proc_the_way_out_is_the_runtime_s(play) -> None:  # type: ignore[no-untyped-def]
    said = play(INSIDE)
    assert said["apply.code"] == said["persist.code"] == "5\n" and said["files"] == ""
    assert "/proc/sys is read-only in here" in said["apply.err"]
    assert "nothing reads files for this container" in " ".join(said["persist.err"].split())
    for name in ("check", "apply.err", "persist.err"):
        assert '--sysctl net.ipv4.ip_local_port_range="1024 65535"' in said[name]
        assert "hosttune apply" not in said[name] and "--except" not in said[name]


NAMED = f"""\
mkdir /run/netns
ip netns add blue
trap 'ip netns delete blue' EXIT
ip netns exec blue sysctl -qw net.ipv4.ip_local_port_range="40000 40999"
run check hosttune check --role client --connections 60000 --netns blue
run apply hosttune apply --role client --connections 60000 --netns blue --yes
ip netns exec blue cat {RANGE} >"$OUT/applied"
run again hosttune apply --role client --connections 60000 --netns blue --yes --format json
cat {RANGE} >"$OUT/host"
find /etc/sysctl.d /etc/security/limits.d -name '*hosttune*' >"$OUT/files"
run history hosttune history --format json
run back hosttune rollback 1 --yes
ip netns exec blue cat {RANGE} >"$OUT/after"
run more ip netns exec blue "$PYTHON" -m hosttune apply --role client --connections 60000 --yes
find /etc/sysctl.d /etc/security/limits.d -name '*hosttune*' >>"$OUT/files"
ip netns delete blue && ip netns add blue
run gone hosttune rollback --yes
run force hosttune rollback --yes --force
ip netns exec blue cat {RANGE} >"$OUT/new"
run persist hosttune apply --role client --netns blue --persist-only --yes
run two hosttune apply --role client --netns blue --pid 1 --yes
run none hosttune apply --role client --netns no-such --yes
run script hosttune apply --role client --connections 60000 --netns blue --script
run outside sh "$OUT/script"
run within ip netns exec blue sh "$OUT/script"
ip netns exec blue cat {RANGE} >"$OUT/scripted"
cat {RANGE} >>"$OUT/host"
"""


def test_a_namespace_by_name_is_written_inside_alone_and_taken_back_there(play) -> None:  # type: ignore[no-untyped-def]
    said = play(NAMED)
    check = " ".join(said["check"].replace("\\\n", " ").split())
    assert "hosttune apply --netns blue --role client --connections 60000" in check
    assert said["apply.code"] == "0\n" and said["applied"].split() == ["1024", "65535"]
    lines = 'ip netns exec blue sysctl -w net.ipv4.ip_local_port_range="1024 65535"'
    assert lines in " ".join(said["apply"].replace("\\\n", " ").split()) and "net.ipv4.tcp_mem" in said["apply"]
    assert json.loads(said["again"])["changed"] is False
    assert said["host"].split() == ["32768", "60999"] * 2 and said["files"] == ""
    (record,) = json.loads(said["history"])["applies"]
    assert record["where"]["name"] == "blue" and record["request"]["persist"] is False
    assert {change["backend"] for change in record["changes"]} == {"sysctl"}
    assert said["back.code"] == "0\n" and said["after"].split() == ["40000", "40999"]
    assert said["more.code"] == "0\n", said["more.err"]
    # another namespace has the name now: nothing of the old one is written into it
    assert said["gone.code"] == "5\n" and "is gone, or another has its name" in said["gone.err"]
    assert said["force.code"] == "0\n" and said["new"].split() == ["32768", "60999"]
    assert (said["persist.code"], said["two.code"], said["none.code"]) == ("2\n", "2\n", "2\n")
    assert said["outside.code"] == "1\n" and "ip netns exec blue" in said["outside.err"]
    assert said["within.code"] == "0\n" and said["scripted"].split() == ["1024", "65535"]


MOVED = f"""\
mkdir /run/netns
ip netns add blue
trap 'ip netns delete blue' EXIT
cat >"$OUT/moved.py" <<'END'
import subprocess, sys
from hosttune.workflows import commit
from contextlib import contextmanager
real = commit.healed

@contextmanager
def late(host):
    # between what was shown and the first write somebody makes the namespace anew
    subprocess.run("ip netns delete blue && ip netns add blue", shell=True, check=True)
    with real(host) as records:
        yield records

commit.healed = late
from hosttune.cli import main
sys.argv = ["hosttune", "apply", "--role", "client", "--connections", "60000", "--netns", "blue", "--yes"]
main()
END
run moved "$PYTHON" "$OUT/moved.py"
ip netns exec blue cat {RANGE} >"$OUT/new"
"""


def test_a_namespace_that_is_made_anew_after_it_was_judged_is_not_written(play) -> None:  # type: ignore[no-untyped-def]
    said = play(MOVED)
    assert said["moved.code"] == "5\n", said["moved.err"]
    assert "that was judged is gone, or another has taken its place; nothing was written" in said["moved.err"]
    assert said["new"].split() == ["32768", "60999"]


HEAL = f"""\
mkdir /run/netns
ip netns add blue
trap 'ip netns delete blue' EXIT
hosttune apply --role client --connections 60000 --netns blue --yes >/dev/null
"$PYTHON" - <<'END'
# as a crash would have left it
import dataclasses
from hosttune.changes import journal
from hosttune.changes.record import Status
from hosttune.host.live import LiveHost
host = LiveHost("/")
(record,) = journal.records(host)
journal.save(host, dataclasses.replace(record, status=Status.APPLYING))
END
sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
run own hosttune apply --role client --connections 60000 --only sysctl --yes
cat {RANGE} >"$OUT/host"
ip netns exec blue cat {RANGE} >"$OUT/before"
run heal hosttune rollback 1 --yes
ip netns exec blue cat {RANGE} >"$OUT/healed"
cat {RANGE} >>"$OUT/host"
"""


def test_what_was_interrupted_in_a_namespace_is_healed_there_and_bars_nobody_here(play) -> None:  # type: ignore[no-untyped-def]
    said = play(HEAL)
    assert said["own.code"] == "0\n", said["own.err"]
    assert said["host"].split() == ["1024", "65535"] * 2
    assert said["before"].split() == ["1024", "65535"]
    assert said["heal.code"] == "0\n" and said["healed"].split() == ["32768", "60999"], said["heal"] + said["heal.err"]


FIRST = """\
ip netns add hosttune-test-first-$$
trap 'ip netns delete hosttune-test-first-$$' EXIT
"$PYTHON" -m hosttune check --role client --connections 60000 --netns hosttune-test-first-$$ --format json
"""


def test_what_a_new_namespace_takes_from_the_first_one_is_its_boot_value() -> None:
    """net/ipv4/tcp_ipv4.c tcp_sk_init(): tcp_rmem and tcp_wmem are those that the host has then."""
    need_namespaces()
    if not os.path.exists("/proc/sys/net/core/netdev_max_backlog"):
        pytest.skip("this is not the first network namespace")
    done = subprocess.run(
        ["sh", "-c", FIRST], cwd=ROOT, env={**os.environ, "PYTHON": sys.executable},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    rows = {f["subject"]: f["reading"] for f in json.loads(done.stdout)["findings"] if f["reading"]}
    for key in ("tcp_rmem", "tcp_wmem"):
        found = rows[f"sysctl:net.ipv4.{key}"]
        host = [int(word) for word in Path(f"/proc/sys/net/ipv4/{key}").read_text().split()]
        assert found["boot"] == host and found["notes"][0].startswith("a new namespace takes the host's")


def test_without_a_way_to_the_backend_the_report_does_not_ask_for_it(play) -> None:  # type: ignore[no-untyped-def]
    said = play("run check hosttune check --role client --connections 60000 --backend 10.9.0.1:1883\n")
    assert "name the backends with --backend" not in said["check"]
    told = " ".join(said["check"].split())
    assert "10.9.0.1:1883" in told and "ENETUNREACH" in told


RUNC = """\
mkdir -p "$OUT/bundle/rootfs" && cd "$OUT/bundle" && runc spec
"$PYTHON" - <<'END'
import json, os
spec = json.load(open("config.json"))
spec["process"] |= {"args": ["sleep", "600"], "terminal": False}
spec["mounts"] += [
    {"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro"]}
    for path in ("/usr", "/bin", "/lib", "/lib64") if os.path.isdir(path)
]
json.dump(spec, open("config.json", "w"))
END
runc --root "$OUT/state" run -d --pid-file "$OUT/pid" "hosttune-$$" </dev/null >/dev/null 2>&1
trap 'runc --root "$OUT/state" delete -f "hosttune-$$"' EXIT
cd "$ROOT"
pid=$(cat "$OUT/pid")
run check hosttune check --role client --connections 60000 --pid $pid --format json
run apply hosttune apply --role client --connections 60000 --pid $pid --yes
"""


def test_a_container_of_runc_is_judged_as_one_and_left_to_its_runtime(tmp_path: Path) -> None:
    needs.need("namespaces", "ip", "runc")
    script = BEGIN.replace("ip link set lo up\n", "") + RUNC
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=ROOT,
        env={**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable, "ROOT": str(ROOT), "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    where = json.loads((tmp_path / "check").read_text())["where"]
    assert (where["site"], where["inside"], where["initial"]) == ("container", False, False)
    assert (tmp_path / "apply.code").read_text() == "5\n"
    told = (tmp_path / "apply.err").read_text()
    assert "--sysctl net.ipv4.ip_local_port_range" in told and "--ulimit nofile=60200:60200" in told
