"""Proofs as a table for a person, as Markdown for a document, and as JSON (hosttune/prove/1, prove.schema.json)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from hosttune.model import Proof, Proven, Trial, Unknown
from hosttune.printable import clean, cleaned
from hosttune.render.view.figures import cut, fold

SCHEMA = "hosttune/prove/1"


def table(trial: Trial, width: int) -> str:
    """Return a line for each proof with its setting below it, and why some could not be made; no line over `width`."""
    trial = cleaned(trial)
    rows = [(p.what, _predicted(p), _measured(p), p.verdict.value) for p in trial.proofs]
    first = min(max((len(row[0]) for row in rows), default=0), width - 45)
    reasons = [p.measured.detail for p in trial.proofs if isinstance(p.measured, Unknown) and p.measured.detail]
    shared = [why for why in dict.fromkeys(reasons) if reasons.count(why) > 1]
    lines = [*fold(_head(trial), width, "  "), ""]
    lines.append(f"  {'':<{first}}  {'predicted':>13}  {'measured':>11}  verdict")
    for proof, row in zip(trial.proofs, rows, strict=True):
        lines.append(f"  {cut(clean(row[0]), first, True):<{first}}  {row[1]:>13}  {row[2]:>11}  {row[3]}")
        lines += fold(f"    {_below(proof)}", width, "    ")
        for told in _told(proof):
            if told not in shared:
                lines += fold(f"    {told}", width, "      ")
    lines.append("")
    lines += [line for why in shared for line in fold(f"  could not: {why}", width, "    ")]
    lines += [line for note in trial.notes for line in fold(f"  note: {note}", width, "    ")]
    lines += fold(f"  {summary(trial)}", width, "    ")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def markdown(trial: Trial, width: int = 0) -> str:
    """Return a Markdown table, one row a proof; the width changes nothing."""
    trial = cleaned(trial)
    lines = [
        f"{clean(_head(trial))}",
        "",
        "| what | with | predicted | measured | | how it failed |",
        "|---|---|---|---|---|---|",
    ]
    for proof in trial.proofs:
        unit = f" {proof.unit}" if isinstance(proof.predicted, int) else ""
        failed = "; ".join(part for part in (proof.failed, *_told(proof)) if part)
        cells = (proof.what, proof.setting, _predicted(proof) + unit, _measured(proof), proof.verdict.value, failed)
        lines.append("| " + " | ".join(clean(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", summary(trial)]) + "\n"


def document(trial: Trial, width: int = 0) -> str:
    """Return JSON; the width changes nothing."""
    return json.dumps({"schema": SCHEMA, **_plain(trial)}, indent=1) + "\n"


RENDERERS = {"table": table, "json": document, "markdown": markdown}


def summary(trial: Trial) -> str:
    """Return how many of each verdict there are, and how long it took."""
    trial = cleaned(trial)
    count = [sum(p.verdict is verdict for p in trial.proofs) for verdict in Proven]
    return f"{count[0]} agree · {count[1]} differ · {count[2]} could not be proven · {trial.seconds:,.0f} s"


def _head(trial: Trial) -> str:
    machine = trial.machine
    whose = f"what an apply of role {' + '.join(trial.roles)} would set" if trial.planned else "this host's settings"
    return f"Linux {machine.kernel} · {machine.cpus} CPU · in private network namespaces with {whose}"


def _predicted(proof: Proof) -> str:
    if isinstance(proof.predicted, Unknown):
        return "?"
    least, most = proof.accepts
    return f"{least:,}..{most:,}" if most - least == 1 else f"{proof.predicted:,}"


def _measured(proof: Proof) -> str:
    return "?" if isinstance(proof.measured, Unknown) else f"{proof.measured:,}"


def _below(proof: Proof) -> str:
    tolerance = f"; {proof.tolerance}" if proof.tolerance != "exact" else ""
    return " · ".join(part for part in (f"{proof.unit}: {proof.setting}{tolerance}", proof.failed) if part)


def _told(proof: Proof) -> Iterable[str]:
    if isinstance(proof.measured, Unknown):
        yield proof.measured.detail or str(proof.measured)
    elif proof.verdict is Proven.DIFFERS and proof.failed != proof.fails:
        yield f"was to fail as {proof.fails or 'none'}"
    yield from proof.notes


def _plain(value: Any) -> Any:
    if isinstance(value, Unknown):
        return {"unknown": value.reason.name, "detail": value.detail}
    if isinstance(value, Proof):
        shown = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {**shown, "verdict": value.verdict.value}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
