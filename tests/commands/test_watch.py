"""`hosttune watch` and `hosttune report`: lines, a live screen with keys, a record that survives what comes."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosttune.errors import UsageError
from hosttune.model import Run
from hosttune.watching import record
from hosttune.workflows.record_file import Recorder
from tests import verbs
from tests.netns.sandbox import inside
from tests.watching.made import tick, use

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "hosttune/render/watch.schema.json").read_text())
RUN = Run(1_000_000_000.0, "lb01", "Debian 12", "6.1", 8, 1 << 34, 1.0, "hosttune watch", {})
WATCH = [sys.executable, "-m", "hosttune", "watch"]


def watch(*args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*WATCH, *args], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, **more)


def report(*args: str) -> subprocess.CompletedProcess[str]:
    return verbs.hosttune("report", *args, cwd=ROOT)


def test_a_line_for_each_look_and_an_end() -> None:
    done = watch("--interval", "200ms", "--for", "1s")
    assert done.returncode == 0 and not done.stderr
    assert 2 <= len(done.stdout.splitlines()) <= 6  # a busy machine misses some, and makes up for none
    assert "/s" in done.stdout.splitlines()[-1]


def test_once_prints_one_look_with_rates() -> None:
    done = watch("--once", "--interval", "200ms")
    assert done.returncode == 0 and "nearest to a limit" in done.stdout and "memory" in done.stdout
    found = json.loads(watch("--once", "--json", "--interval", "200ms").stdout)
    assert found["rates"] and found["seconds"] > 0


def test_each_line_of_json_holds_to_its_schema() -> None:
    lines = watch("--json", "--interval", "200ms", "--for", "2s").stdout.splitlines()
    for line in lines:
        jsonschema.validate(json.loads(line), SCHEMA)
    assert not json.loads(lines[0])["rates"] and json.loads(lines[1])["rates"]
    assert {"memory", "file-max", "tcp-mem"} <= {one["id"] for one in json.loads(lines[1])["uses"]}


@pytest.mark.parametrize(
    "args",
    [
        ["--interval", "1ms"],
        ["--interval", "x"],
        ["--sort", "colour"],
        ["--max-size", "1K"],
        ["--record", "/no/such/place"],
        ["--record", "/dev/null"],
        ["--service", "no-such.service"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_line(args: list[str]) -> None:
    done = watch("--for", "1s", *args)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and args[0] in done.stderr


def test_a_reader_that_goes_away_ends_it_in_silence() -> None:
    assert _piped_to_head() == ("", 0)


def _piped_to_head() -> tuple[str, int]:
    child = subprocess.Popen(
        [*WATCH, "--interval", "200ms"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout and child.stderr
    child.stdout.readline()
    child.stdout.close()
    told = child.stderr.read()
    return told, child.wait(20)


def test_ctrl_c_is_an_end_like_any_other() -> None:
    child = subprocess.Popen([*WATCH, "--interval", "200ms"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 0
    child.stdout.close()


class Terminal:
    """`watch` on a pseudo-terminal of its own."""

    def __init__(self, *args: str) -> None:
        self.ours, self.theirs = os.openpty()
        self.resize(30, 100)
        self.before = termios.tcgetattr(self.theirs)
        self.child = subprocess.Popen(
            [*WATCH, "--interval", "300ms", *args],
            cwd=ROOT,
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        self.seen = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, text: str, seconds: float = 15.0) -> None:
        """Read until the text comes; what was read before is forgotten."""
        end = time.monotonic() + seconds
        while text.encode() not in self.seen:
            assert time.monotonic() < end, self.seen[-2_000:]
            if select.select([self.ours], [], [], 0.2)[0]:
                self.seen += os.read(self.ours, 65536)
        self.seen = self.seen[self.seen.rindex(text.encode()) + len(text) :]

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def end(self) -> int:
        """Return the exit code; the terminal must be as it was."""
        code = self.child.wait(20)
        while select.select([self.ours], [], [], 0.2)[0]:
            self.seen += os.read(self.ours, 65536)
        after = termios.tcgetattr(self.theirs)
        os.close(self.ours)
        os.close(self.theirs)
        assert after == self.before
        assert b"\x1b[?1049l" in self.seen and b"\x1b[?25h" in self.seen  # the screen and the cursor are given back
        return code


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_the_live_screen_sorts_by_keys_and_q_gives_the_terminal_back() -> None:
    terminal = Terminal()
    terminal.until("\x1b[?1049h")
    terminal.until("s sort: nearness")
    assert termios.tcgetattr(terminal.theirs) != terminal.before
    terminal.press("s")
    terminal.until("s sort: rate")
    terminal.press("4")
    terminal.until("s sort: name")
    terminal.press("q")
    assert terminal.end() == 0


def test_another_size_is_drawn_at_once() -> None:
    terminal = Terminal("--interval", "30s")
    terminal.until("s sort: nearness")
    terminal.resize(30, 130)
    terminal.until("slow above")  # a column that only a wide screen has; the next look comes after 30 s
    terminal.press("q")
    assert terminal.end() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_gives_the_terminal_back_too(number: int, code: int) -> None:
    terminal = Terminal()
    terminal.until("s sort: nearness")
    terminal.child.send_signal(number)
    assert terminal.end() == code


def test_it_can_be_stopped_and_continued() -> None:
    terminal = Terminal()
    terminal.until("s sort: nearness")
    terminal.child.send_signal(signal.SIGTSTP)
    terminal.until("\x1b[?1049l")
    assert os.waitid(os.P_PID, terminal.child.pid, os.WSTOPPED | os.WNOWAIT)
    assert termios.tcgetattr(terminal.theirs) == terminal.before
    terminal.child.send_signal(signal.SIGCONT)
    terminal.until("\x1b[?1049h")
    terminal.until("s sort: nearness")
    terminal.press("q")
    assert terminal.end() == 0


def test_a_kill_leaves_a_record_that_report_reads_and_a_next_run_adds_to(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    child = subprocess.Popen(
        [*WATCH, "--interval", "100ms", "--record", str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    for _ in range(6):
        child.stdout.readline()
    child.kill()
    child.wait()
    child.stdout.close()
    with path.open("a") as file:
        file.write('{"time":12,"at"')  # what a power cut may leave
    with path.open() as file:
        before = len(record.read(file).ticks)
    done = report(str(path))
    assert done.returncode == 0, done.stderr
    assert "## Maxima and limits" in done.stdout and "1 lines are damaged" in done.stdout
    assert watch("--interval", "100ms", "--for", "1s", "--record", str(path)).returncode == 0
    with path.open() as file:
        found = record.read(file)
    assert len(found.runs) == 2 and found.torn == 1 and before >= 2 and len(found.ticks) > before
    picture = tmp_path / "run.svg"
    assert report(str(path), "--svg", "-o", str(picture)).returncode == 0 and "<svg" in picture.read_text()


def test_what_is_no_record_is_neither_added_to_nor_reported(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not yours\n")
    done = watch("--for", "1s", "--record", str(path))
    assert done.returncode == 2 and "not a record" in done.stderr and path.read_text() == "not yours\n"
    for file in (path, tmp_path, tmp_path / "none"):
        done = report(str(file))
        assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_a_record_stays_below_its_bound_and_keeps_its_maximum(tmp_path: Path) -> None:
    path, most = tmp_path / "run.jsonl", 128 << 10
    with Recorder(str(path), most, RUN) as recorder:
        for second in range(4_000):
            recorder.add(tick(float(second), use(77_777 if second == 40 else second), Tcp_CurrEstab=second))
            assert os.path.getsize(path) <= most
    with path.open() as file:
        found = record.read(file)
    assert found.torn == 0 and max(one.uses[0].used for one in found.ticks) == 77_777
    assert [one.at for one in found.ticks[-100:]] == [float(second) for second in range(3_900, 4_000)]
    assert found.ticks[0].at < 100 and sorted(os.listdir(tmp_path)) == ["run.jsonl"]


def test_a_crash_while_thinning_leaves_the_record(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Recorder(str(path), 128 << 10, RUN) as recorder:
        recorder.add(tick(0.0, use(1)))
    (tmp_path / "run.jsonl.thinning").write_text('{"half": ')
    with Recorder(str(path), 128 << 10, RUN) as recorder:
        for second in range(1_500):
            recorder.add(tick(float(second), use(second)))
    assert sorted(os.listdir(tmp_path)) == ["run.jsonl"]


def test_two_do_not_write_into_one_record(tmp_path: Path) -> None:
    path = str(tmp_path / "run.jsonl")
    with Recorder(path, 1 << 20, RUN), pytest.raises(UsageError, match="another hosttune records"):
        Recorder(path, 1 << 20, RUN)


def filling() -> None:
    """Open 25 connections a second to one backend whose pool is half used, in a small one, and watch them."""
    from tests.diagnosis import made

    made.sysctl("net/ipv4/ip_local_port_range", "20000 20799")
    server = made.listener(("127.0.0.1", 1883))
    child = subprocess.Popen(
        [*WATCH, "--json", "--for", "15s", "--interval", "500ms"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    kept: list[Any] = []
    made.dial(kept, ("127.0.0.1", 1883), 400)
    start = time.monotonic()
    while child.poll() is None and len(kept) < 780:
        made.dial(kept, ("127.0.0.1", 1883), 1)
        time.sleep(max(start + (len(kept) - 400) / 25 - time.monotonic(), 0.0))
    assert child.stdout
    print(json.dumps({"start": start, "lines": [json.loads(line) for line in child.stdout]}))
    child.wait()
    made.close(kept, server)


def test_the_time_to_exhaustion_of_a_pool_that_fills_is_right() -> None:
    lines = json.loads(inside("tests.commands.test_watch", "filling").splitlines()[-1])["lines"]
    pools = [next((u for u in line["uses"] if u["id"].endswith("->127.0.0.1:1883")), None) for line in lines]
    told = [(line["at"], pool) for line, pool in zip(lines, pools, strict=True) if pool and pool["full_in"]]
    # a busy machine counts as often as its share of a core allows: from ten counts on there is a forecast
    counts = {round(line["at"] - pool["age"], 1) for line, pool in zip(lines, pools, strict=True) if pool}
    assert told or len(counts) < 12, lines[-1]
    for at, pool in told:
        assert pool["limit"] == 800 and pool["knee"] == 400
        # when it will be full is the same moment, whenever it is asked
        assert at + pool["full_in"] == pytest.approx(told[-1][0] + told[-1][1]["full_in"], abs=3.0)
    for _, last in told[-1:]:
        assert last["full_in"] == pytest.approx((800 - last["used"]) / 25 - last["age"], rel=0.25)
