"""What a file looks like that is no configuration of a program that is read: said where it is refused."""

from __future__ import annotations

import json
import re

_HEAD = 1 << 16  # characters that are looked at
_MAGIC = {
    "\x1f\udc8b": "a gzip archive",
    "\x7fELF": "a program",
    "PK\x03\x04": "a zip archive",
    "BZh": "a bzip2 archive",
    "-----BEGIN ": "PEM, a key or a certificate",
}
_NAME = r"[A-Za-z_][\w.-]{0,60}"
_TEMPLATE = re.compile(r"^[^#\n]{0,500}?(\{%-?[ \t]+\w|\{\{-?[ \t]*[\w.$][^{}=,;\n]{0,200}\}\})", re.M)
_APACHE = ("VirtualHost", "Directory", "Proxy", "Location", "IfModule", "Files", "LocationMatch", "IfDefine")


def template(text: str) -> int:
    """Return the line at which a text is a template that was not rendered (Jinja, Helm), 0 where it is none."""
    match = _TEMPLATE.search(text[:_HEAD])
    return text.count("\n", 0, match.start(1)) + 1 if match else 0


def wraps(text: str) -> str:
    """Return what a text is that may have a configuration within it and is none itself, else ""."""
    head = text[:_HEAD].lstrip("\ufeff")
    if shebang := re.match(r"#!\s*(\S{1,60})", head):
        return "" if re.search(r"(haproxy|nginx|envoy|mosquitto)\b", shebang[1]) else f"a script for {shebang[1]}"
    first = re.sub(r"\A(?:[ \t]*(?:#[^\n]*)?\n)+", "", head)
    if re.match(r"diff --git |--- \S[^\n]*\n\+\+\+ ", first):
        return "a patch"
    if re.search(r"^apiVersion:\s", head, re.M) and (kind := re.search(r"^kind:\s*(\w{1,60})", head, re.M)):
        return f"a {kind[1]} of Kubernetes, not the file within it"
    if re.match(r"---[ \t]*\r?\n|(- )?[\w\"'.-]{1,80}[ \t]*:(\s|\Z)", first):
        return "YAML without static_resources"
    return ""


def like(text: str) -> str:
    """Return what a text looks like, in a few words without control characters: `XML with the root <x>`."""
    head = text[:_HEAD].lstrip("\ufeff")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return what
    if _binary(head):
        return "binary"
    lines = [line for line in head.splitlines() if line.strip() and line.strip()[0] not in "#;"]
    if not lines:
        return "nothing but comments" if head.strip() else "empty"
    return wraps(head) or _document(head) or _lines(lines)


def _binary(head: str) -> bool:
    odd = sum(not char.isprintable() and char not in "\t\n\r\f" for char in head[:4096])
    return "\0" in head or 10 * odd > len(head[:4096])


def _document(head: str) -> str:
    """Return what it is where it begins as a document does that has a root, else ""."""
    bare = re.sub(r"\A(?:\s*(?:#|//)[^\n]*\n)+", "", head).lstrip()
    if bare[:1] == "<":
        root = re.search(rf"<({_NAME})", bare)
        if root and root[1] in _APACHE:
            return "a configuration of Apache"
        return f"XML with the root <{root[1]}>" if root else "XML without a root"
    if re.match(r"\{\s*(\"|\}|\Z)", bare):
        names = re.findall(rf'^[{{\s]{{0,4}}"({_NAME})"\s*:', bare, re.M)[:3]
        return f"JSON with {', '.join(names)}, without static_resources" if names else "JSON without static_resources"
    if re.match(r"\[\s*[\[{\"\d\]]", bare) and _is_json(bare):
        return "a list in JSON"
    return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return len(text) >= _HEAD - 1024
    return True


def _lines(lines: list[str]) -> str:
    """Return what most of its lines look like."""
    sections = [line.strip() for line in lines if re.fullmatch(r"\s*\[{1,2}[^\[\]]{1,80}\]{1,2}\s*", line)]
    assigned = sum(re.match(rf"\s*(export\s+)?{_NAME}\s*=", line) is not None for line in lines)
    keyed = sum(re.match(r"\s*(-\s+)?[\w\"'./-]{1,80}\s*:(\s|$)", line) is not None for line in lines)
    listed = sum(re.match(r"\s*(-\s|---)", line) is not None for line in lines)
    blocks = sum(re.search(r"[{}]\s*$", line) is not None for line in lines)
    if sections and assigned + len(sections) > len(lines) / 2:
        return f"INI or TOML with the section {sections[0]}"
    if keyed and keyed + listed > len(lines) / 2:
        return "YAML without static_resources"
    if assigned > len(lines) / 2:
        return "lines of KEY = VALUE"
    if blocks > len(lines) / 4:
        return "blocks in braces, of directives that nginx does not have"
    return "text of no form that is known"
