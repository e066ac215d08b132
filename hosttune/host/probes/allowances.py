"""What a cloud still allows a network interface, as its driver counts it (ethtool -S, linux/ethtool.h).

Amazon's ena driver shows `conntrack_allowance_available`, the connections that the security groups may still track,
and `*_allowance_exceeded`, packets dropped beyond an allowance.
"""

from __future__ import annotations

import fcntl
import socket
import struct

from hosttune.host.answers import Count

_SIOCETHTOOL = 0x8946  # linux/sockios.h
_GSTRINGS, _GSTATS, _GSSET_INFO = 0x1B, 0x1D, 0x37
_STATISTICS = 1  # ETH_SS_STATS
_NAME = 32  # ETH_GSTRING_LEN
_MOST = 65536


def run() -> dict[str, dict[str, Count]]:
    """Return for each interface the statistics about allowances; none where its driver has none."""
    counts = {}
    for _, name in socket.if_nameindex():
        counts[name] = {key: n for key, n in statistics(name).items() if "allowance" in key}
    return counts


def statistics(interface: str) -> dict[str, int]:
    """Return every statistic of an interface's driver; nothing where the driver has none, or does not report them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            # struct ethtool_sset_info: the mask of what is asked for, and a count for each bit of it
            answer = _ask(asking, interface, struct.pack("=IIQI", _GSSET_INFO, 0, 1 << _STATISTICS, 0))
            count = struct.unpack_from("=I", answer, 16)[0]
            if not 0 < count <= _MOST:
                return {}
            head = struct.pack("=III", _GSTRINGS, _STATISTICS, count)
            names = _ask(asking, interface, head + bytes(count * _NAME))[12:]
            numbers = _ask(asking, interface, struct.pack("=II", _GSTATS, count) + bytes(count * 8))[8:]
        except OSError:
            return {}
    texts = [names[i * _NAME : (i + 1) * _NAME].split(b"\0")[0].decode("ascii", "replace") for i in range(count)]
    return dict(zip(texts, struct.unpack_from(f"={count}Q", numbers), strict=True))


def _ask(asking: socket.socket, interface: str, request: bytes) -> bytes:
    import ctypes

    buffer = ctypes.create_string_buffer(request, len(request))
    # struct ifreq: the name, and a pointer to what is asked, padded to the union's 24 bytes
    ifreq = struct.pack("=16sQ16x", interface.encode(), ctypes.addressof(buffer))
    fcntl.ioctl(asking.fileno(), _SIOCETHTOOL, ifreq)
    return buffer.raw
