"""Take addresses and names out of a recording, the same word always by the same stand-in.

A recording that went through here replays to the same report but for the names. Stand-ins for IPv4 lie within
198.18.0.0/15 (RFC 2544), for IPv6 within 2001:db8::/32 (RFC 3849).
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable
from typing import Any

_V4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_NAME_FILES = ("/proc/sys/kernel/hostname", "/etc/hostname")
_FIRST_PERSON = 1000  # useradd(8), UID_MIN


def redact(answers: dict[str, dict[str, Any]], salt: str) -> dict[str, dict[str, Any]]:
    """Return the answers with every address but loopback and unspecified, host name and person replaced."""
    words = _words(answers["reads"], salt)
    names = re.compile(r"(?<![\w.-])(?:" + "|".join(map(re.escape, words)) + r")(?![\w-])") if words else None

    def change(text: str) -> str:
        if names:
            text = names.sub(lambda m: words[m[0]], text)
        return _V6.sub(lambda m: _address(m[0], salt), _V4.sub(lambda m: _address(m[0], salt), text))

    return {kind: _deep(found, change) for kind, found in answers.items()}


def _words(reads: dict[str, Any], salt: str) -> dict[str, str]:
    """Return the words to replace, longest first, so that a part never goes before the whole."""
    found: dict[str, str] = {}
    for path in _NAME_FILES:
        name = str(reads.get(path, {}).get("is", "")).strip()
        for word in {name, name.partition(".")[0]} - {"", "localhost"}:
            found[word] = f"host-{_hash(word, salt)}"
    for line in str(reads.get("/etc/passwd", {}).get("is", "")).splitlines():
        fields = line.split(":")
        if len(fields) < 6 or not fields[2].isdigit() or not _FIRST_PERSON <= int(fields[2]) < 65534:
            continue
        for word in {fields[0], *re.findall(r"\w{2,}", fields[4])}:
            found[word] = f"user-{_hash(word, salt)}"
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _address(text: str, salt: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.is_loopback or address.is_unspecified:
        return text
    digest = int(_hash(str(address), salt, 12), 16)
    if address.version == 4:
        return str(ipaddress.IPv4Address(int(ipaddress.IPv4Address("198.18.0.0")) + digest % 2**17))
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("2001:db8::")) + digest))


def _hash(text: str, salt: str, digits: int = 8) -> str:
    return hashlib.blake2s(text.encode("utf-8", "surrogateescape"), key=salt.encode()[:32]).hexdigest()[:digits]


def _deep(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_deep(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _deep(item, change) for key, item in value.items()}
    return value
