"""A diagnosis for a person, and as JSON (hosttune/diagnosis/1, diagnosis.schema.json)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hosttune.model import Cause, Conclusion, Diagnosis, Use
from hosttune.render import _parts
from hosttune.render._figures import fold
from hosttune.render.json import document

SCHEMA = "hosttune/diagnosis/1"
_NEAREST = 5
_NEAR = 0.5


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
    """Return the answer, its evidence, what to do; then what was excluded and what could not be seen."""
    lines = [*_head(found, width), "", *fold(f"  {found.text}", width, "    ")]
    for number, cause in enumerate(found.causes):
        if number < 3 or verbose:
            lines += ["", *_cause(cause, width)]
    if found.next:
        lines += ["", "  next:", *(line for text in found.next for line in fold(f"    {text}", width, "      "))]
    lines += _uses(found, verbose, width)
    lines += _excluded(found, verbose, width)
    for text in found.notes:
        lines += fold(f"  note: {text}", width, "    ")
    for text in found.missing:
        lines += fold(f"  root would add: {text}", width, "    ")
    return _parts.joined(lines, color, unicode)


def _head(found: Diagnosis, width: int) -> list[str]:
    machine = found.machine
    parts = [machine.hostname, machine.pretty, f"Linux {machine.kernel}" if machine.kernel else ""]
    parts.append(f"watched for {found.seconds:,.1f} s" if found.seconds else "one gathering, no rates")
    return fold(" · ".join(part for part in parts if part), width, "")


def _cause(cause: Cause, width: int) -> list[str]:
    at = f", at {cause.at:,} {cause.unit}" if cause.at is not None else ""
    lines = fold(f"  {cause.certainty}: {cause.what}{at}", width, "    ")
    rows = [f"for: {one}" for one in cause.evidence] + [f"but: {one}" for one in cause.against]
    rows += [f"not {one}" for one in cause.rivals]
    rows += [f"log: {cause.log}"] if cause.log else []
    rows += [f"fix: {text}" for text in cause.fixes]
    rows += [f"confirm: {cause.confirm}"] if cause.confirm else []
    return lines + [line for row in rows for line in fold(f"    {row}", width, "      ")]


def _uses(found: Diagnosis, verbose: bool, width: int) -> list[str]:
    shown = [use for use in found.uses if use.share is not None]
    shown = shown if verbose else [use for use in shown if use.nearness >= _NEAR][:_NEAREST]
    return ["", "  nearest to a limit:", *(line for use in shown for line in _use(use, width))] if shown else []


def _use(use: Use, width: int) -> list[str]:
    knee = f", slow from {use.knee:,}" if use.knee else ""
    limit = f"{use.limit:,}" if isinstance(use.limit, int) else "?"
    return fold(f"    {use.name}: {use.used:,} of {limit} {use.unit}{knee}", width, "      ")


def _excluded(found: Diagnosis, verbose: bool, width: int) -> list[str]:
    lines = [""]
    # that no limit of the host is it rests on these alone
    shown = verbose or found.conclusion is Conclusion.OWN_LIMIT
    for cause in found.excluded if shown else ():
        lines += fold(f"  not {cause.id}: {'; '.join(map(str, cause.evidence))}", width, "    ")
    if found.excluded and not shown:
        names = ", ".join(dict.fromkeys(cause.id for cause in found.excluded))
        lines += fold(f"  excluded (-v says why): {names}", width, "    ")
    for cause in found.unseen:
        lines += fold(f"  could not be seen: {cause.id}: {'; '.join(map(str, cause.evidence))}", width, "    ")
    return lines


def _json(found: Diagnosis, verbose: bool, color: bool, width: int, unicode: bool) -> str:
    return document(SCHEMA, found)


RENDERERS: dict[str, Callable[[Diagnosis, bool, bool, int, bool], str]] = {"table": table, "json": _json}
