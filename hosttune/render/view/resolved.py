"""The answer of `hosttune resolve` as text: one block a key, the winner first, what it overrides below."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.model import FileValue, KeyResolution, NofileResolution, Origin, Resolution, Unknown
from hosttune.printable import cleaned


def table(resolution: Resolution) -> str:
    """Return the text of a resolution."""
    resolution = cleaned(resolution)
    lines: list[str] = []
    for key, row in resolution.sysctl.items():
        lines.extend(_key(key, row))
    for kind, rows in (("login", resolution.login), ("unit", resolution.unit)):
        for name, limits in rows.items():
            lines.extend(_nofile(kind, name, limits))
    if not lines:
        lines.append("no configuration file sets any sysctl")
    lines.extend(f"warning: {warning}" for warning in resolution.warnings)
    lines.append(f"at boot: {resolution.boot_loader} · on reload: {resolution.reload_loader}")
    return "\n".join(lines) + "\n"


def _key(key: str, row: KeyResolution) -> list[str]:
    now = f"({row.runtime})" if isinstance(row.runtime, Unknown) and not row.text else row.text
    lines = [key, f"  now   {now}", f"  boot  {_side(row.boot)}{'   differs from now' if row.differs else ''}"]
    lines += _overridden(row.boot.overrides if row.boot else ())
    if not row.agree:
        lines.append(f"  `sysctl --system` would differ: {_side(row.reload)}")
    return lines


def _side(side: FileValue | None) -> str:
    if side is None:
        return "no file sets it"
    refused = f"   the kernel will not take it: {side.value}" if isinstance(side.value, Unknown) else ""
    return f"{side.origin.text}   {side.origin}{refused}"


def _nofile(kind: str, name: str, row: NofileResolution) -> list[str]:
    limits = "the session is refused" if row.refused else f"soft {_limit(row.soft)}  hard {_limit(row.hard)}"
    missing = "" if row.exists else "   (no such unit here)"
    lines = [f"nofile of {kind} {name}", f"  boot  {limits}{missing}"]
    lines += [f"        by {origin.text}   {origin}" for origin in row.lines]
    lines += _overridden(row.overrides)
    unknown = [str(value) for value in (row.soft, row.hard) if isinstance(value, Unknown)]
    return lines + [f"        {note}" for note in (*row.notes, *unknown)]


def _overridden(origins: Iterable[Origin]) -> list[str]:
    return [f"        overrides {origin.text}   {origin}" for origin in origins]


def _limit(value: int | Unknown | None) -> str:
    return f"{value:,}" if isinstance(value, int) else "unknown"
