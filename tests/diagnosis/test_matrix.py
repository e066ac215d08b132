"""Every stall is made and diagnosed: the matrix of causes against verdicts, whose diagonal is full.

python -m pytest tests/diagnosis/test_matrix.py -s
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.diagnosis import stage
from tests.programs.stage import need
from tests.vm import ahead
from tests.vm.guest import need_guest

AT_ONCE = 3
SCENES = "tests.diagnosis.guest_stage:scenes"
_rows: list[tuple[str, str, str]] = []


@pytest.fixture(scope="module", autouse=True)
def matrix() -> Iterator[None]:
    """Print the matrix once all scenes are played."""
    yield
    print("\n" + table(_rows))


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
    hold(name, answer["found"])


def hold(name: str, found: dict[str, object]) -> None:
    """Compare the verdict with what the scene made."""
    scene = stage.load(name)
    verdict = stage.verdict(found)
    _rows.append((name, scene.CAUSE, verdict))
    if scene.CAUSE:
        assert verdict == scene.CAUSE, found
    else:
        assert verdict != scene.DECOY_OF, found
