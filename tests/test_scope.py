"""What is no TCP is said to be out of scope in one line, in each form in which it is asked for."""

from __future__ import annotations

import pytest

from hosttune import scope
from hosttune.errors import ProfileError, UsageError
from hosttune.facts import backends
from hosttune.profile import schema

FORMS = {
    "udp://10.0.0.1:53": scope.UDP,
    "UDP://10.0.0.1:53": scope.UDP,
    "dtls://10.0.0.1:5684": scope.UDP,
    "udp4@10.0.0.1:53": scope.UDP,
    "10.0.0.1:53/udp": scope.UDP,
    "quic://10.0.0.1:443": scope.QUIC,
    "quic4@10.0.0.1:443": scope.QUIC,
    "h3://10.0.0.1:443": scope.QUIC,
    "sctp://10.0.0.1:36412": scope.SCTP,
    "[2001:db8::1]:36412/sctp": scope.SCTP,
    "tls://10.0.0.1:8883": f"{scope.TLS}; write 10.0.0.1:8883, without the scheme",
    "ssl://[::1]:8883/": f"{scope.TLS}; write [::1]:8883, without the scheme",
    "https://10.0.0.1:443/path": f"{scope.TLS}; write HOST:PORT",
    "mqtt://10.0.0.1:1883": "mqtt is no address; write 10.0.0.1:1883, without the scheme",
}


@pytest.mark.parametrize("text", FORMS)
def test_an_endpoint_of_another_transport_is_one_line(text: str) -> None:
    assert scope.scheme(text) == FORMS[text]
    with pytest.raises(UsageError) as error:
        backends.split(text)
    assert str(error.value) == f"--backend {text!r}: {FORMS[text]}"
    tables = {"profile": {"name": "a", "title": "t"}, "workload": {"backends": [text]}}
    with pytest.raises(ProfileError, match="workload: backends") as wrong:
        schema.validate("a.toml", tables)
    assert FORMS[text] in str(wrong.value) and "\n" not in str(wrong.value)


@pytest.mark.parametrize("text", ["10.0.0.1:80", "[fe80::1%eth0]:80", "[::1]:80", "lb-1.example:80", "fd@3", ""])
def test_what_names_no_transport_is_not_spoken_of(text: str) -> None:
    assert scope.scheme(text) == ""
