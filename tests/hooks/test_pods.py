"""The manifests at work, under runc with exactly their mounts, rights and environment; and the recipe of the image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import needs, verbs
from tests.hooks import pods
from tests.hooks.test_units import hook

pytestmark = pytest.mark.slow
METRICS = "/var/lib/node_exporter/textfile_collector"
ATTEMPTS = 5
"""What runs beside may come or go between two looks."""
OPTIONS = ("--role", "linux-server", "--connections", "200000", "--backend", "127.0.0.1:9")
CONFIRM = ("--confirm-within", "30s", "--confirm-if", "test -e /host/etc/sysctl.d")
PROFILE = """\
[profile]
name = "node"
title = "what a node needs"
[[require]]
subject = "sysctl:net.core.somaxconn"
operator = "at_least"
value = 65535
why = "bursts"
source = "listen(2)"
severity = "error"
"""


def written(at: Path, *options: str) -> dict[str, str]:
    done = hook("kubernetes", "--image", "hosttune", *options, "-o", str(at))
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text() for path in at.iterdir()}


def pod_of(text: str) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load(text)["spec"]["template"]["spec"]
    return spec


def judged(report: dict[str, Any]) -> list[tuple[str, ...]]:
    # how many packets were dropped is another number at each moment
    return [
        (each["id"], each["verdict"], re.sub(r"[\d,]+ packets dropped", "packets dropped", each["because"]))
        for each in report["findings"]
    ]


def answer(report: dict[str, Any]) -> list[object]:
    """Return what must be the same from both sides."""
    rest = [report[name] for name in ("warnings", "missing", "fix", "pools")]
    return [judged(report), [each["id"] for each in report["bounds"]], *rest]


def test_a_pod_finds_what_root_finds_on_the_node(tmp_path: Path) -> None:
    needs.need("root", "runc")
    pod = pod_of(written(tmp_path / "out", *OPTIONS)["check.yaml"])
    (tmp_path / "metrics").mkdir()
    pods.root_of(tmp_path)
    words = ("check", *OPTIONS, "--format", "json")
    pods.bundle(tmp_path, pod, there={METRICS: str(tmp_path / "metrics")}, maps={}, args=["hosttune", *words])
    for _ in range(ATTEMPTS):
        done = pods.run(tmp_path, f"hosttune-same-{os.getpid()}")
        inside, outside = json.loads(done.stdout or done.stderr), json.loads(verbs.hosttune(*words).stdout)
        if answer(inside) == answer(outside):
            break
    assert answer(inside) == answer(outside) and len(judged(inside)) > 20
    assert inside["where"]["site"] == outside["where"]["site"]
    assert inside["machine"]["pretty"] == outside["machine"]["pretty"]


def test_a_pod_checks_again_and_again_and_writes_nothing_but_its_metrics(tmp_path: Path) -> None:
    needs.need("root", "runc")
    pod = pod_of(written(tmp_path / "out", *OPTIONS)["check.yaml"])
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    pods.root_of(tmp_path)
    pods.bundle(tmp_path, pod, there={METRICS: str(metrics)}, maps={})
    name, runc = f"hosttune-loop-{os.getpid()}", ["runc", "--root", str(tmp_path / "state")]

    def inside(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*runc, "exec", name, *words], capture_output=True, text=True, check=False, timeout=30)

    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            [*runc, "run", "--bundle", str(tmp_path), name], stdin=subprocess.DEVNULL, stdout=log
        )
    try:
        until = time.monotonic() + 40
        while not list(metrics.iterdir()) and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(0.5)
        assert [path.name for path in metrics.iterdir()] == ["hosttune.prom"]
        text = (metrics / "hosttune.prom").read_text()
        (state,) = re.findall(r'^hosttune_check_status\{.*hosttune_check_status="([a-z_]+)".*\} 1$', text, re.M)
        ready = state == "ok"
        probe = pod["containers"][0]["readinessProbe"]["exec"]["command"]
        assert inside(*probe).returncode == (0 if ready else 1), text[-2000:]
        now = Path("/proc/sys/net/core/somaxconn").read_text().strip()
        for path in ("/host/etc/hosttune-test", "/host/run/hosttune-test", "/hosttune-test"):
            assert "ead-only file system" in inside("touch", path).stderr, path
        for path in ("/host/proc/sys/net/core/somaxconn", "/proc/sys/net/core/somaxconn"):
            assert inside("sh", "-c", f"echo {now} >{path}").returncode != 0, path
        subprocess.run([*runc, "kill", name, "TERM"], check=True)
        assert running.wait(10) == 0
        assert "for 200,000 connections" in (tmp_path / "log").read_text()
    finally:
        subprocess.run([*runc, "delete", "-f", name], capture_output=True, check=False)
        running.wait(10)


def node_of(place: Path) -> Path:
    """Make the files of a node, its sysctls among them as plain files: what a Job writes is no kernel's."""
    node = place / "node"
    for name in ("etc/sysctl.d", "etc/modules-load.d", "run/sysctl.d", "run/modules-load.d", "var/lib/hosttune"):
        (node / name).mkdir(parents=True)
    (node / "etc/os-release").write_text('ID=node\nPRETTY_NAME="a node"\n')
    for pattern in ("kernel/osrelease", "kernel/hostname", "kernel/random/boot_id", "net/core/*", "net/ipv4/*", "fs/*"):
        for path in Path("/proc/sys").glob(pattern):
            try:
                text = path.read_text() if path.is_file() else None
            except OSError:
                continue
            copy = node / path.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                copy.write_text(text)
    (node / "proc/sys/net/core/somaxconn").write_text("4096\n")
    return node


