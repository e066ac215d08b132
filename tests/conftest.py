"""What holds for every test."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile

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

_compiled: list[str] = []
"""The directory of this run's compiled modules, where the environment wants none beside the sources."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "guest: waits for a scenario on a virtual machine (tests/vm/ahead.py)")
    config.addinivalue_line("markers", "slow: takes root, a namespace, a guest, a real program or more than a second")
    if sys.dont_write_bytecode and not os.environ.get("PYTHONPYCACHEPREFIX"):
        # hosttune starts 3,000 times in a run, and twice as fast where its modules were compiled before
        _compiled.append(tempfile.mkdtemp(prefix="hosttune-compiled-"))
        os.chmod(_compiled[0], 0o755)
        os.environ.update(PYTHONPYCACHEPREFIX=_compiled[0], PYTHONDONTWRITEBYTECODE="")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that wait for a virtual machine behind the others."""
    items.sort(key=lambda item: item.get_closest_marker("guest") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        ahead.start(len(session.items))


def pytest_sessionfinish() -> None:
    ahead.stop()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say last, below the counts of pytest itself, what would run the tests that were skipped."""
    while _compiled:
        shutil.rmtree(_compiled.pop(), ignore_errors=True)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    line = needs.closing(str(one.longrepr[2]) for one in skipped if isinstance(one.longrepr, tuple))
    if line:
        reporter.write_line(line)
