"""What a key is, what goes wrong where it is too low or too high, and which role requires what of it."""

from __future__ import annotations

from hosttune.model import Explained, Explanation
from hosttune.model.document import Document, Mark, Pairs, Role

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
        ("unit", subject.unit),
        ("default", subject.default),
        ("too low", subject.too_low),
        ("too high", subject.too_high),
        ("holds", subject.scope),
        ("source", subject.source),
        ("legal", f"{subject.legal[0]:,} to {subject.legal[1]:,}" if subject.legal else ""),
        ("here now", subject.now),
    ]
    rows += [(role.role, f"{role.words}: {role.requirement.why}") for role in subject.roles]
    numbers: dict[str, list[str]] = {}
    for role in subject.roles:
        numbers.setdefault(role.requirement.number_source, []).append(role.role)
    rows += [("number", f"{text} ({', '.join(roles)})") for text, roles in numbers.items() if text]
    return tuple(row for row in rows if row[1])
