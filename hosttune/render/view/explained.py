"""What a key is, what goes wrong where it is too low or too high, and which role requires what of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hosttune.model import Explained, Explanation, Wanted
from hosttune.model.document import Document, Pairs
from hosttune.model.roles import Mark, Role

SCHEMA = "hosttune/explain/1"


def document(explained: Explained, verbose: bool) -> Document:
    """Return it, a block for each subject."""
    blocks = tuple(
        Pairs(_rows(subject), subject.subject.label, marks=_marks(subject)) for subject in explained.subjects
    )
    return Document(", ".join(subject.subject.label for subject in explained.subjects), (), blocks)


def _marks(subject: Explanation) -> tuple[Mark, ...]:
    """Return the sources, which few read."""
    numbers = dict.fromkeys(role.requirement.number_source for role in subject.roles)
    return tuple(Mark(text, Role.SOURCE) for text in (subject.source, *numbers) if text)


def _rows(subject: Explanation) -> tuple[tuple[str, str], ...]:
    rows = [
        ("what", subject.what),
        ("gone", f"since Linux {subject.gone}" if subject.gone else ""),
        ("no effect", f"since Linux {subject.inert}" if subject.inert else ""),
        ("matters", subject.matters),
        ("here now", subject.now),
        ("default", subject.default),
        ("unit", subject.unit),
        ("since", f"Linux {subject.since}" if subject.since else ""),
        ("too low", subject.too_low),
        ("too high", subject.too_high),
        ("legal", f"{subject.legal[0]:,} to {subject.legal[1]:,}" if subject.legal else ""),
        ("scope", subject.scope),
        ("source", subject.source),
    ]
    for why, wanted in _alike(subject.roles, lambda role: role.requirement.why).items():
        rows.append(("required", f"{_values(wanted)}: {why}"))
    for number, wanted in _alike(subject.roles, lambda role: role.requirement.number_source).items():
        rows.append(("number", f"{number} ({_roles(wanted)})"))
    return tuple(row for row in rows if row[1])


def _values(wanted: Sequence[Wanted]) -> str:
    """Return what the roles require, those together that require the same."""
    same = _alike(wanted, lambda role: role.words.removeprefix("to "))
    return ", ".join(f"{value} ({_roles(roles)})" for value, roles in same.items())


def _roles(wanted: Sequence[Wanted]) -> str:
    return ", ".join(role.role for role in wanted)


def _alike(wanted: Sequence[Wanted], text: Callable[[Wanted], str]) -> dict[str, list[Wanted]]:
    """Return the roles of which the same is said, by that text."""
    same: dict[str, list[Wanted]] = {}
    for role in wanted:
        if said := text(role):
            same.setdefault(said, []).append(role)
    return same
