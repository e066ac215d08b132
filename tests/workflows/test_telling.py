"""What a person is told beside the answer goes to whoever listens, once, and to nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

import hosttune
from hosttune import Options, Place
from hosttune.workflows import telling
from tests.needs import need

SNAPSHOT = str(Path(__file__).parents[1] / "hosts/debian12-stock.json")


def test_each_sentence_is_told_once() -> None:
    heard: list[str] = []
    with telling.to(heard.append):
        for sentence in ("a", "b", "a"):
            telling.tell(sentence)
        with telling.to(None):  # who has no ear of his own leaves it to the one who listens
            telling.tell("c")
    telling.tell("d")
    assert heard == ["a", "b", "c"]


@pytest.mark.slow
def test_a_profile_that_others_can_write_is_told_of_and_not_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    need("root")
    own = tmp_path / "own.toml"
    own.write_text('[profile]\nname = "own"\ntitle = "own"\nextends = ["lb"]\n')
    own.chmod(0o666)
    heard: list[str] = []
    hosttune.check(Options(profile=str(own)), Place(snapshot=SNAPSHOT), tell=heard.append)
    assert len(heard) == 1 and heard[0].startswith("warning: ") and str(own) in heard[0]
    hosttune.check(Options(profile=str(own)), Place(snapshot=SNAPSHOT))
    assert capfd.readouterr() == ("", "")
