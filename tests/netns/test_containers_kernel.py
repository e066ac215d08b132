"""A container of runc: the same answer from outside and from inside, and what fixes it, pasted, does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from tests import needs
from tests.netns.sandbox import ROOT

SPEC = """\
import json, os, sys
spec = json.load(open("config.json"))
spec["process"] |= {"args": ["sleep", "600"], "terminal": False}
spec["linux"]["sysctl"] = {"net.ipv4.ip_local_port_range": "40000 44999"}
places = {"/usr", "/bin", "/lib", "/lib64", sys.prefix, sys.base_prefix, os.environ["ROOT"]}
for path in sorted(places):
    if os.path.isdir(path) and not any(path.startswith(f"{other}/") for other in places):
        spec["mounts"].append({"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro"]})
json.dump(spec, open("config.json", "w"), indent=1)
"""
PASTE = """\
import json, re, sys
spec, report = (json.load(open(path)) for path in ("config.json", sys.argv[1]))
text = "\\n".join(line for line in report["fix"] if re.match(r'  +["{}\\]]', line))
for part, rows in json.loads("{" + re.sub(r'\\n  "process"', ',"process"', text) + "}").items():
    spec[part] |= rows
json.dump(spec, open("config.json", "w"), indent=1)
"""
PROXY = """\
import json
spec = json.load(open("config.json"))
# what was started first is not what carries connections, as in many an image
spec["process"]["args"] = ["sh", "-c", "haproxy -db -f /proxy.cfg & wait"]
json.dump(spec, open("config.json", "w"), indent=1)
"""
PLAY = """\
set -e
mount -t tmpfs none /run && mount -t tmpfs none /etc/sysctl.d
run() { name=$1; shift; code=0; "$@" >"$OUT/$name" 2>"$OUT/$name.err" || code=$?; echo "$code" >"$OUT/$name.code"; }
outside() { name=$1; shift; (cd "$ROOT" && run "$name" "$PYTHON" -m hosttune "$@"); }
inside() { name=$1; shift; run "$name" runc exec -e PYTHONPATH="$ROOT" "$ID" "$PYTHON" -m hosttune "$@"; }
start() { runc run -d "$ID" </dev/null >/dev/null 2>"$OUT/runc.err" || { cat "$OUT/runc.err" >&2; exit 1; }; }
pid() { runc state "$ID" | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["pid"])'; }
ID=hosttune-$$
mkdir -p "$OUT/bundle/rootfs" && cd "$OUT/bundle" && runc spec && "$PYTHON" -c "$SPEC"
start
trap 'runc delete -f "$ID"' EXIT
echo "$ID" >"$OUT/id"
outside by-id check $ROLE --container "$ID" --format json
outside by-begin check $ROLE --container "hosttune-" --format json
outside by-pid check $ROLE --pid "$(pid)" --format json
outside table check $ROLE --container "$ID"
outside none check $ROLE --container no-such
outside apply apply $ROLE --container "$ID" --yes
outside capacity capacity $ROLE --container "$ID" --format json
outside diagnose diagnose --container "$ID" --format json
outside watch watch --container "$ID" --once --interval 0.2s --json
inside in check $ROLE --format json
runc delete -f "$ID"
"$PYTHON" -c "$PASTE" "$OUT/by-id"
start
outside fixed check $ROLE --container "$ID" --format json
inside fixed-in check $ROLE --format json
runc delete -f "$ID"
echo "$CFG" >rootfs/proxy.cfg
"$PYTHON" -c "$PROXY"
start
for _ in 1 2 3 4 5 6 7 8 9; do pgrep -x haproxy -P "$(pid)" >/dev/null && break; sleep 0.5; done
sleep 0.5
outside all watch --container "$ID" --once --interval 0.2s --json
outside proxy check --role lb --connections 1000 --container "$ID" --format json
inside proxy-in check --role lb --connections 1000 --format json
"""
CFG = """\
frontend web
 bind :8080
 mode tcp
 maxconn 150
 timeout client 1m
 default_backend brokers
backend brokers
 mode tcp
 timeout connect 1s
 timeout server 1m
 server one 127.0.0.1:1883
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    needs.need("namespaces", "ip", "runc", "haproxy", "ps")
    out = tmp_path_factory.mktemp("runc")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", PLAY],
        cwd=ROOT,
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OUT": str(out), "PYTHON": sys.executable, "ROOT": str(ROOT),
            "PYTHONPATH": str(ROOT), "SPEC": SPEC, "PASTE": PASTE, "PROXY": PROXY, "CFG": CFG,
            "ROLE": "--role client --connections 15000",
        },
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text() for path in out.iterdir() if path.is_file()}


