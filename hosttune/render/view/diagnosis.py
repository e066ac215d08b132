"""A diagnosis for a person, and as JSON (hosttune/diagnosis/1, diagnosis.schema.json)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hosttune.model import Cause, Certainty, Conclusion, Diagnosis, Use
from hosttune.printable import cleaned
from hosttune.render.formats.json import document
from hosttune.render.view import text_parts
from hosttune.render.view.figures import fold, memory

SCHEMA = "hosttune/diagnosis/1"
_CAUSES = 3
_NEAREST = 5
_NEAR = 0.5
_INDENT = len("    confirm  ")


@dataclass(frozen=True, slots=True)
class Renderer:
    """A renderer of one format, called as those of reports are."""

    format: str

    def render(
        self,
        found: Diagnosis,
        *,
        verbose: bool = False,
        color: bool = False,
        width: int = 80,
        unicode: bool = True,
    ) -> str:
        """Return the text."""
        return RENDERERS[self.format](found, verbose, color, max(width, 60), unicode)


def table(found: Diagnosis, verbose: bool, color: bool, width: int, unicode: bool) -> str:
    """Return the answer, its evidence, what to do; then what was excluded and what is unknown."""
    found = cleaned(found)
    lines = [*_head(found, width), "", *_answer(found, verbose, width)]
    lines += _list("next", found.next, width)
    lines += _uses(found, verbose, width)
    lines += _excluded(found, verbose, width)
    lines += _unknown(found, verbose, width)
    remarks = [f"note: {text}" for text in found.notes] + [f"root would add: {text}" for text in found.missing]
    lines += ["", *(line for text in remarks for line in fold(f"  {text}", width, "    "))] if remarks else []
    return text_parts.joined(lines, color, unicode)


def _head(found: Diagnosis, width: int) -> list[str]:
    machine = found.machine
    parts = [machine.hostname, machine.pretty, f"Linux {machine.kernel}" if machine.kernel else ""]
    parts.append(f"watched for {found.seconds:,.1f} s" if found.seconds else "one gathering, no rates")
    return fold(" · ".join(part for part in parts if part), width, "  ")


def _answer(found: Diagnosis, verbose: bool, width: int) -> list[str]:
    """Return the causes below the answer in one line; a cause that was found is the answer."""
    shown = found.causes if verbose else found.causes[:_CAUSES]
    lines = [] if found.conclusion is Conclusion.CAUSE else fold(f"  {_said(found)}", width, "    ")
    for number, cause in enumerate(shown):
        lines += [""] if lines else []
        lines += _cause(found, cause, number > 0 and found.conclusion is Conclusion.CAUSE, verbose, width)
    more = len(found.causes) - len(shown)
    return [*lines, "", f"  {more} more with -v"] if more else lines


def _said(found: Diagnosis) -> str:
    """Return the answer where it is no cause, without the clauses about causes that stand below it."""
    clauses = found.text.split("; ")
    kept = [text for text in clauses if not any(cause.what in text for cause in found.causes)]
    if len(kept) == len(clauses):
        return found.text
    general = "Not enough evidence" if found.conclusion is Conclusion.NOT_ENOUGH else "Nothing is sure to bind now"
    return f"{'; '.join(kept) or general}; it may be one of these:"


def _cause(found: Diagnosis, cause: Cause, also: bool, verbose: bool, width: int) -> list[str]:
    at = f", at {cause.at:,} {cause.unit}" if cause.at is not None else ""
    # what speaks against its rivals is said below, once for all that is excluded; of what is only possible beside a
    # cause that was found, -v says more
    rows = (
        ("for", [str(e) for e in cause.evidence]),
        ("but", [str(e) for e in cause.against]),
        ("log", [cause.log] if cause.log else []),
        ("fix", list(cause.fixes)),
        ("confirm", [cause.confirm] if cause.confirm and cause.confirm not in found.next else []),
    )
    lines = fold(f"  {'also ' if also else ''}{cause.certainty}: {cause.what}{at}", width, "    ")
    if also and cause.certainty is Certainty.POSSIBLE and not verbose:
        return lines
    return lines + [line for name, texts in rows for line in _row(name, texts, width)]


def _row(name: str, texts: Sequence[str], width: int) -> list[str]:
    """Return texts below each other beside their name, the later lines of each a little to the right."""
    lines = [line for text in texts for line in fold(text, width - _INDENT, "  ")]
    return [f"{'' if n else f'    {name}':<{_INDENT}}{line}" for n, line in enumerate(lines)]


def _list(title: str, texts: Sequence[str], width: int) -> list[str]:
    return (
        ["", f"  {title}:", *(line for text in texts for line in fold(f"    {text}", width, "      "))] if texts else []
    )


def _uses(found: Diagnosis, verbose: bool, width: int) -> list[str]:
    shown = [use for use in found.uses if use.share is not None]
    shown = shown if verbose else [use for use in shown if use.nearness >= _NEAR][:_NEAREST]
    return _list("nearest to a limit", [_use(use) for use in shown], width)


def _use(use: Use) -> str:
    knee = f", slow from {use.knee:,}" if use.knee else ""
    if use.unit == "bytes":
        return f"{use.name}: {memory(use.used)} of {memory(use.limit) if isinstance(use.limit, int) else '?'}{knee}"
    limit = f"{use.limit:,}" if isinstance(use.limit, int) else "?"
    return f"{use.name}: {use.used:,} of {limit} {use.unit}{knee}"


def _excluded(found: Diagnosis, verbose: bool, width: int) -> list[str]:
    """Return what is excluded: all of it, each with its value, where no cause was found; else what is taken for it."""
    if verbose or found.conclusion is not Conclusion.CAUSE:
        return _list("excluded", _apart(found.excluded, verbose), width)
    suspects = {one.text.partition(":")[0] for cause in found.causes[:1] for one in cause.rivals}
    near = [cause for cause in found.excluded if cause.kind in suspects]
    names = ", ".join(dict.fromkeys(cause.kind for cause in found.excluded if cause.kind not in suspects))
    texts = [*_apart(near, verbose), *([f"{'and ' if near else ''}(-v says why) {names}"] if names else [])]
    return _paragraph("excluded", texts, width)


def _unknown(found: Diagnosis, verbose: bool, width: int) -> list[str]:
    show = _list if verbose else _paragraph
    return show("unknown", _apart(found.unknown, verbose), width)


def _paragraph(title: str, texts: Sequence[str], width: int) -> list[str]:
    return ["", *fold(f"  {title}: {' · '.join(texts)}", width, "    ")] if texts else []


def _apart(causes: Sequence[Cause], verbose: bool) -> list[str]:
    """Return causes that are none with their value, those of one reason together; all of it and where if verbose."""
    alike: dict[str, list[str]] = {}
    for cause in causes:
        why = "; ".join(str(e) for e in cause.evidence)
        why = why if verbose else cause.evidence[0].text.partition("; ")[0] if cause.evidence else ""
        alike.setdefault(why, []).append(cause.kind)
    return [f"{', '.join(dict.fromkeys(ids))}: {why}" for why, ids in alike.items()]


def _json(found: Diagnosis, verbose: bool, color: bool, width: int, unicode: bool) -> str:
    return document(SCHEMA, found)


RENDERERS: dict[str, Callable[[Diagnosis, bool, bool, int, bool], str]] = {"table": table, "json": _json}
