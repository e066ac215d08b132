"""What of a host is nearly used up now, whatever its settings are compared with."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.model import Use

NEAR = 0.9
"""The share of a limit from which a person wants to hear of it: with a tenth left, a busy hour is enough to meet it."""


def warnings(uses: Iterable[Use]) -> tuple[str, ...]:
    """Return a sentence for each use that is near its limit or beyond its knee, the nearest first; pure."""
    warned = [(use, sentence) for use in uses if (sentence := _sentence(use))]
    return tuple(sentence for _, sentence in sorted(warned, key=lambda pair: -pair[0].nearness))


def _sentence(use: Use) -> str:
    share = use.share
    # the bound of memory counts what is left of it
    if share is None or not use.used or use.kind == "memory":
        return ""
    figure = f"{use.name}: {use.used:,} of {use.limit:,} {use.unit} ({share * 100:.0f} %)"
    if share >= 1:
        return f"at its limit now: {figure}"
    if share >= NEAR:
        return f"near its limit now: {figure}"
    if use.knee and use.used >= use.knee:
        return f"slow now: {figure}, slow above {use.knee:,}"
    return ""
