"""What a profile requires of a host at a workload, and why."""

from __future__ import annotations

from hosttune.model import RoleRequirements
from hosttune.model.document import Block, Document, Pairs, Paragraph

SCHEMA = "hosttune/profile/1"


def document(found: RoleRequirements, verbose: bool) -> Document:
    """Return it."""
    load = found.workload
    blocks: tuple[Block, ...] = (
        Paragraph(f"at {load.connections:,} connections and {load.rate:,} new ones per second"),
        *(Paragraph(f"{key} {getattr(load, key)}: {why}") for key, why in found.why.items()),
        *(
            Pairs(
                (
                    ("set it", f"{wanted.words}   [{wanted.requirement.severity}]"),
                    ("why", wanted.requirement.why),
                    ("source", wanted.requirement.source),
                ),
                str(wanted.requirement.subject),
            )
            for wanted in found.required
        ),
        *(Pairs((("waived", row.waived),), str(row.subject)) for row in found.waived),
    )
    return Document(f"{found.name}: {found.title}", (f"{found.name}: {found.title}",), blocks)
