"""Pages, help and manual use the words of the field: none of the words that were replaced comes back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import pages

WORDS = {
    r"\bmend(?:s|ed)?\b|\braise it:|\bmake it so\b": "fix",
    r"\b(?:can|could)(?: ?not)? be (?:told|seen)\b|\bno answer\b": "unknown, and why",
    r"\bnot looked at\b(?!, with)": "not checked, and why",
    r"\bwant(?:s|ed)?\b": "target; needs; is expected",
    r"\bbounds\b|\bbound\b(?! (?:to|sockets?|only)\b|[,.])": "limit",
    r"(?<!It )(?<!faq: )\bstalls at [\d{]": "limit: N connections",
    r"\bknees?\b|\bslow from\b": "slow above N",
    r"\bghosts?\b": "connections lost by SYN cookies",
    r"\btuples?\b": "source ports to one destination",
    r"(?<!that )\btakes? (?!longer|more|less|\d|some)(?!.{0,12}seconds?)": "needs; accepts; uses",
    r"\bt(?:ake|akes|aking|aken) (?:\w+ )?back\b|\blets? \w+ go\b": "undo",
    r"\bh(?:olds?|eld) (?:\w+ ){0,3}against\b": "compare with",
    r"\bcarr(?:y|ies)\b": "handle; reach the target",
    r"\bshall\b": "target; must",
    r"\bsent again\b": "retransmits",
    r"\bbegun\b|\bopened connections\b": "new connections",
    r"\babsent\b": "not found; not running; not set",
    r"\binvisible\b": "host-wide, not visible from this network namespace",
    r"\bat boot too\b(?! )": "now and at boot",
    r"\bmeanwhile\b": "in the last N s; since then",
    r"\bexclude[sd]\b(?! it\b)": "ruled out",
    r"\b(?:is|are|was|were) (?:told|said)\b": "given",
    r"\bthinned\b": "averaged",
    r"\bas far as (?:can be|is) (?:told|seen)\b": "leave it out",
    r"\bother applies want\b": "other applies still need",
    r"\bsay --": "use --",
    r"\bfigures?\b": "value, number",
    r"\bships\b": "built in",
    r"\bof your own\b": "your own",
}
"""What is not written, and what is instead: the glossary of the product."""

PARTS = [path for part in ("cli", "manual") for path in sorted((pages.REPO / "hosttune" / part).glob("*.py"))]
_BLOCK = re.compile(r"^```.*?^```$|^    [^\n]*$|<!--.*?-->", re.M | re.S)
_SPAN = re.compile(r"`[^`]*`")
_PRINTED = "hosttune/docs/prove.md"
"""A page whose tables were printed, and are not changed by hand."""


def prose(name: str, text: str) -> str:
    """Return the sentences of a page: no screen, no code, no table that a program printed."""
    if name == _PRINTED:
        text = re.sub(r"^\|.*$", "", text, flags=re.M)
    return " ".join(_SPAN.sub("CODE", _BLOCK.sub("", text)).split())


def literals(path: Path) -> Iterator[str]:
    """Yield what a source file prints: each text of several words, and the first sentences of each verb's help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.decorator_list and path.parent.name == "cli":
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value if " " in node.value.strip() else ""


def wrong(text: str) -> list[str]:
    """Return what of a text is not written, each with some words around it and what to say."""
    return [
        f"...{text[max(found.start() - 40, 0) : found.end() + 30]}... (say: {better})"
        for word, better in WORDS.items()
        for found in re.finditer(word, text, re.I)
    ]


# tests/README.md is for those who test: it names the functions of the tests
@pytest.mark.parametrize("name", sorted(pages.ALL.keys() - {"tests/README.md"}))
def test_no_page_has_a_word_that_was_replaced(name: str) -> None:
    assert not wrong(prose(name, pages.ALL[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", PARTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_help_has_one(path: Path) -> None:
    assert not [each for text in literals(path) for each in wrong(" ".join(_SPAN.sub("CODE", text).split()))]


@pytest.mark.parametrize("better", WORDS.values())
def test_what_is_said_instead_is_allowed(better: str) -> None:
    assert not wrong(better)


@pytest.mark.parametrize(
    "text",
    [
        "What the host shall carry.",
        "It takes root.",
        "Slow from 14,116 on, its knee.",
        "The figures, as far as can be told.",
        "All of it is taken back.",
        "Not one bound was hit.",
    ],
)
def test_each_kind_is_found(text: str) -> None:
    assert wrong(text)


def test_code_and_screens_are_no_sentences() -> None:
    assert prose("x.md", "a `knee` b\n\n    ghosts\n\n```console\n$ x\nshall\n```\nc\n") == "a CODE b c"
    assert prose(_PRINTED, "a\n| knee |\nb") == "a b"
