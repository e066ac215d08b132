"""Whatever a verb is fed: 5 seconds of CPU, 500 MB, one line, and it waits for nothing."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hosttune.host import json_bounds
from tests.rooted import measured

pytestmark = pytest.mark.slow

HEAD = '[profile]\nname = "x"\ntitle = "x"\n'
MIB = 1 << 20
STOCK = Path(__file__).parents[1] / "hosts" / "debian12-stock.json"


def filled(head: str, piece: str, size: int, tail: str = "") -> str:
    return head + piece * ((size - len(head) - len(tail)) // len(piece)) + tail


PROFILES: dict[str, Callable[[], str]] = {
    "one key of 30,000 parts": lambda: HEAD + ".".join("a" * 30_000) + " = 1",
    "one key of 300,000 parts": lambda: HEAD + ".".join("a" * 300_000) + " = 1",
    "a table of 300,000 parts": lambda: HEAD + "[" + ".".join("a" * 300_000) + "]",
    "tables": lambda: filled(HEAD, "[a]\n", MIB),
    "named tables": lambda: HEAD + "".join(f"[a{n}]\n" for n in range(4_900)),
    "lists of tables": lambda: filled(HEAD, "[[require]]\n", MIB // 20),
    "keys": lambda: HEAD + "".join(f"a{n} = 1\n" for n in range(49_000)),
    "keys of 7 parts": lambda: HEAD + "".join(f"a.b.c.d.e.f.g{n} = 1\n" for n in range(45_000)),
    "lists in lists": lambda: filled(HEAD + "a = ", "[", MIB),
    "inline tables in inline tables": lambda: filled(HEAD + "a = ", "{a=", MIB),
    "short lists": lambda: filled(HEAD + "a = [", "[],", MIB, "]"),
    "inline tables": lambda: filled(HEAD + "a = [", "{},", MIB, "]"),
    "numbers": lambda: filled(HEAD + "a = [", "1,", MIB, "]"),
    "a number": lambda: filled(HEAD + "a = ", "9", MIB),
    "a number in hexadecimal": lambda: filled(HEAD + "a = 0x", "f", MIB),
    "a text": lambda: filled(HEAD + 'a = "', "x", MIB, '"'),
    "a text of escapes": lambda: filled(HEAD + 'a = "', "\\n", MIB, '"'),
    "a text without an end": lambda: filled(HEAD + 'a = """', '"" ', MIB),
    "a comment": lambda: filled(HEAD + "# ", "x", MIB),
    "blanks": lambda: filled(HEAD, " ", MIB),
    "backends and sources": lambda: (
        HEAD
        + f"[workload]\nbackends = {json.dumps([f'10.0.{n >> 8}.{n & 255}:1' for n in range(9_999)])}\n"
        + f"sources = {json.dumps([f'10.1.{n >> 8}.{n & 255}' for n in range(9_999)])}\n"
    ),
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(PROFILES[name]())
    for verb in (["profile", "validate", str(path)], ["check", "--profile", str(path), "--snapshot", str(STOCK)]):
        done, seconds, peak = measured(*verb)
        assert seconds < 5 and peak < 500, (seconds, peak)
        assert "bug" not in done.stderr and len(done.stderr.splitlines()) <= 1 and len(done.stderr) < 2_000
        assert done.returncode == 2 or not done.stderr, done


