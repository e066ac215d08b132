"""Free ranges against counting one by one; of a subnet as large as a /64 too."""

from __future__ import annotations

import ipaddress
import itertools

from hypothesis import given
from hypothesis import strategies as st

from hosttune.facts import free

_NETS = st.builds(
    lambda base, length: ipaddress.ip_network((base & ~((1 << (32 - length)) - 1), length)),
    st.integers(0x0A000000, 0x0AFFFFFF),
    st.integers(22, 31),
)


@given(_NETS, st.sets(st.integers(0, 1023), max_size=40))
def test_the_ranges_are_all_that_nobody_has(net: ipaddress.IPv4Network, offsets: set[int]) -> None:
    taken = {str(net.network_address + n) for n in offsets if int(net.network_address) + n < 2**32}
    found = free.ranges(net, taken)
    singles = [n for first, last in found for n in range(first, last + 1)]
    assert singles == [int(one) for one in net.hosts() if str(one) not in taken]
    assert all(b[0] > a[1] + 1 for a, b in itertools.pairwise(found))
    assert free.count(found) == len(singles)


@given(_NETS, st.sets(st.integers(0, 1023), max_size=40), st.integers(0, 1100))
def test_what_is_chosen_is_free_and_as_much_as_there_is(
    net: ipaddress.IPv4Network, offsets: set[int], wanted: int
) -> None:
    found = free.ranges(net, {str(net.network_address + n) for n in offsets})
    chosen = free.choose(found, wanted)
    assert free.count(chosen) == min(wanted, free.count(found))
    assert all(any(a <= first <= last <= b for a, b in found) for first, last in chosen)
    # one run where one is long enough
    assert len(chosen) <= 1 or all(last - first + 1 < wanted for first, last in found)


def test_a_subnet_of_ipv6_is_no_larger_than_its_exceptions() -> None:
    net = ipaddress.ip_network("2001:db8::/64")
    found = free.ranges(net, {"2001:db8::1", "2001:db8::9", "10.0.0.1", "2001:db9::1"})
    assert [free.text(one, 6) for one in found] == [
        "2001:db8::2-2001:db8::8",
        "2001:db8::a-2001:db8::ffff:ffff:ffff:ff7f",
    ]
    assert free.text(free.choose(found, 100)[0], 6) == "2001:db8::a-2001:db8::6d"
    assert free.text((5, 5), 4) == "0.0.0.5"
