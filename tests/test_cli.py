"""The command line as a person meets it: exit codes, one-line errors, plain text in pipes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests import verbs

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own


def hosttune(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return verbs.hosttune(*args, env={**os.environ, **env})


def test_check_prints_plain_text_into_a_pipe() -> None:
    done = hosttune("check", "--role", "lb")
    assert done.returncode in (0, 1)
    assert not done.stderr
    assert "\x1b" not in done.stdout
    assert "1,000,000" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_check_speaks_json() -> None:
    done = hosttune("check", "--role", "lb", "--format", "json")
    report = json.loads(done.stdout)
    assert report["schema"] == "hosttune/report/1"


def test_one_connection_fits_and_a_billion_does_not() -> None:
    few = hosttune("check", "--role", "controller", "--connections", "1", "--fail-on", "error")
    many = hosttune("check", "--role", "lb", "--connections", "1000000000", "--fail-on", "error")
    assert many.returncode == 1
    assert "NOT READY" not in few.stdout
    assert "NOT READY" in many.stdout


WRONG = {
    "unknown role": (["check", "--role", "brokr"], "did you mean broker? There are app, "),
    "unknown format": (["check", "--format", "xml"], "--format xml"),
    "unknown severity": (["check", "--fail-on", "fatal"], "--fail-on fatal"),
    "backend without port": (["check", "--role", "lb", "--backend", "10.0.0.1"], "port"),
    "backend with a wrong port": (["check", "--role", "lb", "--backend", "10.0.0.1:70000"], "70000"),
    "unresolvable host": (["check", "--role", "lb", "--backend", "no-such-host.invalid:1883"], "no-such-host.invalid"),
    "wrong source": (["check", "--role", "lb", "--backend", "127.0.0.1:1883", "--source", "1.2.3.4.5"], "1.2.3"),
    "wrong mode": (["check", "--role", "lb", "--bind-mode", "late"], "late"),
    "missing profile": (["check", "--profile", "/nonexistent.toml"], "/nonexistent.toml"),
    "missing snapshot": (["check", "--snapshot", "/nonexistent"], "/nonexistent"),
    "missing root": (["check", "--root", "/nonexistent"], "/nonexistent"),
    "two hosts": (["check", "--root", "/tmp", "--snapshot", "/tmp/x"], "name one of the two"),
    "unknown namespace": (["check", "--netns", "no-such"], "no-such"),
    "namespace that is a path": (["check", "--netns", "../../etc"], "not a namespace's name"),
    "unknown process": (["check", "--process-name", "no-such-process"], "no-such-process"),
    "unknown key": (["explain", "net.ipv4.tcp_memm"], "did you mean net.ipv4.tcp_mem"),
    "key with dots": (["resolve", "net/../../etc/passwd"], "not a sysctl key"),
    "unknown user": (["resolve", "--user", "nobody-here"], "nobody-here"),
    "unknown experiment": (["prove", "--only", "ports,miracles"], "miracles"),
    "no time": (["prove", "--budget", "soon"], "not a duration; 1s to 1h, such as 30s or 2m"),
    "unknown format of proofs": (["prove", "--format", "xml"], "--format xml"),
    "snapshot into nowhere": (["snapshot", "-o", "/nonexistent/x"], "/nonexistent/x"),
    "unknown option": (["check", "--no-such-option"], "--no-such-option; `hosttune check --help`"),
    "unknown verb": (["chekc"], "Did you mean 'check'?"),
    "unknown role, and none near": (["check", "--role", "nope"], "there are app, broker"),
    "connections below all": (["check", "--connections", "-5"], "--connections: -5: must be 1 to 1,000,000,000"),
    "seconds below all": (["check", "--hold", "-1"], "--hold: -1: must be 0 to 100,000,000 seconds"),
    "a duration that is too long": (["diagnose", "--for", "2h"], "--for 2h: at most 1h, such as 10s or 1m"),
    "a key of no name that is near": (["explain", "foo"], "'foo': no description of such a key"),
    "no key": (["resolve", "foo"], "foo: no such key on this host"),
    "a part of a key": (["resolve", "somaxconn"], "did you mean net.core.somaxconn?"),
    "no unit": (["resolve", "--unit", "nosuch"], "--unit nosuch: no such unit here"),
    "the host of a snapshot": (["check", "--snapshot", "/tmp/x", "--root", "/"], "name one of the two"),
    "a namespace of an image": (["check", "--root", "/tmp", "--netns", "x"], "an image has no network namespaces"),
    "two names of a program": (["check", "--pid", "1", "--process-name", "x"], "each names the program"),
    "one look for a while": (["watch", "--once", "--for", "10s"], "leave out --for"),
    "an apply that is not there": (["rollback", "99"], "rollback 99: no such apply"),
    "a prefix beyond, before it is asked": (["sources", "add", "10.0.0.1/99@lo"], "/99: a prefix of IPv4 ends at 32"),
    "option without its value": (["check", "--role"], "--role"),
    "missing argument": (["explain"], "KEY"),
    "connections that are no number": (
        ["check", "--connections", "1.5"],
        "'1.5' is no number; write 1000000",
    ),
    "connections grouped wrong": (["check", "--connections", "1,0000"], "write 1000000, 1,000,000, 1M or 1e6"),
    "connections of none": (["apply", "--connections", "0"], "--connections: 0: must be 1 to 1,000,000,000"),
    "a process that is none": (["check", "--pid", "x"], "--pid: 'x'"),
    "an apply that is none": (["rollback", "x", "--yes"], "ID: 'x'"),
    "profile that is a directory": (["check", "--profile", "/tmp"], "/tmp: a directory"),
    "kinds that are none": (["apply", "--only", "", "--dry-run"], "--only: it is empty"),
    "unknown kind": (["apply", "--only", "all", "--dry-run"], "--only all"),
    "prefix beyond the family": (
        ["apply", "--add-address", "10.0.0.1/33@lo", "--dry-run"],
        "/33: a prefix of IPv4 ends",
    ),
    "no address": (["sources", "add", "--dry-run"], "name addresses, or --anyip PREFIX"),
    "a source address that is none": (["sources", "add", "10.0.0.x", "--dry-run"], "10.0.0.x: not FIRST[-LAST]"),
    "a range that falls": (["sources", "add", "10.0.0.9-10.0.0.1/24@lo", "--dry-run"], "must rise"),
    "a subnet of nobody": (["sources", "add", "203.0.113.77", "--dry-run"], "no subnet with 203.0.113.77"),
    "a prefix with host bits": (["sources", "add", "--anyip", "10.9.0.1/24", "--dry-run"], "write 10.9.0.0/24"),
    "a prefix of everything": (["sources", "remove", "--anyip", "0.0.0.0/0", "--dry-run"], "too wide"),
    "a share of more than all": (
        ["sources", "plan", "--backend", "127.0.0.1:1", "--headroom", "2"],
        "--headroom 2: not a share",
    ),
    "a plan towards nothing": (["sources", "plan", "--connections", "5"], "no backend"),
    "address without prefix": (["apply", "--add-address", "10.0.0.1@lo", "--dry-run"], "not FIRST[-LAST]/PREFIX"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_clear_line_and_exit_2(name: str) -> None:
    args, says = WRONG[name]
    done = hosttune(*args)
    assert done.returncode == 2, done
    assert says in done.stderr and done.stderr.count("\n") == 1
    assert not done.stdout


@pytest.mark.parametrize("text", ["1,000,000", "1_000_000", "1M", "1e6"])
def test_connections_are_written_as_people_write_them(text: str) -> None:
    done = hosttune("check", "--role", "lb", "--connections", text, "--format", "json")
    assert json.loads(done.stdout)["workload"]["connections"] == 1_000_000


@pytest.mark.parametrize("text", ['[profile]\nname = "x', "[profile]\n[profile]\n", "[profile]\n[[require\n"])
def test_wrong_toml_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    done = hosttune("check", "--profile", str(path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{path}:2" in done.stderr


def test_a_role_is_one_in_any_case() -> None:
    done = hosttune("check", "--role", "LB", "--format", "json")
    assert json.loads(done.stdout)["roles"] == ["lb"]


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_profile_without_its_table_is_told_of_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.toml").write_text(text)
    for words in (["profile", "validate"], ["check", "--profile"]):
        done = hosttune(*words, str(tmp_path / "empty.toml"))
        assert done.returncode == 2 and "empty.toml: no [profile] table; begin with [profile]" in done.stderr


def test_a_source_that_is_not_here_is_a_warning() -> None:
    done = hosttune("capacity", "--role", "lb", "--source", "198.51.100.7", "--format", "json")
    assert "198.51.100.7 is not an address of this host (yet)" in done.stdout


def test_a_snapshot_replays_to_the_same_report(tmp_path: Path) -> None:
    path = str(tmp_path / "snapshot")
    assert hosttune("snapshot", "-o", path).returncode == 0
    live, replayed = (
        hosttune("check", "--role", "lb", "--format", "json", *more) for more in ([], ["--snapshot", path])
    )
    reports = [json.loads(done.stdout) for done in (live, replayed)]
    assert reports[0]["findings"] == reports[1]["findings"]
    assert hosttune("check", "--role", "broker", "--snapshot", path).returncode in (0, 1)


def test_a_cut_snapshot_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    assert hosttune("snapshot", "-o", str(path)).returncode == 0
    path.write_bytes(path.read_bytes()[:1000])
    done = hosttune("check", "--snapshot", str(path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_an_image_is_judged_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    (tmp_path / "etc/sysctl.d/90-lb.conf").write_text("net.ipv4.ip_local_port_range = 1024 65535\n")
    done = hosttune("check", "--role", "lb", "--root", str(tmp_path), "--format", "json")
    rows = {f["id"]: f for f in json.loads(done.stdout)["findings"]}
    assert rows["sysctl:net.ipv4.ip_local_port_range:covers"]["verdict"] == "OK"


def test_resolve_names_the_winner_and_what_it_overrides(tmp_path: Path) -> None:
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    (tmp_path / "etc/sysctl.d/90-lb.conf").write_text("net.core.somaxconn = 65535\n")
    (tmp_path / "etc/sysctl.d/99-z.conf").write_text("# late\nnet/core/somaxconn=0x1000\n")
    done = hosttune("resolve", "--root", str(tmp_path), "--format", "json")
    row = json.loads(done.stdout)["sysctl"]["net.core.somaxconn"]
    for loader in ("boot", "reload"):
        assert row[loader]["value"] == 4096
        assert row[loader]["origin"] == {"file": "/etc/sysctl.d/99-z.conf", "line": 2, "text": "0x1000"}
        assert row[loader]["overrides"] == [{"file": "/etc/sysctl.d/90-lb.conf", "line": 1, "text": "65535"}]


def test_resolve_says_where_a_boot_would_change_a_key(tmp_path: Path) -> None:
    """It ends with 1 there, as check does; a key that holds, and one that no file sets, do not count."""
    answers = json.loads((Path(__file__).parent / "hosts/debian12-stock.json").read_text())
    path = "/etc/sysctl.d/90-x.conf"
    answers["globs"]["/etc/sysctl.d/*.conf"] = [path]
    for value, code in (("5", 1), ("4096", 0)):
        answers["reads"][path] = {"is": f"net.core.somaxconn = {value}\n"}
        (tmp_path / "s.json").write_text(json.dumps(answers))
        words = ("resolve", "net.core.somaxconn", "net.ipv4.tcp_rmem", "--snapshot", str(tmp_path / "s.json"))
        done = hosttune(*words)
        assert done.returncode == code and ("differs from now" in done.stdout) is bool(code), done
        row = json.loads(hosttune(*words, "--format", "json").stdout)["sysctl"]["net.core.somaxconn"]
        assert row["differs"] is bool(code)


def test_resolve_names_what_lies_in_run(tmp_path: Path) -> None:
    files = {
        "run/sysctl.d/50-x.conf": "net.core.somaxconn = 5\n",
        "usr/lib/systemd/system/a.service": "[Service]\nLimitNOFILE=70\n",
        "run/systemd/system/a.service.d/x.conf": "[Service]\nLimitNOFILE=90\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    words = ("resolve", "net.core.somaxconn", "--unit", "a.service", "--root", str(tmp_path), "--format", "json")
    found = json.loads(hosttune(*words).stdout)
    assert found["sysctl"]["net.core.somaxconn"]["boot"] is None
    assert any("/run/sysctl.d/50-x.conf:1 sets net.core.somaxconn to 5 until" in said for said in found["warnings"])
    unit = found["unit"]["a.service"]
    assert unit["soft"] == 70
    assert any("/run/systemd/system/a.service.d/x.conf:2 sets 90 until" in said for said in unit["notes"])


def test_profiles_list_show_and_validate(tmp_path: Path) -> None:
    assert "lb " in hosttune("profile", "list").stdout
    assert "net.ipv4.ip_local_port_range" in hosttune("profile", "show", "lb").stdout
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[profile]\nname = "x"\ntitle = "x"\nextend = []\n')
    done = hosttune("profile", "validate", str(wrong))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "profile: extend: no such key" in done.stderr


def test_version() -> None:
    assert hosttune("--version").stdout.startswith("hosttune ")
