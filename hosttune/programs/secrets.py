"""Leave the secrets out of a configuration or a command line that is kept: no reader here needs one."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = r"passw|secret|token|credential|authoriz|cookie|\bpsk|private_?key|api_?key|inline_string|\bauth\b"
# where a word of these stands as a name, nothing behind it is a secret, and it decides who gets the connections
_PLAIN = r"server|default-server|server-template|bind|source|listen|use_backend|default_backend|upstream|location"
_LINE = re.compile(rf"(?im)((?:^(?!\s*(?:{_PLAIN})\b)|[{{}};])[^\n{{}};#]*?(?:{_WORDS})[^\s:=]*[\s:=]+)([^{{}};\n]*)")
_BLOCK = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)([^-]*)")
_OPTION = re.compile(rf"(?i)-.*(?:{_WORDS})")
_VALUE = re.compile(r"[^\s\"'{};,]+")


def without(text: str) -> str:
    """Return a text of a configuration with an x for each word that may be a secret; its lines stay as they are."""
    for pattern in (_LINE, _BLOCK):
        text = pattern.sub(lambda match: match[1] + _VALUE.sub("x", match[2]), text)
    return text


def without_in(words: Sequence[str]) -> list[str]:
    """Return the words of a command line in the same way; what follows an option for a secret is one."""
    before = ["", *words][: len(words)]
    return [
        "x" if _OPTION.fullmatch(last) and "=" not in last and not word.startswith("-") else without(word)
        for last, word in zip(before, words, strict=True)
    ]
