"""Sysctl keys and values as text, as the loaders spell them and as the kernel takes them."""

from __future__ import annotations

import re

from hosttune.model import Reason, Unknown, Value

_INT = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)")
_LONGEST = 65536

LISTS = ("net.ipv4.ip_local_reserved_ports",)
"""Lists of ports: text, also where a single port looks like a number (proc_do_large_bitmap() in kernel/sysctl.c)."""


def normalise(key: str) -> str:
    """Return the path below /proc/sys, as systemd's sysctl_normalize() makes it (src/shared/sysctl-util.c).

    The first `/` or `.` decides: after a dot, all dots become slashes and slashes dots. Then `//`, `/./`, a
    leading and a trailing slash are dropped.
    """
    first = next((c for c in key if c in "/."), "")
    if first == ".":
        key = key.translate({ord("."): "/", ord("/"): "."})
    return "/".join(part for part in key.split("/") if part not in ("", "."))


def display(path: str) -> str:
    """Return the dotted form of a path below /proc/sys; a dot in a name becomes a slash (eth0/100)."""
    return path.translate({ord("."): "/", ord("/"): "."})


def valid_key(key: str) -> bool:
    """Say whether a key may become a path: printable, of names and separators, without `..`."""
    if not key or len(key) > 255 or not re.fullmatch(r"[A-Za-z0-9_./:@*?\[\]!^-]+", key):
        return False
    return ".." not in normalise(key).split("/") and bool(normalise(key)) and not key.startswith("-")


def shape_of(runtime: str, key: str) -> int:
    """Return how many integers the kernel showed for a dotted key; 0 where it is text."""
    if key in LISTS:
        return 0
    words = runtime.split()
    if words and all(re.fullmatch(r"-?[0-9]+", word) for word in words):
        return len(words)
    return 0


def kernel_value(text: str, count: int | None) -> Value | Unknown:
    """Return what the kernel makes of `text` for a key of `count` integers (0: text, None: not known, so judged by it).

    proc_get_long() in kernel/sysctl.c: blanks lead and separate, base 0 (0x100, 010), the rest after the wanted
    count is not looked at once a blank ends the number. Fewer integers than `count` set only the first ones.
    Unknown(MALFORMED) where the write is EINVAL.
    """
    text = text[:_LONGEST]
    if count is None:
        words = text.split()
        count = len(words) if words and len(words) < 9 and all(_INT.fullmatch(w) for w in words) else 0
    if count == 0:
        return text.strip()
    words = [word for word in re.split(r"[ \t\n]+", text) if word][:count]
    if not words:
        return Unknown(Reason.MALFORMED, "empty: the kernel takes no number from it")
    numbers = tuple(number for word in words if (number := _number(word)) is not None)
    if len(numbers) < len(words):
        return Unknown(Reason.MALFORMED, f"{text!r} is no number to the kernel")
    return numbers[0] if count == 1 else numbers


def _number(word: str) -> int | None:
    """Return a number of C, hexadecimal or octal too, None where a word is none."""
    digits = word.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX"
    try:
        number = int(digits, 8 if octal else 0) if _INT.fullmatch(word) else None
    except ValueError:
        return None
    return -number if number is not None and word[0] == "-" else number
