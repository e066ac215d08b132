"""What is redacted is gone everywhere, consistently, and what is not an address stays."""

from __future__ import annotations

import ipaddress
import json

import pytest
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


@pytest.mark.parametrize(
    ("before", "address", "behind"),
    [
        ("TCP: request_sock_TCP: Possible SYN flooding on port ", "10.1.2.34", ":1883. Sending cookies."),
        ("TCP: request_sock_TCPv6: Possible SYN flooding on port [", "2a01:4f8::7", "]:1883. Sending cookies."),
        ("addr:", "10.1.2.34", ""),
        ("range 10.9.9.9:5-", "10.1.2.34", ":9"),
        ("table", "10.1.2.34", " is full"),
        ("from ", "2a01:4f8::7", ": no route"),
        ("peer:", "2a01:4f8::7", " gone"),
        ("", "2a01:4f8:1:2:3:4:5:6", ":80"),
        ("::ffff:", "10.1.2.34", ":80"),
    ],
)
def test_an_address_goes_from_a_line_whatever_stands_about_it(before: str, address: str, behind: str) -> None:
    row = {"age": 1.0, "text": f"{before}{address}{behind}"}
    again = {"reads": {}, "globs": {}, "links": {}, "probes": {"kernel_log {}": {"is": [row]}}}
    answers = {"reads": {}, "globs": {}, "probes": {}, "again": again}
    text = redact(answers, "salt")["again"]["probes"]["kernel_log {}"]["is"][0]["text"]
    assert address not in text and text.endswith(behind)


@pytest.mark.parametrize(
    "text",
    ["12:34:56 up", "00:11:22:33:44:55", "0000:00:1f.2", "1.2.3.4.5", "x:1000:1000::/:/bin/sh", ":::80", "[::1]:5"],
)
def test_what_is_no_address_of_anybody_stays(text: str) -> None:
    answers = {"reads": {"/x": {"is": text}}, "globs": {}, "probes": {}}
    assert redact(answers, "salt")["reads"]["/x"]["is"] == text


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


def test_a_name_that_is_a_word_of_the_kernel_leaves_its_settings_alone() -> None:
    reads = {
        "/proc/sys/kernel/hostname": {"is": "vm\n"},
        "/proc/sys/vm/swappiness": {"is": "60"},
        "/proc/sys/net/core/somaxconn": {"is": "4096"},
        "/etc/sysctl.conf": {"is": "net.core.somaxconn = 4096\n"},
        "/etc/passwd": {"is": "core:x:1000:1000:Core:/home/core:/bin/sh\n"},
    }
    found = redact({"reads": reads, "globs": {}, "probes": {}}, "salt")["reads"]
    assert found.keys() == reads.keys()
    assert found["/proc/sys/kernel/hostname"]["is"].startswith("host-")
    assert found["/etc/sysctl.conf"] == reads["/etc/sysctl.conf"]


def test_services_of_ipvs_stay_those_that_connections_go_to() -> None:
    reads = {
        "/proc/net/ip_vs": {"is": "TCP  0A600001:01BB rr\n  -> 0A00000A:192B      Masq    1      3          100\n"},
        "/proc/net/ip_vs_conn": {"is": "TCP 0A000002 C3A4 0A600001 01BB 0A00000A 192B ESTABLISHED     899\n"},
    }
    probes = {"traffic {}": {"is": {"flows": [{"source": "10.0.0.2", "address": "10.96.0.1", "port": 443}]}}}
    found = redact({"reads": reads, "globs": {}, "links": {}, "probes": probes}, "salt")
    text = json.dumps(found)
    for word in ("0A600001", "0A00000A", "0A000002", "10.96.0.1"):
        assert word not in text
    goal = found["probes"]["traffic {}"]["is"]["flows"][0]["address"]
    service = found["reads"]["/proc/net/ip_vs"]["is"].split()[1]
    assert f"{int(ipaddress.IPv4Address(goal)):08X}:01BB" == service