def verdicts(report: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return verdict and value now by subject; a process has another number from inside."""
    return {
        re.sub(r"pid/\d+", "pid/N", row["subject"]): (row["verdict"], row["reading"] and row["reading"]["runtime"])
        for row in report["findings"]
    }


def numbers(report: dict[str, Any]) -> dict[str, Any]:
    return {re.sub(r"process \d+", "process N", row["name"]): row["hard"] for row in report["bounds"]}


@pytest.mark.slow
@pytest.mark.parametrize(("outer", "inner"), [("by-id", "in"), ("fixed", "fixed-in"), ("proxy", "proxy-in")])
def test_the_answer_is_the_same_from_outside_and_from_inside(played: dict[str, str], outer: str, inner: str) -> None:
    one, other = json.loads(played[outer]), json.loads(played[inner])
    assert verdicts(one) == verdicts(other)
    outside, inside = numbers(one), numbers(other)
    assert len({name for name, hard in outside.items() if hard == inside.get(name)}) >= 4
    for name, hard in inside.items():
        # from inside not every limit is seen; what other processes use meanwhile changes two of them
        if not isinstance(hard, dict) and hard != outside[name]:
            assert name in ("fs.file-max", "kernel memory") and hard == pytest.approx(outside[name], rel=0.2), name
    assert (one["where"]["site"], one["where"]["inside"]) == ("container", False)
    assert (other["where"]["site"], other["where"]["inside"]) == ("container", True)


@pytest.mark.slow
def test_it_is_found_by_id_by_its_begin_and_by_pid(played: dict[str, str]) -> None:
    reports = [json.loads(played[name]) for name in ("by-id", "by-begin", "by-pid")]
    for report in reports:
        where = report["where"]
        assert (where["owner"], where["container"]["name"]) == ("runc", played["id"].strip())
        assert where["given"]["nofile"] == [1024, 1024] and where["given"]["origin"]["file"].endswith("/config.json")
    assert f"runc container {played['id'].strip()}, process " in played["table"]
    assert played["none.code"] == "2\n" and f"those that run: runc {played['id'].strip()}" in played["none.err"]
    assert played["apply.code"] == "5\n" and '"rlimits"' in played["apply.err"]


@pytest.mark.slow
def test_the_role_s_program_in_there_is_judged_whatever_was_started_first(played: dict[str, str]) -> None:
    for name in ("proxy", "proxy-in"):
        report = json.loads(played[name])
        assert [(carrier["program"], carrier["files"]) for carrier in report["carriers"]] == [
            ("haproxy", ["/proxy.cfg"])
        ]
        assert report["bounds"][0]["hard"] == 150


@pytest.mark.slow
def test_every_verb_that_names_a_process_names_a_container(played: dict[str, str]) -> None:
    assert (played["capacity.code"], played["diagnose.code"], played["watch.code"]) == ("1\n", "0\n", "0\n")
    assert json.loads(played["capacity"])["where"]["container"]["name"] == played["id"].strip()
    used = [use for use in json.loads(played["watch"])["uses"] if use["id"].startswith("nofile:")]
    assert [(use["name"].partition(" (")[0], use["limit"]) for use in used] == [("descriptors of sleep", 1024)]


@pytest.mark.slow
def test_a_container_is_watched_with_all_its_processes(played: dict[str, str]) -> None:
    names = [
        use["name"].partition(" (")[0] for use in json.loads(played["all"])["uses"] if use["id"].startswith("nofile:")
    ]
    assert sorted(names) == ["descriptors of haproxy", "descriptors of sh"]


@pytest.mark.slow
def test_the_lines_that_are_printed_fix_it(played: dict[str, str]) -> None:
    before, after = json.loads(played["by-id"]), json.loads(played["fixed"])
    own = ("sysctl:net.ipv4.ip_local_port_range", "nofile:")
    line = next(row["reading"] for row in before["findings"] if row["subject"] == own[0])
    assert (line["boot"], line["origin"]["text"]) == ([40000, 44999], "40000 44999")
    wrong = [
        row["subject"] for row in before["findings"] if row["verdict"] == "FAIL" and row["subject"].startswith(own)
    ]
    assert len(wrong) == 2
    rows = {row["subject"].partition("/")[0]: row for row in after["findings"] if row["subject"].startswith(own)}
    assert {row["verdict"] for row in rows.values()} == {"OK"}
    for row in rows.values():
        assert row["reading"]["boot"] == row["reading"]["runtime"]
        assert row["reading"]["origin"]["file"].endswith("/bundle/config.json")
    assert not any("config.json" in line for line in after["fix"])


@pytest.mark.slow
def test_what_is_not_seen_from_inside_is_unknown_with_the_reason(played: dict[str, str]) -> None:
    rows = {row["subject"]: row["reading"] for row in json.loads(played["fixed-in"])["findings"] if row["reading"]}
    for subject in ("sysctl:net.ipv4.ip_local_port_range", "nofile:pid/1"):
        assert "its runtime's files are not seen in here" in rows[subject]["boot"]["detail"]
