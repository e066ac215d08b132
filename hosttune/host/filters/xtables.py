"""The matches and targets of iptables, as their structures lie in the kernel: in rules of its own and of nftables.

include/uapi/linux/netfilter/xt_*.h, nf_nat.h; iptables over nftables keeps the same bytes (nft_compat.c).
"""

from __future__ import annotations

import ipaddress
import struct
import sys
from collections.abc import Callable

from hosttune.host.filters import ways
from hosttune.host.filters.conditions import Condition, Match, anything, narrowed, only
from hosttune.host.filters.symbols import met, prefixes
from hosttune.host.filters.ways import Counting, SourceNat, Way

TRACKING = ("conntrack", "state", "connlimit", "connmark", "connbytes", "connlabel", "helper", "cluster")
"""Matches that have connections tracked: each takes nf_ct_netns_get() when its rule is made."""
TRACKING_TARGETS = (
    *("MASQUERADE", "SNAT", "DNAT", "REDIRECT", "NETMAP", "CONNMARK", "CONNSECMARK", "SYNPROXY", "CLUSTERIP", "CT"),
)
"""Targets that do; CT does so unless it says --notrack."""
_NEW = 8  # NF_CT_STATE_BIT(IP_CT_NEW)
_NAT_STATES = 0xC0  # XT_CONNTRACK_STATE_SNAT, _DNAT
_NOTRACK = 1  # XT_CT_NOTRACK
_SYN = 2
_PROTOCOLS = {"udp", "icmp", "icmp6", "icmpv6", "sctp", "dccp", "esp", "ah", "udplite"}
_ENDING = {"DNAT": ways.ACCEPT, "REDIRECT": ways.ACCEPT, "TPROXY": ways.ACCEPT, "SYNPROXY": ways.DROP}
_ENDING |= {"REJECT": ways.REJECT, "NFQUEUE": ways.QUEUE, "QUEUE": ways.QUEUE, "TARPIT": ways.DROP}
_SILENT = ("comment", "connbytes-none")


def apply_match(way: Way, name: str, revision: int, info: bytes, family: str) -> bool:
    """Add the conditions of a match to a way; say whether a TCP connection's first packet can meet them."""
    if name in _PROTOCOLS:
        return False
    reader = _MATCHES.get((name, revision))
    try:
        if reader is None:
            raise struct.error
        return reader(way, info, family)
    except (struct.error, IndexError, ValueError):
        if name != "comment":
            _add_unknown(way, f"-m {name}")
    return True


def apply_target(way: Way, name: str, revision: int, info: bytes, family: str) -> None:
    """Have a way do what a target does."""
    try:
        if name in ("MASQUERADE", "SNAT", "NETMAP"):
            way.translation = _nat(name, revision, info, family)
            way.verdict = ways.ACCEPT
            return
        if name == "NOTRACK" or (name == "CT" and has_no_tracking(info)):
            way.untracked = True
    except (struct.error, ValueError):
        way.translation = None
        way.verdict = ways.QUEUE  # it ends there, and how is not known
        return
    way.verdict = _ENDING.get(name, way.verdict)


def has_no_tracking(info: bytes) -> bool:
    """Say whether the information of a target CT is --notrack."""
    return bool(struct.unpack_from("=H", info)[0] & _NOTRACK) if len(info) >= 2 else False


def _add(way: Way, wanted: Condition | bool, negated: bool = False) -> bool:
    match = met(way.match, wanted, negated)
    if match is None:
        return False
    way.match = match
    return True


def _add_unknown(way: Way, words: str) -> None:
    match: Match = way.match.copy()
    match["unknown"] = list(dict.fromkeys([*match["unknown"], narrowed(words)]))
    way.match = match


def _tcp(way: Way, info: bytes, _family: str) -> bool:
    low, high, first, last, option, mask, flags, inverted = struct.unpack_from("=4H4B", info)
    if option:
        _add_unknown(way, f"--tcp-option {option}")
    if ((_SYN & mask) == flags) == bool(inverted & 4):
        return False
    good = True
    if (low, high) != (0, 65535) or inverted & 1:
        good = _add(way, anything(source_ports=[[low, high]]), bool(inverted & 1))
    if (first, last) != (0, 65535) or inverted & 2:
        good = good and _add(way, anything(ports=[[first, last]]), bool(inverted & 2))
    return good


