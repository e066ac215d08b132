"""What a key is, what goes wrong where it is too low or too high, and which role requires what of it."""

from __future__ import annotations

from hosttune.model import Explanation
from hosttune.model.document import Document, Pairs

SCHEMA = "hosttune/explain/1"


def document(found: Explanation, verbose: bool) -> Document:
    """Return it."""
    rows = [
        ("what", found.what),
        ("unit", found.unit),
        ("default", found.default),
        ("too low", found.too_low),
        ("too high", found.too_high),
        ("holds", found.scope),
        ("source", found.source),
        ("legal", f"{found.legal[0]:,} to {found.legal[1]:,}" if found.legal else ""),
        ("here now", found.now),
    ]
    rows += [(role.role, f"{role.words}: {role.requirement.why}") for role in found.roles]
    pairs = Pairs(tuple(row for row in rows if row[1]), gap=False)
    return Document(f"What {found.subject.label} is", (found.subject.label,), (pairs,))
