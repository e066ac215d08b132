"""What is printed is written in the words of the field: none of another dialect is left in any text."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / "hosttune"
ELSEWHERE = ("cli", "docs", "manual")
"""Help and pages, which have tests of their own."""

WORDS = {
    r"\bmends?\b": "fix",
    r"\braise it:|\bmake it so\b": "fix",
    r"\b(?:cannot|could not|can not) be (?:told|seen|asked)\b|\bnot? \w+ (?:can|could) be told\b": "unknown",
    r"\bas far as\b.*\b(?:told|seen|known)\b": "leave it out; say how many are unknown",
    r"\bknees?\b|\bslow from\b": "slow above N",
    r"\bghosts?\b": "connections lost by SYN cookies",
    r"\b(?:is|are|was|were|be|what they) (?:all )?sent again\b|\bsent again [{\d]": "retransmitted, retransmits",
    r"\babsent here\b": "not found, not running, not set",
    r"\binvisible in\b": "host-wide, not visible from this network namespace",
    r"\b(?:is|are|was|were|been) (?:told|said)\b|\b(?:was|were) named\b|\bto have (?:that|it|them) told\b": "given",
    r"\blets? \w+ go\b": "undoes, removes",
    r"\bthinned out\b": "averaged",
    r"\bshall\b": "target; must",
    r"\bnot looked at\b": "not checked",
    r"\bexcluded:": "ruled out",
    r"\bt(?:ake|akes|aking|aken|ook) (?:\w+ )?back\b": "undo, undone",
    r"\bother applies want\b": "other applies still need",
    r"\bsay --|\b(?:say|said) (?:it|that) with\b|[;:] say \w+ (?:to|where|with)\b": "use, give",
    r"\bthat ships?\b|\bships with\b": "built in",
    r"\bstalls? at [{\d]|\bstalls at$": "limit",
    r"\b(?:hold|holds|held) (?:\w+ ){0,3}against\b": "compare with",
    r"(?<!be )(?<!are )(?<!is )(?<!only )(?<!a )(?<!by )\bbounds?\b(?! to\b| only\b| sockets?\b)": "limit",
    r"\bmeanwhile\b": "in the last N s, in that time",
    r"\b(?:was|were|connections) begun\b|\bbegun connections\b": "new connections",
    r"\bothers hold\b|\bare kept (?:for|back)\b": "in use by others, reserved",
    r"\bat boot too\b": "now and at boot",
    r"\bcarr(?:y|ies)(?: (?:\{|\d|no\b|none\b|it$|connections|the connections|nothing)|$)": "handle, reach the target",
    r"\bof your own\b": "your own",
    r"\bwants? (?:\{|>|<|at least)|\b(?:are|is) wanted\b|\bwanted [{\d]": "target; needs",
    r"\btuples?\b": "source ports to one destination",
    r"\bfor  ": "evidence",
}
"""Each phrase that is refused, and what is said instead."""

ALLOWED = {
    ("host/output_file.py", "give one of your own"): "the file belongs to somebody else: it is about whose it is",
}
"""Text that has such a phrase for a reason: the file and a part of the text, and the reason."""

PRINTED = ("title", "what", "why", "too_low", "too_high", "matters", "number_source", "default", "setting", "advice")
"""Fields of a profile that a report prints."""


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each string that is a value; `{}` stands for what an f-string puts in."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (parts | alone):
            yield node.lineno, node.value


def fields(value: Any, name: str = "") -> Iterator[str]:
    """Yield the texts of a profile that a report prints."""
    if isinstance(value, dict):
        for key, each in value.items():
            # a table of sources has a text a key
            yield from fields(each, "number_source" if name == "number_source" else key)
    elif isinstance(value, list):
        for each in value:
            yield from fields(each, name)
    elif isinstance(value, str) and name in PRINTED:
        yield value


def wrong(text: str) -> list[str]:
    """Return what of a text is refused, each with what to say; a single word is a name, and no text."""
    if " " not in text.strip():
        return []
    return [f"{found[0]!r} (say: {words})" for old, words in WORDS.items() if (found := re.search(old, text, re.I))]


def sources() -> Iterator[Path]:
    yield from (p for p in sorted(PACKAGE.rglob("*.py")) if p.relative_to(PACKAGE).parts[0] not in ELSEWHERE)


def complaints(path: Path) -> Iterator[str]:
    """Yield a line for each text of a source that is refused."""
    name = str(path.relative_to(PACKAGE))
    for line, text in literals(ast.parse(path.read_text())):
        if not any(name == file and part in text for file, part in ALLOWED):
            yield from (f"{name}:{line}: {each} in {text[:100]!r}" for each in wrong(text))


def test_no_printed_text_has_a_word_of_another_dialect() -> None:
    found = [complaint for path in sources() for complaint in complaints(path)]
    assert not found, "\n" + "\n".join(found)


def test_no_profile_has_one() -> None:
    found = [
        f"{path.relative_to(REPO)}: {each} in {text[:100]!r}"
        for path in sorted((REPO / "profiles").rglob("*.toml"))
        for text in fields(tomllib.loads(path.read_text()))
        for each in wrong(text)
    ]
    assert not found, "\n" + "\n".join(found)


def test_what_is_allowed_is_there() -> None:
    for (file, part), reason in ALLOWED.items():
        texts = [text for _, text in literals(ast.parse((PACKAGE / file).read_text())) if part in text]
        assert any(map(wrong, texts)) and reason, (file, part)


@pytest.mark.parametrize(
    "text",
    [
        "fs.nr_open: cannot be told",
        "stalls at {} connections",
        "slow from 100",
        "beyond the knee a new connection searches {} ports",
        "segments were sent again",
        "apply {} is taken back",
        "no bound is known",
        "Connections that the host shall carry.",
        "an area that was not looked at",
        "then say --yes",
        "absent here: x.cfg",
        "1 wants {} descriptors",
    ],
)
def test_it_refuses(text: str) -> None:
    assert wrong(text)


@pytest.mark.parametrize(
    "text", ["bound sockets", "a socket of {} is bound to {}", "Limit: {} connections", "slow above {}", "bound"]
)
def test_it_allows(text: str) -> None:
    assert not wrong(text)
