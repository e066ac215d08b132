"""What is redacted is gone everywhere, consistently, and what is not an address stays."""

from __future__ import annotations

import ipaddress
import json

from hypothesis import given
from hypothesis import strategies as st

from hosttune.host.redact import redact

ANSWERS = {
    "reads": {
        "/proc/sys/kernel/hostname": {"is": "lb01\n"},
        "/etc/passwd": {"is": "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000:Alice Liddell,,,:/home/alice:/bin/sh\n"},
        "/etc/security/limits.conf": {"is": "alice hard nofile 5\n* soft nofile 6\n"},
        "/etc/os-release": {"is": "ID=debian\n"},
        "/proc/sys/kernel/osrelease": {"is": "6.1.0-13"},
        "/etc/nothing": {"error": "ABSENT", "detail": "/etc/nothing"},
    },
    "globs": {"/home/*": ["/home/alice"]},
    "probes": {'routes {"destinations": ["10.1.2.3"]}': {"is": {"10.1.2.3": {"source": "fd00::7", "error": ""}}}},
}


def test_names_and_addresses_go_and_the_rest_stays() -> None:
    text = json.dumps(redact(ANSWERS, "salt"))
    for word in ("lb01", "alice", "Alice", "Liddell", "10.1.2.3", "fd00::7"):
        assert word not in text
    for word in ("root", "debian", "6.1.0-13", "* soft nofile 6", "/proc/sys/kernel/hostname"):
        assert word in text


def test_one_word_has_one_stand_in() -> None:
    found = redact(ANSWERS, "salt")
    ((key, answer),) = found["probes"].items()
    assert next(iter(answer["is"])) in key
    user = found["reads"]["/etc/security/limits.conf"]["is"].split()[0]
    assert f"\n{user}:x:1000" in found["reads"]["/etc/passwd"]["is"]
    assert redact(ANSWERS, "salt") == found != redact(ANSWERS, "pepper")


@given(st.ip_addresses())
def test_an_address_stays_an_address_of_its_family(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    answers = {"reads": {"/x": {"is": f"a {address} b"}}, "globs": {}, "probes": {}}
    stand_in = redact(answers, "salt")["reads"]["/x"]["is"].split()[1]
    assert ipaddress.ip_address(stand_in).version == address.version
    inner = getattr(address, "ipv4_mapped", None) or address
    kept = inner.is_loopback or inner.is_unspecified
    assert (ipaddress.ip_address(stand_in) == address) == kept