def test_a_job_applies_to_a_node_and_another_undoes_it(tmp_path: Path) -> None:
    needs.need("root", "runc")
    if not Path("/proc/sys/net/core/netdev_max_backlog").exists():
        pytest.skip("this is not the first network namespace")
    (tmp_path / "node.toml").write_text(PROFILE)
    profile = ("--profile", str(tmp_path / "node.toml"), "--node", "worker-1", *CONFIRM)
    texts = written(tmp_path / "out", *profile)
    node = node_of(tmp_path)
    before = tree(node)
    volumes = pod_of(texts["apply.yaml"])["volumes"]
    paths = [each["hostPath"]["path"] for each in volumes if "hostPath" in each]
    there = {path: str(node) + path.rstrip("/") for path in paths}
    maps = {"hosttune-profiles": {"node.toml": PROFILE}}
    never = written(tmp_path / "never", *profile, "--confirm-within", "5s", "--confirm-if", "false")["apply.yaml"]
    jobs = {"never": never, "apply": texts["apply.yaml"], "rollback": texts["rollback.yaml"]}
    seen = {}
    for name, text in jobs.items():
        place = tmp_path / f"job-{name}"
        pods.root_of(place)
        pods.bundle(place, pod_of(text), there=there, maps=maps)
        done = pods.run(place, f"hosttune-{name}-{os.getpid()}")
        # what nothing confirms is undone, and the Job has failed
        assert done.returncode == (1 if name == "never" else 0), done.stdout + done.stderr
        seen[name] = tree(node)
    after = seen["apply"]
    assert unjournalled(seen["never"]) == unjournalled(seen["rollback"]) == unjournalled(before)
    assert after["proc/sys/net/core/somaxconn"].strip() == "65535"
    assert "net.core.somaxconn = 65535" in after["etc/sysctl.d/90-hosttune.conf"]
    changed = {path for path in after if after[path] != before.get(path)} - {"proc/sys/net/core/somaxconn"}
    assert changed == {
        "etc/sysctl.d/90-hosttune.conf",
        *(path for path in changed if path.startswith("var/lib/hosttune/")),
    }
    assert json.loads(after["var/lib/hosttune/000002.json"])["status"] == "applied"


def unjournalled(files: dict[str, str]) -> dict[str, str]:
    return {path: text.strip() for path, text in files.items() if not path.startswith("var/lib/hosttune/")}