def _multiport(way: Way, info: bytes, _family: str) -> bool:
    kind, count, *rest = struct.unpack_from("=BB15H15BB" if len(info) >= 48 else "=BB15H", info)
    ports, ranges, inverted = rest[:15], (rest[15:30] or [0] * 15), bool(rest[30:] and rest[30])
    spans: list[list[int]] = []
    at = 0
    while at < min(count, 15):
        last = at + 1 if ranges[at] and at + 1 < 15 else at
        spans.append([ports[at], ports[last]])
        at = last + 1
    if kind == 2:  # XT_MULTIPORT_EITHER
        _add_unknown(way, "-m multiport --ports")
        return True
    return _add(way, only("", {"source_ports" if kind == 0 else "ports": spans}), inverted)


def _conntrack(way: Way, info: bytes, _family: str) -> bool:
    flags, inverted = struct.unpack_from("=HH", info, 146)
    states = struct.unpack_from("=H", info, 150)[0] if len(info) >= 154 else info[150]
    if flags & 1:
        if states & _NAT_STATES:
            _add_unknown(way, "-m conntrack --ctstate DNAT,SNAT")
        elif bool(states & _NEW) == bool(inverted & 1):
            return False
    if flags & ~(1 | 1 << 13):
        _add_unknown(way, "-m conntrack, of more than the state")
    return True


def _state(_way: Way, info: bytes, _family: str) -> bool:
    return bool(struct.unpack_from("=I", info)[0] & _NEW)


def _connlimit(way: Way, info: bytes, family: str) -> bool:
    limit, flags = struct.unpack_from("=II", info, 16)
    width = 32 if family == "ip" else 128
    bits = f"{int.from_bytes(info[: width // 8]):0{width}b}"
    length = bits.count("1")
    kind = "destination" if flags & 2 else "source"
    by = "" if length == 0 else kind if length == width else f"{kind}/{length}"
    way.counting = Counting(limit, not flags & 1, by)
    return True


def _mark(way: Way, info: bytes, _family: str) -> bool:
    value, mask, inverted = struct.unpack_from("=IIB", info)
    if value & ~mask:
        return bool(inverted)
    return _add(way, anything(marks=[[value, mask]]), bool(inverted))


def _owner(way: Way, info: bytes, _family: str) -> bool:
    low, high, _, _, kind, inverted = struct.unpack_from("=4I2B", info)
    if kind & ~1:
        _add_unknown(way, "-m owner --gid-owner or --socket-exists")
    return _add(way, anything(uids=[[low, high]]), bool(inverted & 1)) if kind & 1 else True


def _iprange(way: Way, info: bytes, family: str) -> bool:
    size = 4 if family == "ip" else 16
    flags, good = info[64], True
    for at, bit, inverse, field in ((0, 1, 16, "sources"), (32, 2, 32, "destinations")):
        if flags & bit:
            spans = prefixes(info[at : at + size], info[at + 16 : at + 16 + size])
            good = good and bool(spans) and _add(way, only("", {field: spans}), bool(flags & inverse))
    return good


def _comment(_way: Way, _info: bytes, _family: str) -> bool:
    return True


_MATCHES: dict[tuple[str, int], Callable[[Way, bytes, str], bool]] = {
    ("tcp", 0): _tcp,
    ("multiport", 0): _multiport,
    ("multiport", 1): _multiport,
    ("conntrack", 1): _conntrack,
    ("conntrack", 2): _conntrack,
    ("conntrack", 3): _conntrack,
    ("state", 0): _state,
    ("connlimit", 1): _connlimit,
    ("mark", 1): _mark,
    ("owner", 1): _owner,
    ("iprange", 1): _iprange,
    ("comment", 0): _comment,
}


def _nat(name: str, revision: int, info: bytes, family: str) -> SourceNat:
    """Return a translation: struct nf_nat_ipv4_multi_range_compat of revision 0 of IPv4, else struct nf_nat_range."""
    old = family == "ip" and revision == 0
    if old:
        _, flags, low, high, first, last = struct.unpack_from("=II4s4sHH", info)
    else:
        flags, low, high, first, last = struct.unpack_from("=I16s16sHH", info)
        if family == "ip":
            low, high = low[:4], high[:4]
    nat = SourceNat(flags=flags | (64 if name == "NETMAP" else 0))
    if flags & 1 and name != "MASQUERADE":
        nat.addresses = [[str(ipaddress.ip_address(low)), str(ipaddress.ip_address(high))]]
    if flags & 2:
        nat.ports = [_network(first), _network(last)]
    return nat


def _network(number: int) -> int:
    return int.from_bytes(number.to_bytes(2, sys.byteorder))
