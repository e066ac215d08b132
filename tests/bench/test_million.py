"""The benchmark of a million devices, with few: it runs, it counts, it ends where it must, and it leaves nothing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.million.predict import Limit
from tests.bench.million.ramp import Held
from tests.bench.million.report import agrees
from tests.netns.sandbox import ROOT
from tests.programs.stage import need

_TOOLS = ("haproxy", "gcc", "nsenter", "prlimit")
_COMMAND = [sys.executable, "-m", "tests.bench.million"]


def _balancers() -> set[str]:
    """Return the processes of the benchmark's balancers."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"haproxy" and b"/haproxy-" in words[-2]:
            found.add(path.parent.name)
    return found


def test_holds_every_device_that_was_predicted() -> None:
    need(*_TOOLS)
    done = subprocess.run(
        [*_COMMAND, "1000", "--trial", "200", "--floor", "64"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Predicted: all 1,000 devices" in done.stdout
    assert (
        "Held:      1,000 devices at the same time; the brokers have 1,000; PINGRESP to 1,000 of 1,000" in done.stdout
    )
    sockets = re.search(
        r"Sockets: +([\d,]+): ([\d,]+) of the devices, ([\d,]+) of HAProxy, ([\d,]+) of the", done.stdout
    )
    # HAProxy's listener and the broker's are among them
    assert sockets and sockets.groups() == ("4,002", "1,000", "2,001", "1,001")


def test_stops_where_nofile_does() -> None:
    """HAProxy takes no more than hosttune said, and says nothing: the others wait, and the benchmark tells."""
    need(*_TOOLS)
    done = subprocess.run(
        ["prlimit", "--nofile=1000:1000", *_COMMAND, "600", "--trial", "100", "--floor", "64", "--lanes", "1",
         "--patience", "4"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Predicted: 493 devices of 600; nofile of the balancers stops it." in done.stdout
    assert "Predicted: 493; measured 493, +0.0 %." in done.stdout


def test_ends_with_its_process() -> None:
    need(*_TOOLS)
    before = _balancers()
    with subprocess.Popen([*_COMMAND, "100000", "--floor", "64"], cwd=ROOT, stdout=subprocess.DEVNULL) as running:
        until = time.monotonic() + 30
        while not _balancers() - before and time.monotonic() < until:
            time.sleep(0.05)
        assert _balancers() - before
        running.send_signal(signal.SIGKILL)
        running.wait()
        until = time.monotonic() + 10
        while _balancers() - before and time.monotonic() < until:
            time.sleep(0.05)
        assert not _balancers() - before


@pytest.mark.parametrize(
    ("devices", "at_brokers", "answered", "right"),
    [
        (1000, 1000, 1000, True),
        (951, 951, 951, True),
        (949, 949, 949, False),  # more than a twentieth below
        (1000, 999, 1000, False),  # a device without its broker
        (1000, 1000, 999, False),  # or without an answer
    ],
)
def test_what_counts_as_right(devices: int, at_brokers: int, answered: int, right: bool) -> None:
    held = Held(devices, at_brokers, devices, 1.0, (0, 0, 0), 0, 0, 0, 0, 0, "")
    bounds = [Limit("memory", 1000, ""), Limit("fs.file-max", None, "")]
    assert agrees(held, answered, bounds, 2000) is right
