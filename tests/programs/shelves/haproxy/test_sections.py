"""An haproxy.cfg in its sections: each line with its place, and what a server inherits from above."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs.shelves.haproxy import sections

TEXT = """# of a small proxy
global
  maxconn 5000   # enough
defaults
  source 10.0.0.1
  default-server check
frontend f
  bind "10.0.0.2:80"
backend b
  server a 10.1.0.1:80
  default-server source 10.0.0.9 inter 2s
  server-template t 1-3 10.1.0.2:80
backend c
  server 'd
  server e 10.1.0.3:80
defaults
backend g
  server h 10.1.0.4:80
"""


def test_lines_are_of_their_section_and_have_their_place() -> None:
    found = sections.read("/h.cfg", TEXT)
    assert [section.kind for section in found] == [
        *("", "global", "defaults", "frontend", "backend", "backend", "defaults", "backend")
    ]
    (bind,) = found[3].named("bind")
    assert (bind.where, bind.words) == ("/h.cfg:8", ("bind", "10.0.0.2:80"))
    assert found[1].directives[0].words == ("maxconn", "5000")


def test_a_line_that_cannot_be_taken_apart_says_why() -> None:
    (wrong,) = [line for section in sections.read("/h.cfg", TEXT) for line in section.directives if line.wrong]
    assert (wrong.where, wrong.words, wrong.wrong) == ("/h.cfg:14", (), "No closing quotation")


def test_a_server_inherits_from_its_section_and_from_the_defaults_before_it() -> None:
    found = {s.directive.words[1]: s for s in sections.servers(sections.read("/h.cfg", TEXT))}
    assert (found["a"].source, found["a"].defaults) == ("10.0.0.1", ("check",))
    assert (found["t"].source, found["t"].defaults) == ("10.0.0.9", ("source", "10.0.0.9", "inter", "2s"))
    assert found["t"].is_template and not found["a"].is_template
    assert (found["e"].source, found["e"].defaults) == ("10.0.0.1", ("check",))
    assert (found["h"].source, found["h"].defaults) == ("", ())


@given(st.text())
def test_any_text_has_sections(text: str) -> None:
    found = sections.read("/h.cfg", text)
    assert found[0].kind == ""
    assert sum(len(section.directives) + 1 for section in found) - 1 <= text.count("\n") + 1
    assert all(section.kind for section in found[1:])
