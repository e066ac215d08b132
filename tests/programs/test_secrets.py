"""What is kept of a configuration has no secret in it, and reads as before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs import secrets


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("    user admin insecure-password hunter2", "    user admin insecure-password x"),
        ("  stats auth admin:hunter2", "  stats auth x"),
        ('proxy_set_header Authorization "Basic aHVudGVyMg==";', 'proxy_set_header Authorization "x x";'),
        ('  "password": "hunter2",', '  "password": "x",'),
        ("password_file /etc/p", "password_file x"),
        ("remote_password hunter2", "remote_password x"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE/+x=\nAA\n-----END", "-----BEGIN PRIVATE KEY-----\nx\nx\n-----END"),
    ],
)
def test_a_secret_is_left_out(line: str, kept: str) -> None:
    assert secrets.without(line) == kept


@pytest.mark.parametrize(
    "line",
    [
        " server auth 10.0.0.1:80 source 10.0.0.2",
        "    server 10.0.0.1:80 max_conns=4;",
        " use_backend token if { path /x }",
        "location /auth/ { proxy_pass http://10.0.0.5:80; }",
        "worker_connections 64;",
        " maxconn 40",
        "keepalive 32;",
    ],
)
def test_what_counts_stays(line: str) -> None:
    assert secrets.without(line) == line


def test_a_command_line() -> None:
    words = ["beam.smp", "-setcookie", "hunter2", "-name", "a", "--config-yaml", '{"password": "hunter2"}', "-f", "a"]
    kept = ["beam.smp", "-setcookie", "x", "-name", "a", "--config-yaml", '{"password": "x"}', "-f", "a"]
    assert secrets.without_in(words) == kept
    assert secrets.without_in([]) == []


@given(st.text())
def test_lines_stay_where_they_are(text: str) -> None:
    assert secrets.without(text).count("\n") == text.count("\n")
    assert secrets.without(secrets.without(text)) == secrets.without(text)
