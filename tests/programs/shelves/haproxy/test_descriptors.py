"""What HAProxy counts beside connections, from its configuration; tests/programs holds the same against HAProxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.model import Settings
from hosttune.programs.shelves.haproxy import descriptors, proxies, sections


def read(text: str) -> tuple[Settings, float | None]:
    every = sections.read([("/h.cfg", text)])
    return descriptors.settings("/h.cfg", every, proxies.read(every))


SERVER = "backend b\n  server a 10.0.0.1:80"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("frontend f\n  bind :80", 1),
        ("frontend f\n  bind :80,:443 ssl\n  bind 10.0.0.1:8000-8009", 12),
        ("frontend f\n  bind :80 shards 4", 4),
        ("global\n  stats socket /run/a.sock", 11),
        ("global\n  stats socket /run/a.sock\n  stats socket /run/b.sock\n  stats maxconn 20", 22),
        (SERVER + " check", 1),
        (SERVER + " check agent-check agent-port 9", 3),
        ("backend b\n  default-server check\n  server a 10.0.0.1:80\n  server c 10.0.0.2:80 no-check", 1),
        ("defaults\n  default-server check\n" + SERVER + "\ndefaults\n" + SERVER, 1),
        ("backend b\n  server-template t 5 10.0.0.1:80 check\n  server-template u 3-4 10.0.0.1:80 check", 7),
        ("peers p\n  bind :10000\n  server x", 1),
        ("log-forward l\n  bind :514\n  dgram-bind :514", 2),
        ("ring r\n  server x 10.0.0.1:80 check", 0),
        ("global\n  log 127.0.0.1:514 local0\nresolvers r\n  nameserver a 10.0.0.2:53", 0),
    ],
)
def test_what_is_kept_beside_connections(text: str, kept: int) -> None:
    assert read(text)[0].kept == kept


def test_the_global_section() -> None:
    text = "global\n  maxconn 5000\n  nbthread 4\n  no strict-limits\n  fd-hard-limit 9000\n"
    found, pipes = read(text)
    assert (found.maxconn, found.threads, found.strict, found.ceiling, pipes) == (5000, 4, False, 9000, None)
    found, _ = read("frontend f\n  maxconn 50\n")
    assert (found.maxconn, found.threads, found.strict) == (0, None, True)


@pytest.mark.parametrize("where", ["defaults", "frontend f", "backend b", "listen l"])
def test_one_that_splices_has_a_pipe_for_every_fourth_connection(where: str) -> None:
    assert read(f"{where}\n  option splice-response\n")[1] == 0.25


@given(st.text(alphabet=st.sampled_from("globaldefutsckbinrv-maxco :/,0123456789\n#\\ ")))
def test_whatever_is_written_is_read(text: str) -> None:
    assert read(text)[0].kept >= 0
