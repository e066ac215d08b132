"""The library: its examples are run, and it leaves the process that uses it as it was."""

from __future__ import annotations

import doctest
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hosttune
import hosttune.options
from hosttune import Options, Place, Watching, api
from hosttune.model import Report, Verdict
from hosttune.render.formats import json
from tests.netns.sandbox import named

ROOT = Path(__file__).parents[1]
SNAPSHOT = str(ROOT / "tests/hosts/debian12-stock.json")
NAME = f"hosttune-api-{os.getpid()}"


FUNCTIONS = [name for name, one in inspect.getmembers(api, inspect.isfunction) if name in api.__all__]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_examples_are_so(name: str, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "lb-1.json").write_text(json.render(hosttune.check(Options(role="lb"), Place(snapshot=SNAPSHOT))))
    (tmp_path / "image/etc").mkdir(parents=True)
    names = {
        **vars(hosttune.options),
        "hosttune": hosttune,
        "Verdict": Verdict,
        "SNAPSHOT": SNAPSHOT,
        "PROFILE": str(ROOT / "profiles/lb.toml"),
        "RECORD": str(tmp_path / "record"),
        "REPORTS": str(reports),
        "IMAGE": str(tmp_path / "image"),
    }
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(api, name), name, globs=names)
    assert test.examples, f"{name} has no example"
    done = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert done.failed == 0, f"the example of {name} is not so"


def test_all_that_is_public_is_there() -> None:
    assert {name for name in hosttune.__all__ if name.islower()} <= set(FUNCTIONS)
    assert all(getattr(hosttune, name) for name in hosttune.__all__)


def state() -> dict[str, Any]:
    """Return what a process has that a library must leave alone."""
    mask = os.umask(0)
    os.umask(mask)
    return {
        "namespaces": {kind: os.readlink(f"/proc/thread-self/ns/{kind}") for kind in ("net", "mnt", "user", "pid")},
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "umask": mask,
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "descriptors": {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _open(fd)},
        "threads": threading.active_count(),
    }


def _open(fd: str) -> bool:
    return os.path.exists(f"/proc/self/fd/{fd}") or os.path.islink(f"/proc/self/fd/{fd}")


def left_alone(call: Callable[[], Any], capfd: pytest.CaptureFixture[str]) -> Any:
    """Return what a call returns, made twice, once nothing of the process is other than before."""
    call()  # what is imported for it stays
    capfd.readouterr()
    before = state()
    result = call()
    assert state() == before
    assert capfd.readouterr() == ("", "")
    return result


def test_a_check_leaves_the_process_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    report = left_alone(lambda: hosttune.check(Options(role="lb")), capfd)
    assert report.machine.kernel and report.command == ""


@pytest.fixture
def namespace() -> Iterator[str]:
    with named(NAME, "net.ipv4.ip_local_port_range=20000 20099") as name:
        yield name


def port_range(report: Report) -> object:
    key = "sysctl:net.ipv4.ip_local_port_range"
    return next(f.reading.runtime for f in report.findings if f.reading and str(f.subject) == key)


@pytest.mark.slow
def test_a_namespace_is_seen_and_not_stayed_in(namespace: str, capfd: pytest.CaptureFixture[str]) -> None:
    report = left_alone(lambda: hosttune.check(Options(role="lb"), Place(netns=namespace)), capfd)
    assert port_range(report) == (20000, 20099) and report.where.entered


@pytest.mark.slow
def test_threads_each_see_their_own(namespace: str) -> None:
    places = [Place(netns=namespace), Place(), Place(netns=namespace), Place()]
    found: dict[int, Report] = {}

    def look(number: int) -> None:
        found[number] = hosttune.check(Options(role="lb"), places[number])

    threads = [threading.Thread(target=look, args=(number,)) for number in range(len(places))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    inside = [port_range(found[number]) == (20000, 20099) for number in range(len(places))]
    assert inside == [True, False, True, False]


def test_an_error_leaves_the_process_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    def wrong() -> None:
        with pytest.raises(hosttune.HosttuneError, match="netns"):
            hosttune.check(Options(role="lb"), Place(netns="there-is-none"))

    left_alone(wrong, capfd)


def test_one_of_several_may_be_a_text() -> None:
    assert Options(role="lb", backend=["10.0.0.1:80"]) == Options(role=("lb",), backend=("10.0.0.1:80",))


@pytest.mark.slow
def test_a_watch_leaves_its_caller_alone_between_its_looks(namespace: str) -> None:
    before = state()
    views = hosttune.watch(place=Place(netns=namespace), watching=Watching(interval=0.1))
    first, second = next(views), next(views)
    between = state()
    views.close()
    assert first.machine.network_namespace == second.machine.network_namespace == "another"
    assert between["namespaces"] == before["namespaces"] and between["signals"] == before["signals"]
    assert state()["threads"] == before["threads"]


CONSUMER = """
import hosttune
from hosttune.model import Verdict

report = hosttune.check(hosttune.Options(role="lb", connections=200_000), hosttune.Place(root="/"))
wrong: list[str] = [str(finding.subject) for finding in report.findings if finding.verdict is Verdict.FAIL]
bound = hosttune.capacity().bounds[0]
carries: int = bound.hard if isinstance(bound.hard, int) else 0
cause: str = hosttune.diagnose(stall=hosttune.Stall(errno="EMFILE")).causes[0].what
carried: bool = hosttune.plan("whitepaper-2019", "lb.sources=1").carried
"""


@pytest.mark.slow
def test_a_consumer_is_typed(tmp_path: Path) -> None:
    (tmp_path / "consumer.py").write_text(CONSUMER)
    (tmp_path / "wrong.py").write_text("import hosttune\n\nhosttune.check(hosttune.Options(rolle='lb'))\n")
    done = [
        subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path), name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        for name in ("consumer.py", "wrong.py")
    ]
    assert done[0].returncode == 0, done[0].stdout
    assert done[1].returncode == 1 and "rolle" in done[1].stdout
