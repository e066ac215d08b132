"""Proofs: what was predicted, what the kernel did, and why some could not be made."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.model import Proof, Proven, Trial, Unknown
from hosttune.model.document import Block, Column, Document, Paragraph, Row, Table, paragraphs
from hosttune.model.roles import Role

SCHEMA = "hosttune/prove/1"
_COLUMNS = (
    Column("what", cut=True),
    Column("predicted", right=True, least=13),
    Column("measured", right=True, least=11),
    Column("verdict"),
)
_ROLES = {Proven.AGREES: Role.GOOD, Proven.DIFFERS: Role.BAD, Proven.COULD_NOT: Role.UNKNOWN}


def document(trial: Trial, verbose: bool) -> Document:
    """Return it: a row for each proof with its setting below it."""
    reasons = [p.measured.detail for p in trial.proofs if isinstance(p.measured, Unknown) and p.measured.detail]
    shared = [why for why in dict.fromkeys(reasons) if reasons.count(why) > 1]
    machine = trial.machine
    whose = f"what an apply of role {' + '.join(trial.roles)} would set" if trial.planned else "this host's settings"
    about = (f"Linux {machine.kernel}", f"{machine.cpus} CPU", f"in private network namespaces with {whose}")
    rows = tuple(_row(proof, shared) for proof in trial.proofs)
    blocks: tuple[Block, ...] = (
        Table(_COLUMNS, rows, "Proofs", notes="how"),
        *paragraphs(shared, label="could not", gap=True),
        *paragraphs(trial.notes, label="note", gap=not shared),
        Paragraph(summary(trial), gap=not shared and not trial.notes),
    )
    return Document(f"{machine.hostname or 'host'}: proofs", about, blocks)


def summary(trial: Trial) -> str:
    """Return how many of each verdict there are, and how long it took."""
    count = [sum(p.verdict is verdict for p in trial.proofs) for verdict in Proven]
    return f"{count[0]} agree · {count[1]} differ · {count[2]} could not be proven · {trial.seconds:,.0f} s"


def _row(proof: Proof, shared: list[str]) -> Row:
    measured = "?" if isinstance(proof.measured, Unknown) else f"{proof.measured:,}"
    tolerance = f"; {proof.tolerance}" if proof.tolerance != "exact" else ""
    below = " · ".join(part for part in (f"{proof.unit}: {proof.setting}{tolerance}", proof.failed) if part)
    notes = (below, *(text for text in _remarks(proof) if text not in shared))
    return Row((proof.what, _predicted(proof), measured, proof.verdict.value), notes, _ROLES[proof.verdict])


def _predicted(proof: Proof) -> str:
    if isinstance(proof.predicted, Unknown):
        return "?"
    least, most = proof.accepts
    return f"{least:,}..{most:,}" if most - least == 1 else f"{proof.predicted:,}"


def _remarks(proof: Proof) -> Iterator[str]:
    if isinstance(proof.measured, Unknown):
        yield proof.measured.detail or str(proof.measured)
    elif proof.verdict is Proven.DIFFERS and proof.failed != proof.fails:
        yield f"was to fail as {proof.fails or 'none'}"
    yield from proof.notes
