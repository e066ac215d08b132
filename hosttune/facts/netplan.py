"""Where netplan defines an interface (netplan(5)): found by the outline of its YAML, which is all that is read."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.host import Host, text

SECTIONS = ("ethernets", "bonds", "bridges", "vlans", "wifis")
"""Where a definition may be joined by one of a few lines in another file; others ask for keys of their own in each."""

_NOT_DEVICES = ("openvswitch",)  # which is no section of devices
_KEY = re.compile(
    r"""(?:"(?P<double>[^"\\]*)"|'(?P<single>[^']*)'|(?P<plain>[^\s#&*!|>%@`"'{}\[\],-][^#{}\[\]]*?))"""
    r"""\s*:(?:\s+(?P<rest>.*))?$"""
)


@dataclass(frozen=True, slots=True)
class Definition:
    """The file, the section and the id; where these are unknown, or are not for us to write, `unclear` says why."""

    path: str
    section: str = ""
    id: str = ""
    unclear: str = ""


def find(host: Host, name: str, id_: str) -> Definition | None:
    """Return the definition of an interface; `id_` is its id where networkd's file shows it, "" where it does not."""
    for path in host.glob("/etc/netplan/*.yaml"):
        if "hosttune" not in path and (definition := _in_file(path, text(host, path), name, id_)):
            return definition
    return None


def _in_file(path: str, yaml: str, name: str, id_: str) -> Definition | None:
    sections: dict[tuple[str, str], dict[str, str]] = {}
    word = re.compile(rf"(?<![\w.-]){re.escape(id_ or name)}(?![\w.-])")
    for keys, rest in outline(yaml):
        if keys[0] != "network" or keys[1:2] == _NOT_DEVICES or len(keys) > 4:
            continue
        if len(keys) < 3 and rest[:1] in ("{", "[") and word.search(rest):
            reason = f"{path} names {id_ or name} in {{}}, which hosttune does not read: write it in lines"
            return Definition(path, unclear=reason)
        if len(keys) > 2:
            below = sections.setdefault((keys[1], keys[2]), {})
            below |= {keys[3]: rest} if len(keys) == 4 else _inline(rest)
    definitions = (_defined(path, *where, below, name, id_) for where, below in sections.items())
    return next((definition for definition in definitions if definition), None)


def _inline(rest: str) -> dict[str, str]:
    """Return the keys of `eth0: {match: {...}}`, which may be any of the words."""
    return dict.fromkeys(re.findall(r"[\w-]+(?=\s*:)", rest), "{") if rest[:1] == "{" else {}


def _defined(path: str, section: str, own: str, below: dict[str, str], name: str, id_: str) -> Definition | None:
    """Return what a definition of this id and these keys is for the interface, None where it is of another."""
    renamed = below.get("set-name", "").strip("\"'")
    if own != id_ if id_ else name not in (own, renamed):
        return None
    if section not in SECTIONS:
        return Definition(path, unclear=f"{path} defines {own} below {section}, which hosttune does not write")
    if not id_ and "match" in below and renamed != name:
        return Definition(path, unclear=f"whether {own} of {path} matches {name} is unknown from the file")
    return Definition(path, section, own)


def outline(yaml: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key of the block mappings with those above it, outermost first, and what follows it on its line.

    A value in braces or brackets follows whole, over however many lines. Items of lists are passed over.
    """
    above: list[tuple[int, str]] = []
    lines = deque(yaml.expandtabs(1).splitlines())
    while lines:
        line = lines.popleft()
        body = re.sub(r"(?:^|\s)#.*", "", line).strip()
        indent = len(line) - len(line.lstrip(" "))
        match = _KEY.match(body)
        if not match or body[:2] == "- ":
            continue
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, next(key for key in match.group("double", "single", "plain") if key is not None)))
        yield tuple(key for _, key in above), _rest(match["rest"] or "", lines, indent)


def _rest(rest: str, lines: deque[str], indent: int) -> str:
    """Return what follows a key, and take the lines on which it goes on: of a text in a block, none of it."""
    while rest[:1] in ("{", "[") and lines and _open(rest):
        rest += " " + re.sub(r"(?:^|\s)#.*", "", lines.popleft()).strip()
    while rest[:1] in ("|", ">") and lines and (not lines[0].strip() or lines[0].startswith(" " * (indent + 1))):
        lines.popleft()
    return rest


def _open(flow: str) -> bool:
    bare = re.sub(r""""[^"]*"|'[^']*'""", "", flow)
    return sum(bare.count(c) for c in "{[") > sum(bare.count(c) for c in "}]")
