"""What is written of a plan comes of templates: their lines, as many as there are values, and those that may stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.programs import pieces

TEMPLATE = """# @head@
    @lines@
@if limited@
most @most@ of @most@
@else@
no limit
@end@
  end "@"
"""


def filled(tmp_path: Path, **values: object) -> str:
    (tmp_path / "x.in").write_text(TEMPLATE)
    return pieces.filled(str(tmp_path / "module.py"), "x.in", **values)


def test_a_name_alone_is_as_many_lines_as_it_has(tmp_path: Path) -> None:
    text = filled(tmp_path, head="an @most@", lines=["a", "", "b"], limited=True, most=7)
    assert text == '# an @most@\n    a\n\n    b\nmost 7 of 7\n  end "@"\n'


@pytest.mark.parametrize("limited", [0, "", False, None, []])
def test_what_is_not_so_is_left_out(tmp_path: Path, limited: object) -> None:
    assert filled(tmp_path, head="", lines=[], limited=limited, most=7) == '# \nno limit\n  end "@"\n'


def test_a_name_that_has_no_value_is_no_silent_gap(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="most"):
        filled(tmp_path, head="", lines=[], limited=True)
