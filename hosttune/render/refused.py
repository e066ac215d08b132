"""Why a plan is refused, each reason once, with a way out that can be pasted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hosttune.printable import clean
from hosttune.render import where_words

_EXCEPT = re.compile(r" ?--except (\S+)$")
_NOT_ROOT = re.compile(r"run as root|takes CAP_[A-Z_]+")

NOTHING = "nothing was changed"


def reasons(refusals: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return each reason with the keys that it holds for put together, and what --except would leave alone.

    A refusal is text of the form `WHAT: REASON`, at its end `--except WHAT` where it can be left alone.
    """
    groups: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for text in dict.fromkeys(refusals):
        key = _EXCEPT.search(text)
        what, colon, reason = text.partition(": ")
        if not colon or "\n" in text:
            what, reason = "", text
        groups.setdefault((_EXCEPT.sub("", reason), bool(key)), []).append((what, key[1] if key else ""))
    grouped = []
    for (reason, _), members in groups.items():
        heads = ", ".join(what for what, _ in members if what)
        keys = tuple(dict.fromkeys(key for _, key in members if key))
        if len(members) > 1:
            reason = reason.replace("leave it alone", "leave them alone")
        sentence = f"{heads}: {reason}" if heads else reason
        grouped.append(("\n".join(clean(line) for line in sentence.split("\n")), keys))
    return grouped


def not_root(refusals: Iterable[str], root: bool, command: str) -> tuple[str, list[str]]:
    """Return the one line that counts where only root is missing, "" otherwise; and the refusals beside that."""
    refusals = list(refusals)
    others = [text for text in refusals if not _NOT_ROOT.search(text)]
    if root or len(others) == len(refusals):
        return "", refusals
    return f"not root: {NOTHING}; sudo {clean(command)}", others


def line(refusals: Sequence[str], root: bool, command: str) -> str:
    """Return all reasons in one line; that only root is missing comes before all others."""
    first, others = not_root(refusals, root, command)
    sentences = [f"{reason}{_excepts(keys)}" for reason, keys in reasons(others)]
    # several lines of one reason are read as one here; `lines` has them to be pasted
    joined = "; also: ".join(" ".join(word.split("\n")) for word in sentences)
    return first or f"refused, {NOTHING}: {' '.join(joined.split())}"


def lines(refusals: Sequence[str], root: bool, command: str, width: int) -> list[str]:
    """Return the reasons for a person: one in one line, several below each other; no --except is broken."""
    first, others = not_root(refusals, root, command)
    grouped = reasons(others)
    shown = [f"hosttune: {first}"] if first else []
    if len(grouped) == 1 and "\n" in grouped[0][0]:
        return [*shown, *where_words.shown(f"refused, {NOTHING}: {grouped[0][0]}", width, "hosttune: ", "    ")]
    if len(grouped) == 1 and len(grouped[0][1]) < 2:
        return [
            *shown,
            f"hosttune: {line(others, True, command)}",
            *_again(grouped, command if root else f"sudo {command}"),
        ]
    if grouped:
        why = f", for {len(grouped)} reasons" if len(grouped) > 1 else ""
        shown.append(f"hosttune: refused, {NOTHING}{why}:")
    again = _again(grouped, command if root else f"sudo {command}")
    for reason, keys in grouped:
        shown += where_words.shown(reason, width, "  ", "    ")
        shown += [f"   {_excepts(keys)}"] if keys and not again else []
    return shown + again


def _again(grouped: Sequence[tuple[str, Sequence[str]]], command: str) -> list[str]:
    """Return the whole command with what is to be added, in a line of its own; nothing where there is none for all."""
    options: list[str] = []
    for reason, keys in grouped:
        found = [w for key in keys for w in ("--except", key)] or re.findall(r"--reserve-listeners\b", reason)[:1]
        if not found:
            return []
        options += found
    if not options:
        return []
    return ["  with that, the whole command:", f"    {clean(command)} {' '.join(options)}"]


def _excepts(keys: Sequence[str]) -> str:
    return "".join(f" --except {key}" for key in keys)
