"""Apply and roll back on the running kernel, in namespaces of its own: sysctls, what is read-only, source addresses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.netns.sandbox import ROOT, need_namespaces

SCRIPT = """\
set -e
mount -t tmpfs none /var/lib && mount -t tmpfs none /etc/sysctl.d
ip link set lo up
ip link add d0 type veth peer name d1
ip link set d0 up
hosttune() { "$PYTHON" -m hosttune "$@"; }
look() { cat /proc/sys/net/ipv4/tcp_tw_reuse /proc/sys/net/ipv4/ip_local_port_range /proc/sys/net/core/somaxconn; }
addresses() { ip -o address show dev d0 | awk '$3 ~ /^inet/ && $4 !~ /^fe80/ {print $4}'; }
run() { name=$1; shift; code=0; "$@" >"$OUT/$name" 2>"$OUT/$name.err" || code=$?; echo "$code" >"$OUT/$name.code"; }
look >"$OUT/before"
run apply hosttune apply --profile "$OUT/mine.toml" --yes --format json
look >"$OUT/applied"
ls /etc/sysctl.d >"$OUT/files"
run again hosttune apply --profile "$OUT/mine.toml" --yes --format json
run hidden hosttune apply --role lb --only sysctl --dry-run --format json
run readonly hosttune apply --profile "$OUT/global.toml" --dry-run --format json
run add hosttune apply --only addresses --runtime-only --yes --add-address 10.9.0.21-10.9.0.23/24@d0 \
    --add-address 2001:db8::21/64@d0
addresses >"$OUT/with"
run prefix hosttune apply --only addresses --runtime-only --yes --format json --add-address 2001:db8::21/128@d0
run back2 hosttune rollback --yes
addresses >"$OUT/without"
echo 0 >/proc/sys/net/ipv4/conf/d0/promote_secondaries
run first hosttune apply --only addresses --runtime-only --yes --add-address 10.9.0.31/24@d0
run second hosttune apply --only addresses --runtime-only --yes --add-address 10.9.0.32/24@d0
ip address add 10.9.0.33/24 dev d0
run off hosttune rollback 3 --yes
addresses >"$OUT/two"
cat /proc/sys/net/ipv4/conf/d0/promote_secondaries >"$OUT/promote"
run off2 hosttune rollback 4 --yes
addresses >"$OUT/one"
run back1 hosttune rollback --yes --format json
look >"$OUT/after"
"""

MINE = """\
[profile]
name = "mine"
title = "mine"
"""
ROW = """\
[[require]]
subject = "sysctl:{}"
operator = "{}"
value = {}
why = "a test"
source = "a test"
"""


def test_apply_and_rollback_in_a_namespace(tmp_path: Path) -> None:
    need_namespaces()
    rows = [
        ("net.ipv4.tcp_tw_reuse", "equals", 1),
        ("net.ipv4.ip_local_port_range", "covers", [20000, 60999]),
        ("net.core.somaxconn", "at_least", 70000),
    ]
    (tmp_path / "mine.toml").write_text(MINE + "".join(ROW.format(*row) for row in rows))
    (tmp_path / "global.toml").write_text(MINE + ROW.format("net.core.rmem_max", "at_least", 2**30))
    done = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", SCRIPT],
        cwd=ROOT, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OUT": str(tmp_path), "PYTHON": sys.executable},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    def said(name: str) -> str:
        return (tmp_path / name).read_text()

    assert said("apply.code") == "0\n", said("apply.err")
    assert said("applied").split() == ["1", "20000", "60999", "70000"]
    assert json.loads(said("apply"))["changed"] is True and json.loads(said("again"))["changed"] is False
    # what only the host has is left alone by itself, and no file is written that nothing reads here
    for name, says in {"hidden": "net.ipv4.tcp_mem", "readonly": "net.core.rmem_max"}.items():
        left = next(note for note in json.loads(said(name))["notes"] if note.startswith("left alone, the host's own"))
        assert says in left and "sudo hosttune apply" in left
    assert said("files") == ""
    for name, says in {"prefix": "d0 has it as 2001:db8::21/64"}.items():
        assert said(f"{name}.code") == "5\n", said(name)
        assert says in " ".join(json.loads(said(name))["refused"])
        assert said(f"{name}.err").startswith("hosttune: refused, nothing was changed: "), said(f"{name}.err")
    assert said("with").split() == ["10.9.0.21/24", "10.9.0.22/24", "10.9.0.23/24", "2001:db8::21/64"], said("add.err")
    assert said("without") == ""
    # the first address of a subnet takes nobody else's with it
    assert said("two").split() == ["10.9.0.32/24", "10.9.0.33/24"], said("off")
    assert said("one").split() == ["10.9.0.33/24"] and said("promote") == "0\n"
    assert (said("back2.code"), said("back1.code")) == ("0\n", "0\n"), said("back2.err") + said("back1.err")
    assert said("after") == said("before")


LIVE = """\
set -e
mount -t tmpfs none /var/lib
hosttune() { "$PYTHON" -m hosttune "$@"; }
limits() { awk '/Max open files/ {print $4, $5}' "/proc/$pid/limits"; }
(ulimit -Sn 300; ulimit -Hn 4000; exec sleep 60) &
pid=$!
trap 'kill $pid' EXIT
while [ "$(cat /proc/$pid/comm)" != sleep ]; do sleep 0.1; done
limits >"$OUT/before"
hosttune apply --profile "$OUT/mine.toml" --pid $pid --only units --runtime-only --yes --format json >"$OUT/named"
limits >"$OUT/untouched"
hosttune apply --profile "$OUT/mine.toml" --pid $pid --only units --runtime-only --live --yes >"$OUT/apply"
limits >"$OUT/applied"
hosttune rollback --yes >"$OUT/back"
limits >"$OUT/after"
"""


def test_a_running_process_gets_its_limits_and_gives_them_back(tmp_path: Path) -> None:
    need_namespaces()
    (tmp_path / "mine.toml").write_text(
        MINE + ROW.replace("sysctl:{}", "nofile:{}").format("process", "at_least", [2000, 4000])
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", LIVE],
        cwd=ROOT, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OUT": str(tmp_path), "PYTHON": sys.executable},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = {name: (tmp_path / name).read_text() for name in ("before", "untouched", "applied", "after", "named")}
    assert seen["before"] == seen["untouched"] == seen["after"] == "300 4000\n"
    assert seen["applied"] == "2000 4000\n"
    assert "--live" in " ".join(json.loads(seen["named"])["notes"])
