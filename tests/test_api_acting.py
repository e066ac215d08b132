"""The library's verbs that act: they ask who calls, print nothing, and leave the process as it was."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import hosttune
from hosttune import ApplyOptions, Options, Place, RollbackOptions, SourceOptions
from hosttune.changes import journal
from hosttune.errors import RefusedError, UsageError
from hosttune.model.acting import Applied, Undone
from tests.changes import tree

DROP_IN = "etc/sysctl.d/90-hosttune.conf"
LB = Options(role="lb", connections=200_000)
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(root=str(tree.image(tmp_path)))


def test_it_is_applied_and_taken_back_and_nothing_is_printed(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["their-program", "--secret"])
    before = [signal.getsignal(number) for number in SIGNALS], os.getcwd(), os.readlink("/proc/self/ns/net")
    old = tree.look(Path(place.root))
    applied = hosttune.apply(LB, place, ApplyOptions(reason="a test"), command="their-program deploy")
    assert (applied.id, applied.changed, applied.exit_code) == (1, True, 0)
    assert (Path(place.root) / DROP_IN).exists()
    (past,) = hosttune.history(place).applies
    assert (past.made.command, past.made.reason, past.state) == ("their-program deploy", "a test", "in force")
    assert hosttune.apply(LB, place).nothing.startswith("Nothing to do")
    hosttune.apply(Options(role="lb", connections=300_000), place)
    assert "library" in hosttune.history(place).applies[-1].made.command
    assert hosttune.rollback(place=place).id == 2
    undone = hosttune.rollback(RollbackOptions(id=1), place)
    assert (undone.id, undone.taken_back, undone.exit_code) == (1, True, 0)
    assert tree.look(Path(place.root)) == old
    assert capfd.readouterr() == ("", "")
    assert ([signal.getsignal(number) for number in SIGNALS], os.getcwd(), os.readlink("/proc/self/ns/net")) == before


def test_who_calls_agrees_to_what_is_shown_or_nothing_is_written(place: Place) -> None:
    old = tree.look(Path(place.root))
    shown: list[Applied | Undone] = []

    def no(noun: Applied | Undone) -> bool:
        shown.append(noun)
        return False

    with pytest.raises(RefusedError, match="nothing was changed"):
        hosttune.apply(LB, place, agree=no)
    assert tree.look(Path(place.root)) == old and not (Path(place.root) / tree.JOURNAL).exists()
    (would,) = shown
    assert isinstance(would, Applied) and would.changed and would.id is None and DROP_IN in would.diff
    hosttune.apply(LB, place, agree=lambda applied: True)
    with pytest.raises(RefusedError, match="nothing was changed"):
        hosttune.rollback(place=place, agree=no)
    assert isinstance(shown[-1], Undone) and shown[-1].id == 1 and (Path(place.root) / DROP_IN).exists()


def test_two_threads_make_one_apply_each(tmp_path: Path) -> None:
    places = [Place(root=str(tree.image(tmp_path / name))) for name in ("a", "b")]
    done: list[Applied] = []
    threads = [threading.Thread(target=lambda place=place: done.append(hosttune.apply(LB, place))) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [applied.id for applied in done] == [1, 1]


def test_who_listens_is_told_of_what_cannot_be_used(place: Place) -> None:
    hosttune.apply(LB, place)
    record = Path(f"{place.root}{journal.DIRECTORY}/000001.json")
    record.write_text(record.read_text().replace("200000", "300000"))
    sentences: list[str] = []
    applied = hosttune.apply(LB, place, dry_run=True, tell=sentences.append)
    assert len(sentences) == 1 and "000001.json is damaged" in sentences[0]
    assert [row.id for row in applied.damaged] == [1]


def test_the_options_are_held_to_what_they_may_be(place: Place) -> None:
    wrong: list[Callable[[], object]] = [
        lambda: hosttune.apply(LB, place, ApplyOptions(live=True)),
        lambda: hosttune.apply(LB, how=ApplyOptions(runtime_only=True, persist_only=True)),
        lambda: hosttune.apply(LB, Place(snapshot="x.json")),
        lambda: hosttune.apply(LB, place, ApplyOptions(only="nonsense")),
        lambda: hosttune.sources_add(SourceOptions(), place),
        lambda: hosttune.rollback(RollbackOptions(id=7), place),
    ]
    for each in wrong:
        with pytest.raises(UsageError):
            each()
