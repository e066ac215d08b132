"""Backends from options and from the configuration of proxies; what cannot be read is one line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.facts import backends
from hosttune.host.live import LiveHost
from hosttune.model import Backend, BindMode
from hosttune.programs import configuration
from tests import needs

HAPROXY = """
global
    maxconn 2500000
defaults
    mode tcp
frontend mqtt
    bind :1883
    default_backend brokers
backend brokers
    balance leastconn
    server b1a 10.0.0.11:1883 check source 10.0.1.1
    server b1b 10.0.0.11:1883 check source 10.0.1.2   # the second virtual address
    server b2a "10.0.0.12:1883" source 10.0.1.1
    server v6  [2001:db8::5]:1883
    server local unix@/run/x.sock
"""

NGINX = """
events {}
stream {
    upstream brokers {
        server 10.0.0.11:1883;
        server 10.0.0.12:1883 weight=5;
    }
    server {
        listen 1883;
        proxy_pass brokers;
        proxy_bind 10.0.1.1;
    }
}
"""


def from_text(tmp_path: Path, text: str) -> tuple[tuple[Backend, ...], backends.Hint, tuple[str, ...]]:
    (tmp_path / "proxy.conf").write_text(text)
    read, _ = configuration.read(configuration.Given(LiveHost(str(tmp_path)), ("/proxy.conf",)))
    first = read.backends[0]
    mode = first.mode or read.mode
    assert mode
    return backends.merge(read.backends), (mode, first.ports), read.notes


def test_haproxy_servers_and_sources(tmp_path: Path) -> None:
    found, hint, notes = from_text(tmp_path, HAPROXY)
    assert [(str(b), b.sources) for b in found] == [
        ("10.0.0.11:1883", ("10.0.1.1", "10.0.1.2")),
        ("10.0.0.12:1883", ("10.0.1.1",)),
        ("[2001:db8::5]:1883", ()),
    ]
    assert hint == (BindMode.NO_PORT, None)
    assert len(notes) == 1 and "/proxy.conf:15" in notes[0]


def test_haproxy_with_a_port_range_binds_explicitly(tmp_path: Path) -> None:
    found, hint, notes = from_text(tmp_path, "backend b\n  server a 10.0.0.1:80 source 10.0.1.1:2000-3000\n")
    assert found[0].sources == ("10.0.1.1",)
    assert hint == (BindMode.EXPLICIT, (2000, 3000))
    assert notes == ()


@pytest.mark.parametrize(("given", "last"), [("2000-3000", 3001), ("2000-65535", 65535)])
def test_haproxy_copies_a_range_of_default_server_with_its_spare_slot(tmp_path: Path, given: str, last: int) -> None:
    text = f"backend b\n  default-server source 10.0.1.1:{given}\n  server a 10.0.0.1:80\n"
    found, hint, notes = from_text(tmp_path, text)
    assert found[0].sources == ("10.0.1.1",)
    assert hint == (BindMode.EXPLICIT, (2000, last))
    assert [note.startswith("/proxy.conf:3: ") and str(last) in note for note in notes] == [True] * (last < 65535)


@pytest.mark.parametrize("source", ["*", "0.0.0.0", "::"])
def test_haproxy_does_not_bind_to_a_range_without_an_address(tmp_path: Path, source: str) -> None:
    text = f"backend b\n  server a 10.0.0.1:80 source {source}:2000-3000\n"
    found, hint, notes = from_text(tmp_path, text)
    assert found[0].sources == () and hint == (BindMode.NO_PORT, None)
    assert len(notes) == 1 and notes[0].endswith("caps at 1,001 connections of each server")


def test_a_program_may_choose_its_ports_with_or_without_reuse() -> None:
    assert backends.parse_bind_mode("bind:2000-3000") == (BindMode.BIND, (2000, 3000))
    assert backends.parse_bind_mode("explicit:2000-3000") == (BindMode.EXPLICIT, (2000, 3000))
    with pytest.raises(UsageError, match="each also as MODE:LO-HI"):
        backends.parse_bind_mode("any:2000-3000")


@pytest.mark.parametrize("mode", [BindMode.CONNECT, BindMode.NO_PORT])
def test_a_program_may_give_the_kernel_a_range(mode: BindMode) -> None:
    assert backends.parse_bind_mode(f"{mode}:2000-3000") == (mode, (2000, 3000))


def test_haproxy_source_from_the_environment_is_a_note(tmp_path: Path) -> None:
    found, _, notes = from_text(tmp_path, 'backend b\n  source "$ADDRESS"\n  server a 10.0.0.1:80\n')
    assert found[0].sources == ()
    assert len(notes) == 1 and "set nowhere that was read" in notes[0]


def test_nginx_upstreams_and_proxy_bind(tmp_path: Path) -> None:
    found, hint, _ = from_text(tmp_path, NGINX)
    assert [(str(b), b.sources) for b in found] == [
        ("10.0.0.11:1883", ("10.0.1.1",)),
        ("10.0.0.12:1883", ("10.0.1.1",)),
    ]
    assert hint == (BindMode.NO_PORT, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("backend b\n  server a\n", "/proxy.conf:2: server without an address"),
        ("backend b\n  server a 10.0.0.1\n", "/proxy.conf:2: a takes the client's port, and no bind line was read"),
        ("backend b\n  server a 'x\n", "/proxy.conf:2: No closing quotation"),
        ("backend b\n  source 1.1.1.1:9-1\n  server a 10.0.0.1:80\n", "'9-1' is no range"),
        (
            "backend b\n  source 1.1.1.1:2-9\n  server a 10.0.0.1:80\n",
            "/proxy.conf:2: HAProxy takes a range of ports on a server line only; write source 1.1.1.1:2-9 there",
        ),
        ("# nothing\n", "it looks like nothing but comments"),
        ("events {\n", "/proxy.conf"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_text(tmp_path, text)
    assert says in str(caught.value) and "\n" not in str(caught.value)


CUT = st.tuples(st.sampled_from([HAPROXY, NGINX]), st.integers(0, 600)).map(lambda pair: pair[0][: pair[1]])


@given(st.text(max_size=200) | CUT)
def test_no_file_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("b")
    (path / "proxy.conf").write_text(text, errors="surrogatepass")
    try:
        configuration.read(configuration.Given(LiveHost(str(path)), ("/proxy.conf",)))
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [("10.0.0.1:1", "10.0.0.1", 1), ("[::1]:65535", "::1", 65535), ("localhost:80", None, 80)],
)
def test_a_backend_is_an_address_and_a_port(text: str, address: str | None, port: int) -> None:
    try:
        found = backends.parse(LiveHost(), text)
    except UsageError as error:
        if address is None and "cannot be resolved" in str(error):
            needs.missing("localhost is no name here: there is no /etc/hosts")
        raise
    assert found.port == port
    assert address is None or found.address == address


@given(st.text(max_size=30))
def test_any_text_is_a_backend_or_one_line(text: str) -> None:
    host = LiveHost("/proc/self/fdinfo")  # a root without a resolver: names are refused, not looked up
    for parse in (lambda: backends.parse(host, text), lambda: backends.parse_bind_mode(text)):
        with contextlib.suppress(UsageError):
            parse()


def test_bind_modes() -> None:
    assert backends.parse_bind_mode("explicit:1024-65535") == (BindMode.EXPLICIT, (1024, 65535))
    assert backends.parse_bind_mode("no-port") == (BindMode.NO_PORT, None)
