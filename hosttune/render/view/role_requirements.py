"""What a profile requires of a host at a workload, and why."""

from __future__ import annotations

from hosttune.model import RoleRequirements
from hosttune.model.document import Block, Document, Pairs, Paragraph

SCHEMA = "hosttune/profile/1"


def document(role: RoleRequirements, verbose: bool) -> Document:
    """Return it."""
    load = role.workload
    blocks: tuple[Block, ...] = (
        Paragraph(f"at {load.connections:,} connections and {load.rate:,} new ones per second"),
        *(Paragraph(f"{key} {getattr(load, key)}: {why}") for key, why in role.why.items()),
        *(Paragraph(f"{key} {getattr(load, key)} is from: {text}") for key, text in role.numbers.items()),
        *(
            Pairs(
                (
                    ("set it", f"{row.words}   [{row.requirement.severity}]"),
                    ("why", row.requirement.why),
                    ("source", row.requirement.source),
                    *((("number", row.requirement.number_source),) if row.requirement.number_source else ()),
                ),
                str(row.requirement.subject),
            )
            for row in role.required
        ),
        *(Pairs((("waived", row.waived),), str(row.subject)) for row in role.waived),
    )
    return Document(f"{role.name}: {role.title}", (f"{role.name}: {role.title}",), blocks)
