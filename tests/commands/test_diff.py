"""What differs is ranked by what it does: the cause of a stall comes first, among differences that do nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import hosttune
from hosttune.errors import UsageError
from hosttune.host.recorded import Recorded
from hosttune.model import Comparison
from hosttune.options import Options
from hosttune.render import exit_codes
from tests import verbs

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ROOT / "tests/hosts"
SCHEMA = json.loads((ROOT / "hosttune/render/comparison.schema.json").read_text())
PORTS = "net.ipv4.ip_local_port_range"

# a recorded host, what is planted in a copy of it, options, and what has to come first
PLANTED = {
    "a narrow range": ("whitepaper", {PORTS: "32768\t33767"}, {}, PORTS),
    "reserved ports": (
        "whitepaper", {"net.ipv4.ip_local_reserved_ports": "2000-60000"}, {}, "net.ipv4.ip_local_reserved_ports"
    ),
    "few entries of conntrack": (
        "conntrack", {"net.netfilter.nf_conntrack_max": "2000"}, {}, "net.netfilter.nf_conntrack_max"
    ),
    "few orphans": ("whitepaper", {"net.ipv4.tcp_max_orphans": "100"}, {}, "net.ipv4.tcp_max_orphans"),
    "few descriptors of a process": ("whitepaper", {"fs.nr_open": "1024"}, {}, "fs.nr_open"),
    "few watches of epoll": ("whitepaper", {"fs.epoll.max_user_watches": "3000"}, {}, "fs.epoll.max_user_watches"),
    "little memory": ("whitepaper", {"MEMORY": "200000"}, {}, "memory"),
    "a short queue": ("whitepaper", {"net.core.somaxconn": "16"}, {"rate": 5000}, "net.core.somaxconn"),
    "little memory of TCP": (
        "stock", {"net.ipv4.tcp_mem": "100\t200\t300"}, {"bytes_in_flight": 8192}, "net.ipv4.tcp_mem"
    ),
    "few descriptors of the unit": ("stock", "service-1024", {}, "programs and their limits"),
}  # fmt: skip


def text_of(name: str) -> dict[str, Any]:
    tables: dict[str, Any] = json.loads((HOSTS / f"debian12-{name}.json").read_text())
    return tables


def planted(tables: dict[str, Any], keys: dict[str, str], noise: int, seed: int) -> dict[str, Any]:
    """Return a copy of a recording with other values, and so many more keys in which the two differ."""
    draw, reads = random.Random(seed), dict(tables["reads"])
    for key, value in keys.items():
        if key == "MEMORY":
            reads["/proc/meminfo"] = {"is": f"MemTotal: {value} kB\n"}
            continue
        reads[f"/proc/sys/{key.replace('.', '/')}"] = {"is": f"{value}\n"}
    for number in range(noise):
        reads[f"/proc/sys/dev/noise/k{number}"] = {"is": f"{draw.randrange(1, 1 << 20)}\n"}
    return {**tables, "reads": reads}


def compared(tmp_path: Path, left: dict[str, Any], right: dict[str, Any], **options: Any) -> Comparison:
    paths = []
    for name, tables in (("left", left), ("right", right)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(tables))
        paths.append(str(path))
    return hosttune.diff(*paths, options=Options(role="lb", **options))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", PLANTED)
def test_the_cause_comes_first(name: str, seed: int, tmp_path: Path) -> None:
    host, keys, options, first = PLANTED[name]
    good = planted(text_of(host), {}, 30, 0)
    bad = text_of(f"{keys}") if isinstance(keys, str) else planted(text_of(host), keys, 30, seed)
    found = compared(tmp_path, good, bad, **options)
    assert found.contrasts[0].subject == first, found.contrasts[:3]
    assert found.contrasts[0].matters and found.contrasts[0].effects
    assert exit_codes.diff(found) == 1
    mirrored = compared(tmp_path, bad, good, **options)
    assert mirrored.contrasts[0].subject == first
    assert {(row.subject, row.left, row.right) for row in found.contrasts} == {
        (row.subject, row.right, row.left) for row in mirrored.contrasts
    }
    assert {row.subject for row in found.contrasts if row.matters} == {
        row.subject for row in mirrored.contrasts if row.matters
    }


@pytest.mark.parametrize("path", sorted(HOSTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_host_differs_in_nothing_from_itself(path: Path) -> None:
    found = hosttune.diff(str(path), str(path))
    assert found.contrasts == () and not found.unknown
    assert exit_codes.diff(found) == 0


def test_values_and_numbers_are_those_of_both_hosts() -> None:
    found = hosttune.diff(str(HOSTS / "debian12-stock.json"), str(HOSTS / "debian12-whitepaper.json"))
    row = found.contrasts[0]
    assert (row.subject, row.left, row.right) == (PORTS, "32768 60999", "1024 65535")
    assert row.effects[0].what == "stops at"
    assert row.effects[0].left.startswith("28,232 ") and row.effects[0].right.startswith("64,512 ")
    assert (found.left.connections, found.right.connections) == (28_232, 64_512)


def test_two_reports_are_compared_by_their_values(tmp_path: Path) -> None:
    paths = []
    for name in ("stock", "whitepaper"):
        report = verbs.hosttune(
            "check", "--role", "lb", "--snapshot", str(HOSTS / f"debian12-{name}.json"), "-f", "json"
        )
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(report.stdout)
    found = hosttune.diff(str(paths[0]), str(paths[1]))
    assert found.contrasts[0].subject == PORTS
    mixed = hosttune.diff(str(paths[0]), str(HOSTS / "debian12-whitepaper.json"))
    assert mixed.contrasts[0].subject == PORTS
    with pytest.raises(UsageError, match="a report is no whole host"):
        hosttune.diff(str(paths[0]), against="boot")


def test_what_the_next_boot_makes_otherwise_matters_and_names_its_line() -> None:
    found = hosttune.diff(str(HOSTS / "debian12-drift.json"), against="boot")
    (row,) = found.contrasts
    assert (row.subject, row.left, row.right, row.matters) == ("net.core.somaxconn", "65535", "1024", True)
    assert row.notes == ("/etc/sysctl.d/99-sysctl.conf:2 sets it at boot, over /etc/sysctl.d/90-lb.conf:1",)
    assert exit_codes.diff(found) == 1
    assert exit_codes.diff(hosttune.diff(str(HOSTS / "debian12-stock.json"), against="boot")) == 0


def test_a_value_that_the_kernel_refuses_is_named(tmp_path: Path) -> None:
    tables = text_of("drift")
    tables["reads"]["/etc/sysctl.d/90-lb.conf"] = {"is": "net.ipv4.ip_local_port_range = garbage\n"}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(tables))
    found = hosttune.diff(str(path), against="boot")
    row = next(row for row in found.contrasts if row.subject == PORTS)
    assert row.matters and "garbage" in row.right and "refuses" in row.right
    assert "/etc/sysctl.d/90-lb.conf:1" in row.notes[0]


@pytest.mark.parametrize("against", ["defaults", "required"])
def test_a_host_is_held_against_its_defaults_and_its_role(against: str) -> None:
    host = "whitepaper" if against == "defaults" else "stock"
    found = hosttune.diff(str(HOSTS / f"debian12-{host}.json"), against=against, options=Options(role="lb"))
    assert found.contrasts[0].subject == PORTS
    assert sorted((found.left.connections or 0, found.right.connections or 0)) == [28_232, 64_512]


def test_the_document_holds_to_its_schema_and_the_screen_to_its_width() -> None:
    words = ["diff", str(HOSTS / "debian12-stock.json"), str(HOSTS / "debian13-stock.json")]
    done = verbs.hosttune(*words, "--format", "json")
    assert done.returncode == 1
    jsonschema.validate(json.loads(done.stdout), SCHEMA)
    for more in ([], ["-v"]):
        done = verbs.hosttune(*words, *more)
        assert done.returncode == 1 and "matter" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to compare with"),
        (["--boot", "--defaults"], "--defaults and --boot: each is another side"),
        (["a.json", "b.json", "--boot"], "one host is compared with it"),
        (["/nonexistent.json", "/nonexistent.json"], "no such file"),
        ([str(ROOT / "pyproject.toml"), "x"], "not JSON"),
        ([str(ROOT / "hosttune/render/report.schema.json"), "x"], "neither hosttune/snapshot/1 nor hosttune/report/1"),
    ],
)
def test_wrong_use_is_one_line(words: list[str], said: str) -> None:
    done = verbs.hosttune("diff", *words)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_side_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    empty = tmp_path / "e.json"
    empty.write_text(json.dumps({"schema": "hosttune/snapshot/1", "reads": {}, "globs": {}, "probes": {}}))
    done = verbs.hosttune("diff", str(empty), str(HOSTS / "debian12-stock.json"))
    assert done.returncode == 3 and "Unknown: one side says nothing at all" in done.stdout


def test_a_recording_takes_answers_of_another() -> None:
    one, other = (Recorded.load(str(HOSTS / f"debian12-{name}.json")) for name in ("stock", "whitepaper"))
    path = "/proc/sys/net/ipv4/ip_local_port_range"
    mixed = one.with_answers(lambda table, key: key == path, other)
    assert mixed.read(path) == other.read(path) != one.read(path)
    assert mixed.read("/proc/sys/fs/nr_open") == one.read("/proc/sys/fs/nr_open")
    assert one.with_texts({path: "1 2"}).read(path) == "1 2"
