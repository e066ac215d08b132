"""A file is of one program, however it is written, and no other program takes it for its own."""

from __future__ import annotations

import pytest

from hosttune import registry
from hosttune.workflows import emitting
from tests.planning.deploy import deployed

SHELVES = "hosttune.programs.shelves"
TEXTS = {
    "envoy": ["static_resources:\n  clusters:\n  - name: b\n", '{"static_resources": {"clusters": []}}\n'],
    "haproxy": [
        "frontend f\n bind :80\n http-request deny if { path /x }\n default_backend b\n",
        "defaults\n mode tcp\n",
        "listen upstream\n bind :80\n server s 10.0.0.5:80\n",
        "backend mosquitto\n server listener 10.0.0.5:1883\n",
    ],
    "mosquitto": [
        "listener 1883\nmax_connections 500\nconnection up\naddress 10.0.0.5:1883\ntopic # both\n",
        "port 1883\n",
        "persistence true\nlog_dest syslog\n",
    ],
    "nginx": ["events {\n}\n", "server {\n  listen 80;\n}\n", "upstream p\n{\n  server 10.0.0.5:80;\n}\n"],
    "tsung": [
        '<?xml version="1.0"?>\n<!DOCTYPE tsung SYSTEM "x.dtd" [] >\n<tsung>\n</tsung>\n',
        "<!-- x -->\n<tsung/>\n",
    ],
}
ROWS = [(program, text) for program, texts in TEXTS.items() for text in texts]
WAYS = {
    "as it is": lambda text: text,
    "with CRLF": lambda text: text.replace("\n", "\r\n"),
    "behind empty lines": lambda text: "\n\n" + text,
    "without its last newline": lambda text: text.rstrip("\n"),
}


def takers(text: str) -> list[str]:
    every = {name: registry.load(SHELVES, name) for name in registry.names(SHELVES)}
    return [name for name, shelf in every.items() if hasattr(shelf, "recognises") and shelf.recognises(text)]


@pytest.mark.parametrize(("program", "text"), ROWS)
@pytest.mark.parametrize("way", WAYS)
def test_a_file_is_of_one_program(program: str, text: str, way: str) -> None:
    assert takers(WAYS[way](text)) == [program]


@pytest.mark.parametrize(("program", "text"), [row for row in ROWS if row[0] in ("envoy", "tsung")])
def test_a_mark_of_utf_8_does_not_hide_it(program: str, text: str) -> None:
    """The others do not start with one."""
    assert takers("\ufeff" + text) == [program]


def test_what_is_emitted_is_of_its_program_and_nothing_else_is() -> None:
    every = {}
    for program in ("haproxy", "nginx", "envoy"):
        named = deployed.replaced(deployed.small(program=program), "broker", program="mosquitto")
        every.update({(program, path): text for path, text in emitting.texts(deployed.deploy(named)).items()})
    for (_, path), text in every.items():
        name = path.rpartition("/")[2]
        whose = [
            program for program in TEXTS if name.startswith(program) and name.endswith((".cfg", ".conf", "aml", "xml"))
        ]
        assert takers(text) == whose, path
