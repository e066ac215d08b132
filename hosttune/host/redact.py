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

from hosttune.host import answers as answer_types

# an IPv4 address may have a port behind it or a word before it; a version 6 one is sought with what stands at its ends
_ADDRESS = re.compile(
    r"(?<![0-9A-Fa-f:.])(?:"
    r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9A-Fa-f]{0,4}:){2,8}[0-9A-Fa-f]{0,4}"
    r")(?![0-9A-Fa-f:]|\.\d)"
    r"|(?<![0-9.])(?:\d{1,3}\.){3}\d{1,3}(?![0-9]|\.\d)"
)
_NAME_FILES = ("/proc/sys/kernel/hostname", "/etc/hostname")
_PLAIN = frozenset(("", "localhost", "debian", "ubuntu", "linux"))
_VERSION_FILES = ("/proc/version", "/proc/sys/kernel/osrelease", "/etc/os-release", "/usr/lib/os-release")
_SOCKET_FILES = ("/proc/net/tcp", "/proc/net/tcp6")
_BALANCER_FILES = ("/proc/net/ip_vs", "/proc/net/ip_vs_conn")
_FIRST_PERSON = 1000  # useradd(8), UID_MIN

# keys of our own answers, beside the fields of their types: a person may have such a name
_KEPT = ("is", "detail", "inet", "inet6", "lo", "conntrack_allowance_available", "conntrack_allowance_exceeded")

Change = Callable[[str], str]


def redact(answers: dict[str, dict[str, Any]], salt: str) -> dict[str, dict[str, Any]]:
    """Return the answers with every address but loopback and unspecified, host name and person replaced."""
    words = _words(answers["reads"], salt)
    names = (
        re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(map(re.escape, words)) + r")(?![A-Za-z0-9])") if words else None
    )

    def name(text: str) -> str:
        return names.sub(lambda m: words[m[0]], text) if names else text

    def host(path: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Replace a host's name where it stands alone, though it may be a word that stays elsewhere."""
        word = str(answer.get("is", "")).strip()
        kept = path not in _NAME_FILES or word in _PLAIN or name(word) != word
        return answer if kept else {"is": f"host-{_hash(word, salt)}\n"}

    def change(text: str) -> str:
        return _ADDRESS.sub(lambda m: _replaced(m[0], salt), name(text))

    def tables(answers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {
            "reads": {
                change(path): _read(path, host(path, answer), change, name) for path, answer in answers["reads"].items()
            },
            "globs": {change(pattern): [change(path) for path in paths] for pattern, paths in answers["globs"].items()},
            "probes": {change(key): _deep(answer, change) for key, answer in answers["probes"].items()},
            "links": {change(path): change(target) for path, target in answers.get("links", {}).items()},
        }

    again = answers.get("again")
    return {**tables(answers), **({"again": tables(again)} if again else {})}


def _read(path: str, answer: dict[str, Any], change: Change, name: Change) -> dict[str, Any]:
    if "is" not in answer:
        return {"error": answer["error"], "detail": change(answer["detail"])}
    text = answer["is"]
    if path == "/etc/passwd":
        text = "\n".join(_without_gecos(line) for line in text.split("\n"))
    if path in _SOCKET_FILES:
        # addresses are in hexadecimal there; what is read of these files is ports and states
        text = re.sub(r"\b(?:[0-9A-F]{32}|[0-9A-F]{8}):", lambda m: "0" * (len(m[0]) - 1) + ":", text)
    if path in _BALANCER_FILES:
        # the same there, and which of them are services is told by their addresses
        text = re.sub(
            r"\b[0-9A-F]{8}(?=[: ])", lambda m: _hexadecimal(change(str(ipaddress.ip_address(int(m[0], 16))))), text
        )
    return {"is": name(text) if path in _VERSION_FILES else change(text)}


def _hexadecimal(address: str) -> str:
    """Return an address of IPv4 as IPVS writes it (net/netfilter/ipvs/ip_vs_ctl.c)."""
    return f"{int(ipaddress.IPv4Address(address)):08X}"


def _without_gecos(line: str) -> str:
    fields = line.split(":")
    if len(fields) == 7:
        fields[4:6] = ["", "/"]
    return ":".join(fields)


def _words(reads: dict[str, Any], salt: str) -> dict[str, str]:
    """Return the words to replace, longest first, so that a part never goes before the whole."""
    words: dict[str, str] = {}
    # a host called vm, a user called core: such a word is of nobody, and net.core.somaxconn must stay what it is
    common = {part for path in reads if path.startswith("/proc/sys/") for part in path.split("/")}
    for path in _NAME_FILES:
        name = str(reads.get(path, {}).get("is", "")).strip()
        for word in {name, name.partition(".")[0]} - _PLAIN - common:
            words[word] = f"host-{_hash(word, salt)}"
    for line in str(reads.get("/etc/passwd", {}).get("is", "")).splitlines():
        fields = line.split(":")
        if len(fields) != 7 or not re.fullmatch("[0-9]{4,9}", fields[2]) or fields[0] in common:
            continue
        if _FIRST_PERSON <= int(fields[2]) < 65534:
            words[fields[0]] = f"user-{_hash(fields[0], salt)}"
    return dict(sorted(((k, v) for k, v in words.items() if len(k) > 1), key=lambda pair: -len(pair[0])))


def _replaced(text: str, salt: str) -> str:
    """Replace an address without the colon of a word before it, and the one behind it or its port."""
    # two at the end are of an address that ends so, or of /etc/passwd: user:x:1000:1000::/home
    before = ":" if re.match(":[^:]", text) and not text.endswith("::") else ""
    behind = ":" if text.endswith(":") and not text.endswith("::") else ""
    if text.count(":") == 8 and "::" not in text:
        behind = text[text.rindex(":") :]
    return f"{before}{_address(text[len(before) : len(text) - len(behind)], salt)}{behind}"


def _address(text: str, salt: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped:
        return f"::ffff:{_address(str(mapped), salt)}"
    if address.is_loopback or address.is_unspecified:
        return text
    digest = int(_hash(str(address), salt, 12), 16)
    if address.version == 4:
        return str(ipaddress.IPv4Address(int(ipaddress.IPv4Address("198.18.0.0")) + digest % 2**17))
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("2001:db8::")) + digest))


def _hash(text: str, salt: str, digits: int = 8) -> str:
    return hashlib.blake2s(text.encode("utf-8", "surrogateescape"), key=salt.encode()[:32]).hexdigest()[:digits]


def _deep(value: Any, change: Change) -> Any:
    """Change the strings of an answer; the keys of its tables too, for those are addresses, or no words at all."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_deep(item, change) for item in value]
    if isinstance(value, dict):
        kept = answer_types.keys().union(_KEPT)
        return {key if key in kept else change(key): _deep(item, change) for key, item in value.items()}
    return value
