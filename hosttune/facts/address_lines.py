"""Who brings an address back: the lines of configuration files that name it, whatever manages the network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator

from hosttune.host import Host, text

_FILES = (
    "/etc/systemd/network/*.network",
    "/etc/systemd/network/*.network.d/*.conf",
    "/run/systemd/network/*.network",
    "/run/systemd/network/*.network.d/*.conf",
    "/usr/lib/systemd/network/*.network",
    "/etc/netplan/*.yaml",
    "/etc/network/interfaces",
    "/etc/network/interfaces.d/*",
    "/etc/network/if-up.d/*",
    "/etc/network/if-pre-up.d/*",
    "/etc/NetworkManager/system-connections/*",
    "/etc/NetworkManager/dispatcher.d/*",
    "/etc/sysconfig/network-scripts/ifcfg-*",
    "/etc/keepalived/keepalived.conf",
    "/etc/rc.local",
    "/etc/cloud/cloud.cfg.d/*",
)
_WORD = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:.]{2,45}(?![0-9A-Za-z:.])")


def naming(host: Host, addresses: Collection[str], but: Collection[str]) -> dict[str, str]:
    """Return for each address FILE:LINE of the first line that names it; files of `but` are passed over."""
    places: dict[str, str] = {}
    for pattern in _FILES:
        for path in host.glob(pattern):
            if path in but:
                continue
            for number, line in enumerate(text(host, path).splitlines(), 1):
                for address in _named(line):
                    if address in addresses:
                        places.setdefault(address, f"{path}:{number}")
    return places


def _named(line: str) -> Iterator[str]:
    """Yield the addresses of a line, those of its comment left out."""
    for word in _WORD.findall(re.sub(r"(?:^|\s)[#;].*", "", line)):
        try:
            yield str(ipaddress.ip_address(word.rstrip(".")))
        except ValueError:
            continue
