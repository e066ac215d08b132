"""An haproxy.cfg in its sections: each line with its place, and what a server inherits from above."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.programs.shelves.haproxy import proxies, sections
from hosttune.programs.shelves.haproxy.environment import Environment
from hosttune.programs.shelves.haproxy.noting import Notes

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
backend c from named
  server e 10.1.0.3:80
defaults named
backend g
  server h 10.1.0.4:80
"""


def test_lines_are_of_their_section_and_have_their_place() -> None:
    found = sections.read([("/h.cfg", TEXT)])
    assert [section.kind for section in found] == [
        *("", "global", "defaults", "frontend", "backend", "backend", "defaults", "backend")
    ]
    (bind,) = found[3].named("bind")
    assert (bind.where, bind.words) == ("/h.cfg:8", ("bind", "10.0.0.2:80"))
    assert found[1].directives[0].words == ("maxconn", "5000")
    assert [(section.name, section.where, section.parent) for section in found[5:7]] == [
        ("c", "/h.cfg:13", "named"),
        ("named", "/h.cfg:15", ""),
    ]


def test_a_quote_that_is_not_closed_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"^/h\.cfg:2: No closing quotation"):
        sections.read([("/h.cfg", "backend b\n server 'd\n")])


def test_another_line_that_cannot_be_taken_apart_is_a_note() -> None:
    notes = Notes()
    found = sections.read([("/h.cfg", 'backend b\n server "${x"\n server a 10.0.0.1\n')], notes=notes)
    assert [line.words[1] for line in found[1].directives] == ["a"]
    assert [note.startswith("/h.cfg:2: a brace") for note in notes.all()] == [True]


def test_a_server_inherits_from_its_section_and_from_the_defaults_before_it() -> None:
    notes = Notes()
    found = proxies.read(sections.read([("/h.cfg", TEXT)]), notes)
    servers = {server.name: server for server in proxies.servers(found)}
    assert [proxy.word("source") for proxy in found] == ["10.0.0.1", "10.0.0.1", "10.0.0.1", ""]
    assert servers["a"].options.checked and servers["a"].options.source is None
    source = servers["t"].options.source
    assert source and (source.address, servers["t"].options.inherited, servers["t"].slots) == (
        "10.0.0.9",
        True,
        range(1, 4),
    )
    assert not servers["h"].options.checked
    assert notes.all() == ("/h.cfg:13: no defaults section is called named; the one before holds",)


def test_what_the_file_sets_holds_from_that_line_on() -> None:
    text = (
        'global\n setenv A 1\n presetenv A 2\n resetenv A B\nbackend b\n x "$A$B${C-3}" "$D" \'$A\' $A\n unsetenv A\n'
    )
    found = sections.read([("/h.cfg", text)], Environment({"B": "4", "D": "5"}))
    assert found[-1].directives[0].words == ("x", "143", "${D}", "$A", "$A")


def test_pseudo_variables_are_those_of_the_line() -> None:
    found = sections.read([("/h.cfg", 'backend b\n x "${.FILE} ${.LINE} ${.SECTION}"\n')])
    assert found[-1].directives[0].words == ("x", "/h.cfg 2 b")


def test_many_notes_of_a_kind_are_counted() -> None:
    notes = Notes()
    for number in range(25):
        notes.add(f"/h.cfg:{number}", f"s{number} is off", "a server is off")
    assert len(notes.all()) == 11 and notes.all()[-1] == "a server is off: 15 more lines"


@given(st.text())
def test_any_text_has_sections(text: str) -> None:
    try:
        found = sections.read([("/h.cfg", text)])
    except UsageError:
        return
    assert found[0].kind == ""
    assert sum(len(section.directives) + 1 for section in found) - 1 <= text.count("\n") + 1
    assert all(section.kind or section.where for section in found[1:])
