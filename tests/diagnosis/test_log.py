"""Lines of logs are taken for what they are, among anything else that a log may have in it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hosttune.diagnosis import log_reading, own_limits
from hosttune.model import LogHit
from hosttune.model.programs import ANY, LogLine
from hosttune.programs import knowledge
from tests import pace, verbs
from tests.programs.lines import play

ROOT = Path(__file__).resolve().parents[2]
TABLE = tomllib.loads(Path(__file__).with_name("log_lines.toml").read_text())
NOTHING = list(TABLE.pop("nothing"))
KNOWN = [(text, told) for rows in TABLE.values() for text, told in rows.items()]
ROWS = [(known.name, row) for known in knowledge.every() for row in known.log]
LARGE = 16 << 20  # a quarter of what is looked at


def recognise(data: bytes) -> tuple[LogHit, ...]:
    return log_reading.recognise(data, knowledge.every())


@pytest.mark.parametrize(("text", "told"), KNOWN)
def test_a_line_is_taken_for_what_it_is(text: str, told: str) -> None:
    program, cause, errno, call = told.rsplit(" ", 3)
    (hit,) = recognise(text.encode())
    assert (hit.program, hit.causes[0], hit.errno or "-", hit.call or "-") == (program, cause, errno, call)


@pytest.mark.parametrize("text", NOTHING)
def test_a_line_that_looks_alike_is_no_sign(text: str) -> None:
    assert not recognise(text.encode())


def test_every_row_has_an_example() -> None:
    written = (one.line for one in play.every())
    used = {_row(text) for text in (*NOTHING, *(text for text, _ in KNOWN), *written)}
    assert [row for row in ROWS if row not in used] == []


def _row(text: str) -> tuple[str, LogLine] | None:
    """Return the row that a line is taken for."""
    return next(
        (r for r in ROWS if any(mark in text for mark in r[1].sought) and re.search(r[1].expression, text)), None
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1].sought[0][:30]}")
def test_a_row_finds_its_own_example(row: tuple[str, LogLine]) -> None:
    assert _row(row[1].example or row[1].line.replace(ANY, "17")) == row


WRITTEN = [(program, row) for program, row in ROWS if row.line]


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: f"{row[0]} {row[1].bound} {row[1].line[:30]}")
def test_every_line_that_a_real_program_wrote_is_known(row: tuple[str, LogLine]) -> None:
    hits = recognise(row[1].line.replace(ANY, "17").encode())
    # where other causes write the same, it is no sign of one
    assert len(hits) == bool(row[1].causes)
    assert all({row[1].bound, own_limits.ID} & {*hit.causes} for hit in hits)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Proxy a reached process FD limit (maxsock=37563). Please", {"soft": 37_563}),
        ("Cannot raise FD limit to 2000016, limit is 524288.", {"wanted": 2_000_016, "soft": 524_288}),
        ("VFS: file-max limit 65536 reached", {"limit": 65_536}),
        ("Possible SYN flooding on port [::]:1883. Sending cookies.", {"port": 1883}),
        ("client(27004): EXIT for {shutdown,eaddrnotavail}", {"client": 27_004}),
        ("mqttd: cannot listen on 10.3.0.2:45100: Address already in use", {"port": 45_100}),
        ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", {"port": 80}),
        ("Error: listen EADDRINUSE: address already in use :::3000", {"port": 3000}),
        ("listen tcp [::]:8883: bind: address already in use", {"port": 8883}),
        ("bind to [2001:db8::1]:8883 failed: Address already in use", {"port": 8883}),
        ("cannot bind socket (Address already in use) [0.0.0.0:32768]", {"port": 32_768}),
        ("bind on address ('0.0.0.0', 8080): address already in use", {"port": 8080}),
        ("for frontend f: cannot bind socket (Address already in use) for [127.0.0.1:47199]", {"port": 47_199}),
        ("Error: listen EADDRINUSE: address already in use 127.0.0.1:51183", {"port": 51_183}),
        ("bind 10.3.0.2: Address already in use", {}),
        ("[alert] 7#7: 1024 worker_connections are not enough", {"connections": 1024}),
    ],
)
def test_numbers_are_taken_from_a_line(text: str, numbers: dict[str, int]) -> None:
    (hit,) = recognise(text.encode())
    assert hit.numbers == numbers


def test_a_kind_of_line_is_told_once_with_its_number_and_the_numbers_of_the_last() -> None:
    log = b"x\nVFS: file-max limit 1 reached\ny\nVFS: file-max limit 2 reached\r\n"
    (hit,) = recognise(log)
    assert (hit.count, hit.numbers, hit.line) == (2, {"limit": 2}, "VFS: file-max limit 1 reached")


@settings(deadline=None)
@given(st.binary(max_size=3000), st.sampled_from([text for text, _ in KNOWN]), st.binary(max_size=3000))
@example(b"\x1b[2J\x1b]0;owned\x07", "Out of socket memory", b"\xff\xfe\x00\x9b")
def test_a_line_is_found_among_garbage_and_is_safe_to_print(before: bytes, text: str, behind: bytes) -> None:
    hits = recognise(before + b"\n" + text.encode() + b"\n" + behind)
    assert any(hit.line for hit in hits)
    assert all(hit.line.isprintable() for hit in hits)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(sorted({mark for _, row in ROWS for mark in row.sought})) | st.text(max_size=20), max_size=60
    )
)
def test_marks_in_any_order_on_one_line_do_no_harm(parts: list[str]) -> None:
    for hit in recognise("".join(parts).encode("utf-8", "replace")):
        assert hit.count > 0
        assert len(hit.line) <= 160


@pytest.mark.slow
@pytest.mark.parametrize(
    "block",
    [
        b'10.0.0.1 - - "GET /index.html HTTP/1.1" 200 612 "Mozilla/5.0 (X11; Linux)"\n',
        b"connect() to 127.0.0.1:80 failed (99: Cannot assign requested address) while connecting to upstream\n",
        b"emfile dial tcp bind client(7) connect error ",
    ],
    ids=["nothing", "the same line", "one line without an end"],
)
def test_a_large_log_takes_seconds(block: bytes) -> None:
    data = block * (LARGE // len(block))
    watch = pace.Stopwatch()
    recognise(data)
    assert watch.seconds() < 8  # about 0.5 to 1.5 on one CPU of 2023


def diagnose(*args: str, stdin: str = "") -> str:
    done = verbs.hosttune("diagnose", *args, cwd=ROOT, input=stdin)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.stdout


def test_a_log_can_come_by_a_pipe(tmp_path: Path) -> None:
    empty = tmp_path / "snapshot.json"
    empty.write_text('{"schema": "hosttune/snapshot/1", "reads": {}, "globs": {}, "probes": {}}')
    told = diagnose("--snapshot", str(empty), "--log", "-", stdin="Proxy a reached process FD limit (maxsock=37563).")
    assert "37,563" in told


def test_a_log_without_a_known_line_is_said_to_be_one(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"\x00\xff nothing here\n")
    # as a document: a path may be longer than a line is wide
    found = json.loads(diagnose("--log", str(log), "--format", "json"))
    assert found["conclusion"] == "not-enough" and "the log has no line that hosttune knows" in found["text"]
    assert [line["text"] for given in found["symptom"]["logs"] for line in given["unread"]]


def test_a_device_is_no_log() -> None:
    done = verbs.hosttune("diagnose", "--log", "/dev/zero", cwd=ROOT)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "not a regular file" in done.stderr, done
