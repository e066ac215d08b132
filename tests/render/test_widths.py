"""Every report at every width: no line is wider than the page, but for one word or command that is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hosttune import Options, Place, Stall, api
from hosttune.model import Explained
from hosttune.render import render
from hosttune.render.spans import is_command

HOSTS = sorted((Path(__file__).parents[1] / "hosts").glob("*.json"))
WIDTHS = (40, 60, 80, 120, 200)


@cache
def nouns(host: Path) -> tuple[Any, ...]:
    place = Place(snapshot=str(host))
    return (
        api.check(Options(role="lb"), place, command="hosttune check --role lb"),
        api.diagnose(place=place, stall=Stall(errno="EADDRNOTAVAIL"), command="hosttune diagnose"),
    )


def too_wide(page: str, width: int) -> list[str]:
    """Return the lines that are wider than the page and could have been broken."""
    wrong = []
    for line in page.splitlines():
        text = line.strip()
        # a row of a file, or an option, that is pasted: its blanks are within quotes
        word = re.fullmatch(r"""(\S+ )?('[^']*'|"[^"]*"|\S+)""", text)
        if len(line) > width and not word and not is_command(re.sub(r"^[\w ]+: ", "", text)):
            wrong.append(line)
    return wrong


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.stem)
def test_a_recorded_host_fits(host: Path, width: int) -> None:
    for noun in nouns(host):
        for verbose in (False, True):
            for unicode in (False, True):
                text = render(noun, "table", verbose=verbose, width=width, unicode=unicode)
                assert not too_wide(text, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("key", ["net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_mem", "nofile"])
def test_an_explanation_fits_and_breaks_no_word(key: str, width: int) -> None:
    explained = Explained(api.explain(key))
    text, wide = (render(explained, "table", width=columns) for columns in (width, 4000))
    assert not too_wide(text, width)
    assert text.split() == wide.split()
