"""Every stall is made and diagnosed: the matrix of causes against verdicts, whose diagonal is full.

python -m pytest tests/diagnosis/test_matrix.py -s
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from hosttune import registry
from tests.diagnosis import pasted, stage
from tests.programs.stage import need
from tests.vm import ahead
from tests.vm.guest import need_guest

AT_ONCE = 3
SCENES = "tests.diagnosis.guest_stage:scenes"
_rows: list[tuple[str, str, str]] = []
_fixes: list[tuple[str, str, str, str]] = []
"""Of each stall that was made: the rule, the scene, the fix as printed, and its outcome or why none was tried."""


@pytest.fixture(scope="module", autouse=True)
def matrix() -> Iterator[None]:
    """Print the matrix once all scenes are played."""
    yield
    print("\n" + table(_rows))
    print("\n".join(["fixes, as printed, and what came of them:", *map(_fix_line, sorted(_fixes))]))


def _fix_line(row: tuple[str, str, str, str]) -> str:
    cause, scene, fix, outcome = row
    return f"  {cause:<15} {scene:<24} {outcome}{f': {fix}' if fix else ''}"


def _why(scene: ModuleType, found: dict[str, Any]) -> str:
    """Return why no fix was tried: the scene says so, or all of them are advice to a person."""
    if not any(fix["command"] for fix in found["causes"][0]["fixes"]):
        return "not tried: advice to a person"
    return f"not tried here: {UNTRIED.get(scene.CAUSE, 'another scene of this rule tries it')}"


UNTRIED = {
    "backlog": "advice: the length is in the program",
    "cloud": "no provider's quota can be made here",
    "counted": "advice: the rule is the administrator's",
    "ghosts": "as accept-queue's, or the program's own backlog",
    "knee": "advice: more sources or backends",
    "nat": "advice: the rule is the administrator's",
    "nat-gateway": "no provider's gateway can be made here",
    "outside": "advice: it lies elsewhere",
    "path": "advice: it lies elsewhere",
    "paws": "tcp_tw_recycle is gone since Linux 4.12",
    "ports-held": "advice: the ports are another program's",
    "softnet": "the host's own, which a namespace cannot set; the guest is too slow to overflow its queue",
    # of rules whose scenes do not try it
    "aio": "its scene makes no load again",
    "denied": "advice: the policy is the administrator's",
    "disk": "advice: no limit of sockets",
    "inotify": "its scene makes no load again",
    "ipvs": "no module of IPVS here",
    "map-count": "its scene makes no load again",
    "nat-race": "advice: the rule is the administrator's",
    "nofile-high": "its scene makes no load again",
    "port-taken": "its scene makes no load again",
    "receive-buffers": "its scene makes no load again",
    "tw-buckets": "its scene makes no load again",
}
"""Why no scene tries the fix of a rule."""


def test_each_rule_has_its_fix_tried_or_a_reason_why_not() -> None:
    every = [*stage.names("netns"), *stage.names("guest")]
    tried = {stage.load(name).CAUSE for name in every if "made.Stall(" in inspect.getsource(stage.load(name))}
    rules = {name.replace("_", "-") for name in registry.names("hosttune.diagnosis.rules")}
    assert not rules - tried - set(UNTRIED), "give it a scene that yields made.Stall, or say why not"


def table(rows: list[tuple[str, str, str]]) -> str:
    """Return rows of made causes against columns of verdicts, and below it what became of each decoy."""
    made = [(cause, verdict) for _, cause, verdict in rows if cause]
    kinds, verdicts = sorted({cause for cause, _ in made}), sorted({verdict for _, verdict in made})
    width = max((len(kind) for kind in kinds), default=0)
    lines = [" " * width + "  " + "  ".join(verdicts)]
    for kind in kinds:
        counts = [made.count((kind, verdict)) for verdict in verdicts]
        cells = "  ".join(f"{n or '.':>{len(v)}}" for n, v in zip(counts, verdicts, strict=True))
        lines.append(f"{kind:<{width}}  {cells}")
    decoys = [f"  {scene}: {verdict}" for scene, cause, verdict in sorted(rows) if not cause]
    return "\n".join([*lines, "decoys, which must not be taken for what they look like:", *decoys])


@pytest.fixture(scope="module")
def in_namespaces(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """Play the scenes that were selected, a few at a time: most of their time they wait for the kernel."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    names = [item.callspec.params["name"] for item in items if "in_namespaces" in item.fixturenames]
    pool = ThreadPoolExecutor(AT_ONCE)
    yield {name: pool.submit(stage.diagnosed, name) for name in names}
    pool.shutdown(cancel_futures=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", stage.names("netns"))
def test_a_stall_in_a_namespace_is_diagnosed(name: str, in_namespaces: dict[str, Future[dict[str, Any]]]) -> None:
    need(*getattr(stage.load(name), "NEEDS", ()))
    hold(name, in_namespaces[name].result())


@pytest.fixture(scope="module")
def in_guest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Play all scenes of what is global, in one boot."""
    need_guest()
    directory = tmp_path_factory.mktemp("guest")
    found: dict[str, dict[str, Any]] = ahead.played(SCENES, directory)
    return found


@pytest.mark.guest(SCENES)
@pytest.mark.parametrize("name", stage.names("guest"))
def test_a_stall_of_the_whole_host_is_diagnosed(name: str, in_guest: dict[str, dict[str, Any]]) -> None:
    answer = in_guest[name]
    assert "found" in answer, answer["failed"]
    hold(name, answer)


def hold(name: str, answer: dict[str, Any]) -> None:
    """Compare the verdict with what the scene made, and hold the fix that was tried to having worked."""
    scene, found, tried = stage.load(name), answer["found"], answer["tried"]
    verdict = stage.verdict(found)
    pasted.hold(fix for cause in found["causes"] for fix in cause["fixes"])
    _rows.append((name, scene.CAUSE, verdict))
    if scene.CAUSE:
        assert verdict == scene.CAUSE, found
        _fixes.append((scene.CAUSE, name, *((tried["fix"], tried["outcome"]) if tried else ("", _why(scene, found)))))
        assert tried is None or tried["outcome"].startswith(("gone", "moved to ")), (tried, found["causes"][0]["fixes"])
    else:
        assert verdict != scene.DECOY_OF, found
