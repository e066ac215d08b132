"""What a key is, what a role requires, whether a profile holds, as text."""

from __future__ import annotations

from hosttune.model import Explanation, RoleRequirements, ValidProfile
from hosttune.printable import cleaned


def explained(found: Explanation) -> str:
    """Return what a key is and which role wants what of it."""
    found = cleaned(found)
    rows = {
        "unit": found.unit,
        "default": found.default,
        "too low": found.too_low,
        "too high": found.too_high,
        "holds": found.scope,
        "source": found.source,
        "legal": f"{found.legal[0]:,} to {found.legal[1]:,}" if found.legal else "",
        "here now": found.now,
    }
    lines = [found.subject.label, f"  {found.what}"]
    lines += [f"  {label:<9} {text}" for label, text in rows.items() if text or label not in ("legal", "here now")]
    lines += [f"  {one.role}: {one.words}: {one.requirement.why}" for one in found.roles]
    return "".join(f"{line}\n" for line in lines)


def required(found: RoleRequirements) -> str:
    """Return what a profile requires."""
    found = cleaned(found)
    lines = [f"{found.name}: {found.title}"]
    lines.append(f"at {found.workload.connections:,} connections and {found.workload.rate:,} new ones per second")
    lines += [f"{key} {getattr(found.workload, key)}: {why}" for key, why in found.why.items()]
    for wanted in found.required:
        one = wanted.requirement
        lines += ["", str(one.subject), f"  set it {wanted.words}   [{one.severity}]", f"  why: {one.why}"]
        lines += [f"  source: {one.source}"]
    for one in found.waived:
        lines += ["", str(one.subject), f"  waived: {one.waived}"]
    return "".join(f"{line}\n" for line in lines)


def valid(found: ValidProfile) -> str:
    """Return that a profile file holds, and what is to be known of it."""
    found = cleaned(found)
    lines = [f"right, {found.rows} rows with those it extends", *found.notes]
    return "".join(f"{found.file}: {line}\n" for line in lines)
