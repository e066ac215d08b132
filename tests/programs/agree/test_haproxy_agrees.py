"""HAProxy's admin socket names the servers, addresses, ports, weights and limits that hosttune reads of its files.

The files are those of tests/programs/measured, and such as hypothesis makes of the words that HAProxy knows: many
backends in each, so that one process answers for all. Both Debian's HAProxy and the newest of any suite are asked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from hosttune.errors import UsageError
from tests.programs import stage
from tests.programs.agree import newest, running
from tests.programs.agree.haproxy_files import Written, configurations
from tests.programs.measured import placing, scene

pytestmark = pytest.mark.slow

MADE = 60
"""Files that hypothesis makes, for each HAProxy."""
SHOWN = 3
_PASSED = {"haproxy/dispatch"}
"""Scenes that it has no servers for; the newest one has not even the word."""


def command(which: str) -> list[str]:
    stage.need("haproxy")
    return newest.command() if which == "newest" else ["haproxy"]


@pytest.mark.parametrize("which", ["of this Debian", "newest"])
def test_it_agrees_on_files_that_are_made(which: str) -> None:
    stage.play(__file__, "on_made", json.dumps(command(which)), seconds=400)


def on_made(program: str) -> None:
    wrong: list[str] = []

    # the same files each time, none of them made smaller: what differs is shown whole
    @settings(
        max_examples=MADE,
        phases=[Phase.generate],
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(configurations())
    def compare(written: Written) -> None:
        path = stage.WORK / f"made{len(wrong)}.cfg"
        path.write_text(written.text)
        if said := _said(json.loads(program), [str(path)], written.environment, enter=7000):
            wrong.append(f"{'; '.join(said)}\n{written.text if len(wrong) < SHOWN else ''}")

    compare()
    assert not wrong, f"{len(wrong)} of {MADE} files: " + "\n".join(wrong)


@pytest.mark.parametrize("which", ["of this Debian", "newest"])
def test_it_agrees_on_files_that_are_written(which: str) -> None:
    """Those that want hosts, names or an environment of their own get a stage of their own."""
    every = [one for one in scene.every() if one.program == "haproxy" and one.name not in _PASSED]
    alone = [[one.name] for one in every if one.keys.keys() & {"hosts", "dns", "environment"}]
    others = [one.name for one in every if [one.name] not in alone]
    program = json.dumps(command(which))
    for names in (others, *alone):
        stage.play(__file__, "on_written", program, *names, seconds=400)


def on_written(program: str, *names: str) -> None:
    wrong = {name: said for name in names if (said := _of_scene(name, json.loads(program)))}
    assert not wrong, "\n".join(f"{name}: {'; '.join(said)}" for name, said in wrong.items())


def _of_scene(name: str, program: list[str]) -> list[str]:
    of = scene.of(name)
    files, environment = placing.place(of), placing.environment(of)
    if "dns" not in of.keys:
        return _said(program, files, environment, of.words("unused"), of.enters[0][1])
    return _said(program, files, environment, named=True)


def _said(
    program: list[str], files: list[str], environment: dict[str, str], unused: Sequence[str] = (), enter: int = 0,
    named: bool = False,
) -> list[str]:  # fmt: skip
    """Return how the two differ; where a name server is asked, once the names have had the time to be resolved."""
    if refused := running.accepts(program, files):
        return [f"refused: {refused}"]
    process, end = running.Running(program, files), time.monotonic() + (20 if named else 0)
    try:
        ours = running.read(files, environment)
        while said := running.differences(ours, process.answers(), unused, enter, ordered=not named):
            if time.monotonic() >= end:
                break
            time.sleep(0.2)
    except UsageError as error:
        return [str(error)]
    finally:
        process.close()
    return said
