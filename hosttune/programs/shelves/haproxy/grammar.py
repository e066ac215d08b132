"""The words at which a section of an haproxy.cfg begins, and those that can only stand within one."""

from __future__ import annotations

import re
from pathlib import Path

from hosttune.programs import looks


def listed(name: str) -> frozenset[str]:
    """Return the words of a list of this directory, without its comments."""
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


PROXIES = frozenset({"frontend", "backend", "listen"})
WITH_DEFAULTS = PROXIES | {"defaults"}
# REGISTER_CONFIG_SECTION of 2.6 (src/*.c) to 3.3
SECTIONS = WITH_DEFAULTS | {
    *("global", "peers", "resolvers", "userlist", "program", "cache", "mailers", "namespace_list", "ring"),
    *("log-forward", "http-errors", "fcgi-app", "crt-store", "traces", "log-profile", "acme"),
}

_WITHIN = listed("directives.txt")
_FAMILIES = ("http-", "tcp-", "ssl-", "tune.", "lua-", "srv", "req", "rsp", "httpclient.", "h1-", "h2-", "51degrees-")

_HEAD = re.compile(
    r"^[ \t]*(?:(?:global|traces)[ \t]*|defaults(?:[ \t]+[^\s{};]+){0,3}[ \t]*"
    r"|(?:frontend|backend|listen|peers|resolvers|userlist|program|cache|mailers|ring|log-forward|http-errors|fcgi-app"
    r"|crt-store|log-profile|acme)[ \t]+[^\s{};]+(?:[ \t]+from[ \t]+[^\s{};]+)?[ \t]*)(?:#[^\n]*)?\r?$",
    re.MULTILINE,
)


def recognises(text: str) -> bool:
    """Say whether a line of the text begins a section as HAProxy has them: its word, and a name where it takes one.

    A manifest, a script or a patch may have a whole haproxy.cfg within it, which starts nothing as it stands.
    """
    return bool(_HEAD.search(text)) and not looks.wraps(text)


def stands_within(word: str) -> bool:
    """Say whether a word is known to stand within a section, so that it begins none."""
    return word in _WITHIN or word.startswith(_FAMILIES)
