"""What hosttune counts, and the one line for each transport that it does not: TCP connections."""

from __future__ import annotations

import re

UDP = "UDP is out of scope: only TCP connections are counted"
QUIC = "QUIC is UDP, which is out of scope: only TCP connections are counted"
SCTP = "SCTP is out of scope: only TCP connections are counted"
TLS = "TLS is counted as the TCP connection below it, its own memory is not counted"

NOT_LOOKED_AT = (
    "IPv6 neighbours and its route cache",
    "rp_filter and arp_ignore for added source addresses",
    "netdev_budget",
    "rings, RSS and interrupts of network cards",
    "TasksMax and MemoryMax as requirements (they are limits)",
    "UDP, QUIC and SCTP",
    "the memory of TLS",
)
"""What no requirement is about, so that nobody takes silence for an answer."""

_NAMES = {
    **dict.fromkeys(("udp", "udp4", "udp6", "dgram", "dtls"), UDP),
    **dict.fromkeys(("quic", "quic4", "quic6", "h3", "http3"), QUIC),
    "sctp": SCTP,
    **dict.fromkeys(("tls", "ssl", "https", "mqtts", "wss", "amqps", "ldaps"), TLS),
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20})(?:://|@)(.*)")
_SUFFIX = re.compile(r"(.*)/([A-Za-z]{2,8}[46]?)")


def scheme(text: str) -> str:
    """Return what is to be said of an endpoint that names a transport or a scheme, "" for one that names none.

    `udp://A:P`, `quic4@A:P` and `A:P/sctp` are forms that programs and tools write.
    """
    if match := _SCHEME.fullmatch(text):
        name, rest = match[1].lower(), match[2].rstrip("/")
    elif match := _SUFFIX.fullmatch(text):
        name, rest = match[2].lower(), match[1]
    else:
        return ""
    plain = f"write {rest}, without the scheme" if "/" not in rest else "write HOST:PORT"
    if name not in _NAMES:
        return f"{name} is no address; {plain}" if "://" in text else ""
    return f"{TLS}; {plain}" if _NAMES[name] == TLS else _NAMES[name]