def test_a_topology(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("[topology]\n" + ".".join("a" * 300_000) + " = 1")
    done, seconds, peak = measured("plan", str(path))
    assert done.returncode == 2 and f"{path}:2: a key of more than 8 parts" in done.stderr
    assert seconds < 5 and peak < 500


SNAPSHOTS: dict[str, Callable[[Path], object]] = {
    "lists in lists": lambda path: path.write_text("[" * (8 * MIB)),
    "short lists": lambda path: path.write_text(filled("[", "[],", 31 * MIB, "[]]")),
    "short tables": lambda path: path.write_text(filled("[", '{"":1},', 31 * MIB, "0]")),
    "numbers": lambda path: path.write_text(filled("[", "1000,", 31 * MIB, "1]")),
    "texts": lambda path: path.write_text(filled("[", '"abcdefghijklmnopq",', 31 * MIB, "1]")),
    "one text of wide letters": lambda path: path.write_text(filled('["\U0001f600', "x", 31 * MIB, '"]')),
    "a text without an end": lambda path: path.write_text(filled('["', '\\"[,', 31 * MIB)),
    "a number": lambda path: path.write_text(filled("", "9", 31 * MIB)),
    "256 MiB": lambda path: path.write_text(filled("[", "1,", 300 * MIB, "1]")),
    "a hole of 1 TiB": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
    "a pipe": lambda path: os.mkfifo(path),
    "a directory": lambda path: path.mkdir(),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "nothing": lambda path: path.symlink_to("/dev/null"),
    "no UTF-8": lambda path: path.write_bytes(b"\xff" * 100),
    "a read that is too long": lambda path: path.write_text(
        json.dumps({**json.loads(STOCK.read_text()), "reads": {"/etc/sysctl.d/1.conf": {"is": "a.b=1\n" * 2_000_000}}})
    ),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot(tmp_path: Path, name: str) -> None:
    path = tmp_path / "s.json"
    SNAPSHOTS[name](path)
    done, seconds, peak = measured("check", "--role", "lb", "--snapshot", str(path))
    assert done.returncode == 2 and done.stderr.startswith(f"hosttune: {path}") and done.stderr.count("\n") <= 1, done
    assert seconds < 5 and peak < 500, (seconds, peak)


def test_the_largest_that_is_taken(tmp_path: Path) -> None:
    """What is within the bounds of the parser is within those of memory: 1,000,000 values and a wide letter."""
    path = tmp_path / "s.json"
    pairs = ",".join(f'"k{n:07}":{n + 1000}' for n in range(990_000))
    path.write_text(f'{{"schema":"hosttune/snapshot/1","reads":{{"\U0001f600":"{"x" * 9_000_000}"}},"x":{{{pairs}}}}}')
    assert path.stat().st_size < json_bounds.LARGEST
    done, seconds, peak = measured("check", "--role", "lb", "--snapshot", str(path))
    assert done.returncode == 2 and seconds < 5 and 100 < peak < 500, (done.stderr, seconds, peak)


LOGS: dict[str, Callable[[Path], object]] = {
    "lines that are known": lambda path: path.write_text(filled("", "Too many open files\n", 64 * MIB)),
    "marks in one line": lambda path: path.write_text(filled("", "Too many open files", 64 * MIB)),
    "the shortest mark": lambda path: path.write_text(filled("", "emfile\n", 20 * MIB)),
    "no line": lambda path: path.write_text(filled("", "x", 64 * MIB)),
    "a pipe that nobody writes": lambda path: os.mkfifo(path),
    "a directory": lambda path: path.mkdir(),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_log(tmp_path: Path, name: str) -> None:
    path = tmp_path / "log"
    LOGS[name](path)
    done, seconds, peak = measured("diagnose", "--log", str(path), "--snapshot", str(STOCK))
    assert seconds < 5 and peak < 500, (seconds, peak)
    assert "bug" not in done.stderr and done.stderr.count("\n") <= 1
    assert (done.returncode == 2) is (not path.is_file())


def test_a_log_from_a_pipe_is_read(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hosttune", "diagnose", "--snapshot", str(STOCK), "--format", "json", "--log"]
    verb = shlex.join(words)
    line = "2026/01/01 00:00:00 [alert] 1#1: *2 socket() failed (24: Too many open files)"
    for command in (f"{verb} <(echo '{line}')", f"echo '{line}' | {verb} -", f"echo '{line}' | {verb} /dev/stdin"):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
        assert "Too many open files" in done.stdout, (command, done.stderr)
    endless = f"{verb} <(yes '{line}')"
    done = subprocess.run(["bash", "-c", endless], capture_output=True, text=True, check=False, timeout=60)
    assert "Too many open files" in done.stdout and "more came after 3 s" in done.stdout


RUN = (
    '{"schema":"hosttune/record/1","started":1,"hostname":"h","pretty":"p","kernel":"k","cpus":1,"memory":1,'
    '"interval":1,"command":"c","settings":{}}\n'
)
LOOK = '{"time":%d,"at":1,"counters":{"a":1},"uses":[["ports:1",%d,%d,null,0]]}\n'

RECORDS: dict[str, Callable[[], str]] = {
    "looks": lambda: filled(RUN, LOOK % (1, 1, 1), 60 * MIB),
    "limits that change": lambda: RUN + "".join(LOOK % (n, n, n) for n in range(190_000)),
    "names": lambda: RUN + '{"names":{' + ",".join(f'"{n}":["a","b","c"]' for n in range(900_000)) + "}}\n",
    "lists in lists": lambda: filled(RUN, "[", 30 * MIB),
    "lines": lambda: filled(RUN, "x\n", 60 * MIB),
    "more than a watch writes": lambda: filled(RUN, "x", 70 * MIB),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(RECORDS[name]())
    done, seconds, peak = measured("report", str(path))
    assert seconds < 5 and peak < 500, (seconds, peak)
    assert "bug" not in done.stderr and done.stderr.count("\n") <= 1 and done.returncode in (0, 2)


CONFIGURATIONS: dict[str, Callable[[], str]] = {
    "servers": lambda: "backend b\n" + "".join(f" server s{n} 10.0.{n >> 8}.{n & 255}:80\n" for n in range(15_000)),
    "words": lambda: filled("backend b\n server a 10.0.0.1:80\n", " x" * 8_000 + "\n", 500 << 10),
    "an unclosed quote": lambda: filled("backend b\n", "'" * 16_000 + "\n", 500 << 10),
    "blocks in blocks": lambda: "http {\n" + "a {\n" * 20_000,
    "statements": lambda: filled("http {\n", "a b;\n", 500 << 10, "}"),
    "too much": lambda: filled("", "# x\n", MIB),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration(tmp_path: Path, name: str) -> None:
    path = tmp_path / "proxy.cfg"
    path.write_text(CONFIGURATIONS[name]())
    done, seconds, peak = measured("check", "--role", "lb", "--backends-from", str(path))
    # of each server the kernel is asked for the way, and what it carries is reckoned
    assert seconds < (10 if name == "servers" else 5) and peak < 500, (seconds, peak)
    assert "bug" not in done.stderr and done.stderr.count("\n") <= 1, done.stderr


@pytest.mark.parametrize("name", ["/dev/zero", "fifo", "."])
def test_a_configuration_that_is_none(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    done, seconds, _ = measured("check", "--role", "lb", "--backends-from", str(tmp_path / name))
    assert done.returncode == 2 and "--backends-from" in done.stderr and seconds < 5
