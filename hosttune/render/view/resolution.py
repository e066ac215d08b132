"""What files make of sysctls and of descriptor limits: the winner first, what it overrides below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hosttune.model import FileValue, KeyResolution, NofileResolution, Origin, PatternResolution, Resolution, Unknown
from hosttune.model.document import Block, Document, Pairs, Paragraph, paragraphs
from hosttune.model.roles import Role

SCHEMA = "hosttune/resolve/1"
Rows = Iterator[tuple[str, str]]


def document(resolution: Resolution, verbose: bool) -> Document:
    """Return it: a block for each key, login and unit."""
    keys = [Pairs(tuple(_key(row)), key, _role(row)) for key, row in resolution.sysctl.items()]
    limits = [
        Pairs(tuple(_nofile(row)), f"nofile of {kind} {name}")
        for kind, rows in (("login", resolution.login), ("unit", resolution.unit))
        for name, row in rows.items()
    ]
    patterns = [Pairs(tuple(_pattern(row)), pattern) for pattern, row in resolution.patterns.items()]
    blocks: tuple[Block, ...] = (
        *keys,
        *patterns,
        *limits,
        *(() if keys or limits or patterns else (Paragraph("no configuration file sets any sysctl"),)),
        *paragraphs(resolution.warnings, label="warning", gap=True),
        Paragraph(
            f"{resolution.boot_loader} · on reload: {resolution.reload_loader}", "at boot", gap=not resolution.warnings
        ),
    )
    return Document("What the files on disk decide", (), blocks)


def _role(row: KeyResolution) -> Role:
    return Role.DRIFT if row.differs else Role.PLAIN


def _key(row: KeyResolution) -> Rows:
    yield "now", f"({row.runtime})" if isinstance(row.runtime, Unknown) and not row.text else row.text
    yield "boot", f"{_side(row.boot)}{'   differs from now' if row.differs else ''}"
    yield from _overridden(row.boot.overrides if row.boot else ())
    if not row.agree:
        yield "reload", f"`sysctl --system` would differ: {_side(row.reload)}"


def _pattern(row: PatternResolution) -> Rows:
    yield "boot", f"{row.origin.text}   {row.origin}"
    yield from _overridden(row.overrides)
    matched = ", ".join(row.keys) or "none of them"
    yield (
        "note",
        f"a pattern; it matches these known keys: {matched}; at boot it is compared with all keys of the kernel",
    )


def _side(side: FileValue | None) -> str:
    if side is None:
        return "no file sets it"
    refused = f"   the kernel will not take it: {side.value}" if isinstance(side.value, Unknown) else ""
    return f"{side.origin.text}   {side.origin}{refused}"


def _nofile(row: NofileResolution) -> Rows:
    limits = "the session is refused" if row.refused else f"soft {_limit(row.soft)}  hard {_limit(row.hard)}"
    yield "boot", f"{limits}{'' if row.exists else '   (no such unit here)'}"
    yield from (("boot", f"by {origin.text}   {origin}") for origin in row.lines)
    yield from _overridden(row.overrides)
    unknown = [str(value) for value in (row.soft, row.hard) if isinstance(value, Unknown)]
    yield from (("note", note) for note in (*row.notes, *unknown))


def _overridden(origins: Iterable[Origin]) -> Rows:
    yield from (("boot", f"overrides {origin.text}   {origin}") for origin in origins)


def _limit(value: int | Unknown | None) -> str:
    return f"{value:,}" if isinstance(value, int) else "unknown"