def tree(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def steps(text: str) -> dict[str, list[str]]:
    """Return the steps of a Containerfile by their instruction."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            found.setdefault(line.split()[0], []).append(line.partition(" ")[2])
    return found


BUILD = """\
set -e
mount -t tmpfs none "$ROOT"
mkdir -p "$ROOT/usr" "$ROOT/opt" "$ROOT/proc" "$ROOT/dev" "$ROOT/tmp" "$ROOT/etc" "$ROOT/kept"
mount --rbind /usr "$ROOT/usr" && mount --make-rslave "$ROOT/usr"
for name in bin sbin lib lib64; do
    [ -e "/$name" ] && ln -s "usr/$name" "$ROOT/$name"
done
mount -t tmpfs none "$ROOT/usr/local"
mkdir "$ROOT/usr/local/bin"
cp "$FILE" "$ROOT$TO"
mount --bind /dev "$ROOT/dev" && mount -t proc proc "$ROOT/proc"
chroot "$ROOT" env -i PATH=/usr/local/bin:/usr/bin:/bin SOURCE_DATE_EPOCH=0 "$ENV" sh -ec "$RUN"
find "$ROOT/opt/hosttune" "$ROOT/usr/local/bin" -type f -printf '%P %T@ %m ' -exec sha256sum {} \\; |
    sed "s#$ROOT##" | sort >"$OUT/$NAME"
as() { chroot "$ROOT" setpriv --reuid "$1" --regid "$1" --clear-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \\
    HOME=/nonexistent "$ENV" hosttune check --role client --format json; }
mount -o remount,ro "$ROOT"
for user in 0 65534; do
    code=0
    as "$user" >"$OUT/$NAME.$user" 2>"$OUT/$NAME.$user.err" || code=$?
    echo "$code" >"$OUT/$NAME.$user.code"
done
"""


def test_the_steps_of_the_recipe_give_the_same_files_twice_and_run_as_nobody(tmp_path: Path) -> None:
    needs.need("namespaces")
    python = subprocess.run(["/usr/bin/python3", "-V"], capture_output=True, text=True, check=False).stdout[7:11]
    if python != f"{sys.version_info[0]}.{sys.version_info[1]}":
        pytest.skip("/usr/bin/python3 is another Python than the one that runs the tests")
    found = steps(written(tmp_path / "out", "--role", "client")["Containerfile"])
    assert [*found] == ["ARG", "FROM", "LABEL", "COPY", "ENV", "RUN", "USER", "ENTRYPOINT"]
    assert found["USER"] == ["65534:65534"] and json.loads(found["ENTRYPOINT"][0]) == ["hosttune"]
    file = tmp_path / "hosttune.pyz"
    built = hook("pyz", "-o", str(file), "--python", python, "--arch", os.uname().machine, "--libc", "glibc")
    assert built.returncode == 0, built.stderr
    name, to = found["COPY"][0].split()
    assert name == file.name
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        environment = {
            **{
                "ROOT": str(tmp_path / run),
                "FILE": str(file),
                "TO": to,
                "ENV": found["ENV"][0],
                "RUN": found["RUN"][0],
            },
            **{"OUT": str(tmp_path), "NAME": f"seen-{run}", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        }
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", BUILD],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    first = (tmp_path / "seen-first").read_text()
    assert first == (tmp_path / "seen-second").read_text()
    rows = first.splitlines()
    assert len(rows) > 300 and all(re.search(r" 0\.0+ [0-7]{3} ", row) for row in rows), rows[:3]
    for user in ("0", "65534"):
        assert (tmp_path / f"seen-first.{user}.err").read_text() == ""
        assert json.loads((tmp_path / f"seen-first.{user}").read_text())["schema"] == "hosttune/report/1"


def test_the_bundle_of_a_pod_has_no_other_rights(tmp_path: Path) -> None:
    pod = pod_of(written(tmp_path / "out", *OPTIONS)["check.yaml"])
    pods.bundle(tmp_path, pod, there={METRICS: str(tmp_path / "metrics")}, maps={})
    process = json.loads((tmp_path / "config.json").read_text())["process"]
    assert process["capabilities"]["bounding"] == ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_NET_ADMIN"]
    assert process["noNewPrivileges"] and process["env"][0] == "HOSTTUNE_HOST=/host"
    shutil.rmtree(tmp_path / "metrics")
