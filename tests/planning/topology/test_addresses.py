"""Lists of addresses: every address of a range, in order, and back; what no host can have is refused."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.addresses import runs
from hosttune.planning.topology import addresses, sizes

V4 = st.integers(int(ipaddress.ip_address("1.0.0.0")), int(ipaddress.ip_address("223.0.0.0"))).map(
    ipaddress.IPv4Address
)
V6 = st.integers(int(ipaddress.ip_address("2000::")), int(ipaddress.ip_address("3fff::"))).map(ipaddress.IPv6Address)
SPANS = st.lists(st.tuples(V4 | V6, st.integers(1, 40)), max_size=5)


@given(SPANS)
def test_a_list_comes_back_from_its_ranges(spans: list[tuple[ipaddress.IPv4Address, int]]) -> None:
    listed = [str(first + step) for first, count in spans for step in range(count)]
    short = runs(listed)
    assert list(addresses.expand(short)) == listed
    assert len(short) <= len(spans)


@given(V4 | V6, st.integers(0, 12))
def test_a_network_is_what_its_hosts_can_have(base: ipaddress.IPv4Address, bits: int) -> None:
    network = ipaddress.ip_network((base, base.max_prefixlen - bits), strict=False)
    assert list(addresses.expand([str(network)])) == [str(host) for host in network.hosts()]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.0.0.256", "is no address"),
        ("10.0.0.1-", "is no address"),
        ("10.0.0.1-9", "is no address"),
        ("010.0.0.1", "is no address"),
        ("10.0.0.1\n", ""),
        ("localhost", "is no address"),
        ("fe80::1%eth0", "is no address"),
        ("fe80::1", "link-local"),
        ("::ffff:10.0.0.1", "write 10.0.0.1"),
        ("0.0.0.0", "no address that a host has"),
        ("224.0.0.1", "no address that a host has"),
        ("223.255.255.0-224.0.0.9", "no address that a host has"),
        ("255.255.255.255", "no address that a host has"),
        ("10.0.0.1-fd00::1", "begins in one family"),
        ("10.0.0.9-10.0.0.1", "write 10.0.0.1-10.0.0.9"),
        ("10.0.0.1/24", "write 10.0.0.0/24"),
        ("10.0.0.0/33", "is no network"),
        ("10.0.0.0/x", "is no network"),
        ("10.0.0.0/255.255.255.0", "is no network"),
        ("fd00::/64", "(18,446,744,073,709,551,615 here, 65,536 left)"),
    ],
)
def test_what_is_no_address_says_so(text: str, says: str) -> None:
    if not says:
        assert addresses.expand([text]) == (text.strip(),)
        return
    with pytest.raises(ValueError) as caught:
        addresses.expand([text])
    assert says in str(caught.value)


@given(st.text(max_size=24) | st.text("0123456789.:-/abcdef", max_size=30))
def test_any_text_is_addresses_or_an_error(text: str) -> None:
    try:
        found = addresses.expand([text])
    except ValueError:
        return
    assert [str(ipaddress.ip_address(one)) for one in found] == list(found)


def test_the_most_are_not_passed() -> None:
    assert len(addresses.expand(["10.0.0.0-10.0.255.255"])) == addresses.MOST
    with pytest.raises(ValueError, match="2 here, 0 left"):
        addresses.expand(["10.0.0.0-10.0.255.255", "10.1.0.0-10.1.0.1"])


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("0B", 0),
        ("64 kB", 64_000),
        ("64KiB", 65_536),
        ("512MiB", 512 << 20),
        ("32 GB", 32 * 10**9),
        ("32GiB", 32 << 30),
        ("1.5GiB", 3 << 29),
        (" 2 TiB ", 2 << 40),
    ],
)
def test_a_size_has_a_unit(text: str, bytes_: int) -> None:
    assert sizes.size(text) == bytes_


@pytest.mark.parametrize("text", ["", "32", "32G", "GiB", "-1GiB", "1.5B", "1e3GB", "1,5 GiB", "8GiB8", "\u0661GiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        sizes.size(text)


@given(
    st.integers(0, 10**6), st.sampled_from([("B", 1), ("kB", 1000), ("MiB", 1 << 20), ("GB", 10**9), ("TiB", 1 << 40)])
)
def test_a_size_is_its_number_times_its_unit(number: int, unit: tuple[str, int]) -> None:
    assert sizes.size(f"{number} {unit[0]}") == sizes.size(f"{number}{unit[0]}") == number * unit[1]
