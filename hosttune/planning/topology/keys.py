"""What the value of a key may be: each check returns the value as the model holds it, or says what is wrong with it."""

from __future__ import annotations

import difflib
import re
from fractions import Fraction
from typing import Any

from hosttune.model.topology import Leg
from hosttune.planning.topology import addresses, sizes

TIER = re.compile(r"[a-z][a-z0-9-]{0,31}")
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PORTS = re.compile(r"(\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*)?", re.ASCII)


def shown(value: Any) -> str:
    """Return a value as it is named in an error: one short line, whatever it holds."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**18 else "a number of more than 18 digits"
    return printed(text if len(text) <= 60 else text[:57] + "...")


def printed(text: str) -> str:
    """Return a text as one line: what does not print is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def nearest(text: str, known: tuple[str, ...]) -> str:
    """Return the one that was meant, or else all there are."""
    near = difflib.get_close_matches(text, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def many(count: int, noun: str, more: str = "") -> str:
    """Return a count with its noun: "1 host", "2 hosts"."""
    return f"{count:,} {noun if count == 1 else more or noun + 's'}"


def wanted(value: Any) -> Any:
    """Return what may be "?" as None: a number to be found."""
    return None if value == "?" else value


def size(value: Any) -> Any:
    """Return a size in bytes, of a text with a unit too."""
    return sizes.size(value) if isinstance(value, str) else value


def headroom(value: Any) -> Fraction:
    """Check a share: 0.1 or "10%", at most 0.9."""
    percent = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]{1,3})?) ?%", value) if isinstance(value, str) else None
    share = Fraction(percent[1]) / 100 if percent else None
    if share is None and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 0.9:
        share = Fraction(str(value))
    if share is None or share > Fraction(9, 10):
        raise ValueError(f'{shown(value)} is no share of 0 to 0.9; write 0.1 or "10%"')
    return share


def texts(value: Any) -> list[str]:
    """Check a list of texts; a single one is a list too."""
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f'{shown(value)} is no list of texts; write ["...", "..."]')
    return words


def listed(value: Any) -> Any:
    """Return a single port as a list of it."""
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def once(ports: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse a port that is there twice."""
    if len(set(ports)) < len(ports):
        raise ValueError(f"{shown(list(ports))} names a port twice; write each once")
    return ports


def reserved(value: Any) -> str:
    """Check a list of ports as the kernel takes it (proc_do_large_bitmap, kernel/sysctl.c)."""
    plain = value.replace(" ", "") if isinstance(value, str) and len(value) <= 4000 else "?"
    spans = [item.split("-") for item in plain.split(",")] if _PORTS.fullmatch(plain) and plain else []
    if plain and not (spans and all(int(span[0]) <= int(span[-1]) <= 65535 for span in spans)):
        raise ValueError(f'{shown(value)} is no list of ports; write "1883,8000-8010"')
    return plain


def paths(value: Any) -> tuple[str, ...]:
    """Check a list of paths below the folder of the topology."""
    files = tuple(texts(value))
    for file in files:
        if not file or len(file) > 1000 or _UNPRINTED.search(file) or file.startswith("/") or ".." in file.split("/"):
            raise ValueError(f"{shown(file)} leaves the folder of the topology; write a path below it, without ..")
    if len(set(files)) < len(files):
        raise ValueError(f"{shown(value)} names a file twice; write each once")
    return files


def legs(value: Any) -> tuple[Leg, ...]:
    """Check where a tier connects to: "lb", ["lb", "edge"] as one leg, {db = 2} as one leg a tier."""
    if isinstance(value, dict):
        return tuple(Leg((_tier(name),), _per(per)) for name, per in value.items())
    names = tuple(_tier(name) for name in texts(value))
    if len(set(names)) < len(names):
        raise ValueError(f"{shown(value)} names a tier twice; write each once, or {{{names[0]} = 2}}")
    return (Leg(names),) if names else ()


def _per(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 64:
        raise ValueError(f"{shown(value)} is no number of connections for each; write 1 to 64")
    return value


def _tier(name: str) -> str:
    if not TIER.fullmatch(name):
        raise ValueError(f"{shown(name)} is no name of a tier; write a-z, 0-9 and -, a letter first")
    return name


def address_list(value: Any, left: list[int]) -> tuple[str, ...]:
    """Check addresses; `left` is how many more the file may have, and is counted down."""
    expanded = addresses.expand(texts(value), left[0])
    left[0] -= len(expanded)
    if len({addresses.family(address) for address in expanded}) > 1:
        raise ValueError("IPv4 and IPv6 in one list; write one family, and a tier of its own for the other")
    return expanded
