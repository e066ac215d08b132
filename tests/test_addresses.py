"""Every spelling of an address that connect() takes is one address; what is none has a clear line."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune import addresses


@given(st.ip_addresses(v=4))
def test_all_spellings_of_an_address_of_ipv4_are_one(address: ipaddress.IPv4Address) -> None:
    packed = int(address)
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | packed)
    spellings = (str(address), f"[{address}]", str(packed), hex(packed), f"::ffff:{address}", str(mapped))
    others = (str(mapped).upper(), mapped.exploded, f"[{mapped}]")
    assert {addresses.numeric(text) for text in (*spellings, *others)} == {str(address)}


@given(st.ip_addresses(v=6))
def test_all_spellings_of_an_address_of_ipv6_are_one(address: ipaddress.IPv6Address) -> None:
    expected = str(address.ipv4_mapped or address)
    assert {addresses.numeric(text) for text in (str(address), address.exploded.upper(), f"[{address}]")} == {expected}


@given(st.text(max_size=40))
def test_whatever_is_written_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address, _ = addresses.spelled(text)
    except ValueError:
        return
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    assert socket.inet_ntop(family, socket.inet_pton(family, address)) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("010.0.0.1", "octal"),
        ("2001:db8::1%eth0", "only a link-local"),
        ("::ffff:10.0.0.1%eth0", "write 10.0.0.1"),
        ("fe80::1%", "no interface's name"),
        ("10.0.0.256", "no address"),
        ("", "no address"),
    ],
)
def test_what_is_no_address_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        addresses.spelled(text)


def test_the_interface_of_a_link_local_address_is_kept_apart() -> None:
    assert addresses.spelled("fe80::1%c0") == ("fe80::1", "c0")
    assert addresses.zoned("FE80::1%c0") == "fe80::1%c0" and addresses.bare("fe80::1%c0") == "fe80::1"
    assert addresses.needs_zone("fe80::1") and not addresses.needs_zone("fd00::1")
    assert addresses.reached("0.0.0.0") == "127.0.0.1" and addresses.reached("::") == "::1"
