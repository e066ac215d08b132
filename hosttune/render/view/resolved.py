"""The answer of `hosttune resolve` as text: one block a key, the winner first, what it beats below."""

from __future__ import annotations

from typing import Any

from hosttune.printable import cleaned


def table(found: dict[str, Any]) -> str:
    """Return the text of a resolve document (schema hosttune/resolve/1)."""
    found = cleaned(found)
    lines: list[str] = []
    for key, row in found["sysctl"].items():
        lines.extend(_key(key, row))
    for kind, rows in found["nofile"].items():
        for name, row in rows.items():
            lines.extend(_nofile(kind, name, row))
    if not lines:
        lines.append("no configuration file sets any sysctl")
    lines.extend(f"warning: {warning}" for warning in found["warnings"])
    lines.append(f"at boot: {found['rules']['systemd']} · on reload: {found['rules']['procps']}")
    return "\n".join(lines)


def _key(key: str, row: dict[str, Any]) -> list[str]:
    boot, reload, now = row["systemd"], row["procps"], row["runtime"]
    shown = now["text"] if now["text"] is not None else f"({now['unknown']})"
    lines = [key, f"  now   {shown}"]
    lines.append(f"  boot  {_side(boot)}{'   differs from now' if row['differs'] else ''}")
    lines.extend(f"        beats {beaten['text']}   {_at(beaten)}" for beaten in (boot or {}).get("beats", []))
    if not row["agree"]:
        lines.append(f"  `sysctl --system` would differ: {_side(reload)}")
    return lines


def _side(side: dict[str, Any] | None) -> str:
    if side is None:
        return "no file sets it"
    refused = f"   the kernel will not take it: {side['refused']}" if side["refused"] else ""
    return f"{side['text']}   {_at(side)}{refused}"


def _nofile(kind: str, name: str, row: dict[str, Any]) -> list[str]:
    refused = row.get("refused")
    limits = "the session is refused" if refused else f"soft {_limit(row['soft'])}  hard {_limit(row['hard'])}"
    missing = "   (no such unit here)" if row.get("exists") is False else ""
    lines = [f"nofile of {kind} {name}", f"  boot  {limits}{missing}"]
    lines.extend(f"        by {line['text']}   {_at(line)}" for line in row["lines"])
    lines.extend(f"        beats {line['text']}   {_at(line)}" for line in row["beats"])
    lines.extend(f"        {note}" for note in row["notes"])
    return lines


def _limit(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _at(place: dict[str, Any]) -> str:
    return f"{place['file']}:{place['line']}"
