"""What holds for every test."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import needs
from tests.vm import ahead

# a shell that starts a job in the background has it ignore SIGINT, nohup SIGHUP, and its children with it:
# tests that send them would wait for ever
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# how long an example takes says how busy the machine is, not whether it holds
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
FEW = 10
"""Examples of a property in a run of the fast tests; all else runs as many as the property asks for."""
settings.register_profile("fast", settings.get_profile("suite"), max_examples=FEW)

TESTS = Path(__file__).parent
SLOW_FOLDERS = {"bench", "box", "differential", "fuzz", "hooks", "hostile", "hosts", "netns", "vm"}
"""Whatever is in them takes namespaces, guests or real programs, or runs verb after verb; elsewhere a mark says it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", type=int, default=1, metavar="N", help="run each Nth test of each file only")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "guest: waits for a scenario on a virtual machine (tests/vm/ahead.py)")
    config.addinivalue_line("markers", "slow: takes root, a namespace, a guest, a real program or more than a second")
    if _fast(config):
        settings.load_profile("fast")
    # a process starts twice as fast where its modules were compiled before
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # pytest-xdist gives its workers a size of the terminal, which a terminal of a test's own would then have too
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow by its folder, and put the tests that wait for a virtual machine behind the others."""
    for item in items if _fast(config) else ():
        # hypothesis has no public way to change what a test's own decorator says
        function = getattr(item, "obj", None)
        own = getattr(function, "_hypothesis_internal_use_settings", None)
        if isinstance(own, settings):
            function._hypothesis_internal_use_settings = settings(own, max_examples=min(own.max_examples, FEW))
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder in SLOW_FOLDERS or item.get_closest_marker("guest"):
            item.add_marker("slow")
    items.sort(key=lambda item: item.get_closest_marker("guest") is not None)
    items[:] = list(_thinned(items, config.getoption("every")))


def _thinned(items: list[pytest.Item], step: int) -> Iterator[pytest.Item]:
    """Yield each `step`th of the fast tests of each file and of its slow ones, the first of them included."""
    seen: Counter[tuple[Path, bool]] = Counter()
    for item in items:
        kind = item.path, item.get_closest_marker("slow") is not None
        if seen[kind] % step == 0:
            yield item
        seen[kind] += 1


def _fast(config: pytest.Config) -> bool:
    return bool(config.getoption("markexpr", "") == "not slow")


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("numprocesses", None) and not os.environ.get("PYTEST_XDIST_WORKER"):
        ahead.share()


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        marks = [item.get_closest_marker("guest") for item in session.items]
        first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
        ahead.start(list(dict.fromkeys(mark.args[0] for mark in marks if mark)), len(session.items), first)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fail a test that has taken more than Python and its packages, and is not marked as slow."""
    yield
    if needs.taken and not item.get_closest_marker("slow"):
        pytest.fail(f"it takes {', '.join(dict.fromkeys(needs.taken))}: mark it as slow")


def pytest_runtest_setup() -> None:
    needs.taken.clear()


def pytest_sessionfinish() -> None:
    ahead.stop()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say last, below the counts of pytest itself, what would run the tests that were skipped."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    line = needs.closing(str(one.longrepr[2]) for one in skipped if isinstance(one.longrepr, tuple))
    if line:
        reporter.write_line(line)
