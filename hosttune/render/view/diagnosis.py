"""Why a host stalls: the answer, its evidence, what to do; then what was excluded and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hosttune.model import Cause, Certainty, Conclusion, Diagnosis, Fix, UnreadLine, Use
from hosttune.model.document import Block, Callout, Document, Listing, Pairs, Paragraph, Pasted
from hosttune.model.roles import Role
from hosttune.printable import clean
from hosttune.render import fill
from hosttune.render import report_parts as parts
from hosttune.render.figures import counted, memory

SCHEMA = "hosttune/diagnosis/2"
KEPT = (Fix,)
"""What has lines of its own, which are made safe one by one: those of a file that is pasted."""

_CAUSES = 3
_NEAREST = 5
_NEAR = 0.5
_NAMED = 6


def document(diagnosis: Diagnosis, verbose: bool) -> Document:
    """Return it; `verbose` adds the causes beyond the first, and all reasons."""
    machine = diagnosis.machine
    about = [machine.hostname, parts.system(machine), f"Linux {machine.kernel}" if machine.kernel else ""]
    about.append(f"watched for {diagnosis.seconds:,.1f} s" if diagnosis.seconds else "one gathering, no rates")
    remarks = [("note", text) for text in diagnosis.notes] + [("root would add", text) for text in diagnosis.missing]
    blocks: tuple[Block, ...] = (
        *_answer(diagnosis, verbose),
        *_unread(diagnosis, verbose),
        *([Listing("next", diagnosis.next)] if diagnosis.next else ()),
        *_uses(diagnosis, verbose),
        *fill.uses(diagnosis.uses),
        *_excluded(diagnosis, verbose),
        *_unknown(diagnosis, verbose),
        *(Paragraph(text, label, gap=not n) for n, (label, text) in enumerate(remarks)),
    )
    return Document(f"{machine.hostname or 'host'}: diagnosis", tuple(part for part in about if part), blocks)


def _answer(diagnosis: Diagnosis, verbose: bool) -> Iterator[Block]:
    """Yield the causes below the answer in one line; a cause that was found is the answer."""
    fitting = [cause for cause in diagnosis.causes if verbose or not cause.beside]
    shown = fitting if verbose else fitting[:_CAUSES]
    if diagnosis.conclusion is not Conclusion.CAUSE:
        yield Callout(_inconclusive(diagnosis))
    for number, cause in enumerate(shown):
        also = number > 0 and diagnosis.conclusion is Conclusion.CAUSE
        title = f"{'Also' if also else 'Cause'} ({cause.certainty}): {cause.what}"
        title += f", at {cause.at:,} {cause.unit}" if cause.at is not None else ""
        grave = cause.certainty in (Certainty.CERTAIN, Certainty.LIKELY)
        brief = also and cause.certainty is Certainty.POSSIBLE and not verbose
        yield Pairs(() if brief else _rows(diagnosis, cause, verbose), title, Role.BAD if grave else Role.PLAIN)
    if fitting[len(shown) :]:
        yield Paragraph(f"{len(fitting) - len(shown)} more with -v", gap=True)
    beside = [] if verbose else [cause for cause in diagnosis.causes if cause.beside]
    if beside:
        yield Listing("also near its limit, which gives no such error", tuple(map(_beside, beside)))


def _beside(cause: Cause) -> str:
    """Return in one line what may be near its limit too, and what shows it."""
    why = f": {cause.evidence[0].text}" if cause.evidence else ""
    return f"{cause.what}{why}"


def _inconclusive(diagnosis: Diagnosis) -> str:
    """Return the answer where it is no cause, without the clauses about causes that stand below it."""
    clauses = diagnosis.text.split("; ")
    kept = [text for text in clauses if not any(cause.what in text for cause in diagnosis.causes)]
    if len(kept) == len(clauses):
        return diagnosis.text
    general = "Not enough evidence" if diagnosis.conclusion is Conclusion.NOT_ENOUGH else "Nothing is sure to bind now"
    return f"{'; '.join(kept) or general}; it may be one of these:"


def _rows(diagnosis: Diagnosis, cause: Cause, verbose: bool) -> tuple[tuple[str, str | Pasted], ...]:
    # what speaks against its rivals is said below, once for all that is excluded; of what is only possible beside a
    # cause that was found, -v says more
    rows: tuple[tuple[str, list[str | Pasted]], ...] = (
        ("evidence", [str(e) for e in cause.evidence]),
        ("against", [str(e) for e in cause.against]),
        ("shows as", [cause.log] if cause.log and verbose else []),
        ("fix", [part for fix in cause.fixes for part in _fix(fix)]),
        ("confirm", [cause.confirm] if cause.confirm and cause.confirm not in diagnosis.next else []),
    )
    return tuple((name, text) for name, texts in rows for text in texts)


def _fix(fix: Fix) -> Iterator[str | Pasted]:
    """Yield what it does, then what is pasted for it, and where."""
    if not fix.command:
        yield clean(fix.text)
        return
    yield f"{clean(fix.text)} ({fix.place}):"
    # a program's name may be in it, and what is pasted must be what is seen
    yield Pasted(tuple(clean(line) for line in fix.command.split("\n")))


def _unread(diagnosis: Diagnosis, verbose: bool) -> Iterator[Block]:
    """Yield the lines of logs that nobody knows, where they may be what matters: beside a cause only how many."""
    for log in diagnosis.symptom.logs:
        if not log.unread:
            continue
        if diagnosis.conclusion is Conclusion.NOT_ENOUGH or verbose:
            what = "not understood, the last that look like errors" if log.errors else "not understood, the last lines"
            yield Listing(f"{what} ({log.name})", tuple(map(_line, log.unread)))
        elif log.errors:
            yield Paragraph(
                f"{counted(len(log.unread), 'line')} of {log.name} look like errors and are not known (-v)", gap=True
            )


def _line(line: UnreadLine) -> str:
    where = f"line {line.number:,}" if line.number > 0 else f"line {-line.number:,} from the end"
    return f"{where}{f', {line.count:,} times' if line.count > 1 else ''}: {line.text}"


def _uses(diagnosis: Diagnosis, verbose: bool) -> Iterator[Listing]:
    shown = [use for use in diagnosis.uses if use.share is not None]
    if diagnosis.conclusion is Conclusion.CAUSE and not verbose:
        return  # the cause's own evidence says how full that is
    if diagnosis.conclusion is not Conclusion.NOTHING:
        shown = shown if verbose else [use for use in shown if use.nearness >= _NEAR]
    shown = shown if verbose else shown[:_NEAREST]
    if shown:
        yield Listing("nearest to a limit", tuple(map(_use, shown)))


def _use(use: Use) -> str:
    knee = f", slow above {use.knee:,}" if use.knee else ""
    if use.unit == "bytes":
        return f"{use.name}: {memory(use.used)} of {memory(use.limit) if isinstance(use.limit, int) else '?'}{knee}"
    limit = f"{use.limit:,}" if isinstance(use.limit, int) else "?"
    return f"{use.name}: {use.used:,} of {limit} {use.unit}{knee}"


def _excluded(diagnosis: Diagnosis, verbose: bool) -> Iterator[Paragraph | Listing]:
    """Yield what is ruled out: its names, those that are taken for the cause first; with `verbose` why."""
    if verbose and diagnosis.excluded:
        yield Listing("ruled out", tuple(_apart(diagnosis.excluded, verbose)))
    elif diagnosis.excluded:
        suspects = {kind for cause in diagnosis.causes[:1] for kind in cause.rivals}
        kinds = list(dict.fromkeys(cause.kind for cause in diagnosis.excluded))
        near = [kind for kind in kinds if kind in suspects][:_NAMED]
        others = len(kinds) - len(near)
        rest = f"{', and ' if near else ''}{counted(others, 'other' if near else 'cause')}" if others else ""
        yield Paragraph(f"{', '.join(near)}{rest} (-v)", "ruled out", gap=True)


def _unknown(diagnosis: Diagnosis, verbose: bool) -> Iterator[Paragraph | Listing]:
    """Yield what could not be checked: its names beside a cause, and else why, for one of it may be the cause."""
    if not diagnosis.unknown:
        return
    if verbose or diagnosis.conclusion is Conclusion.NOT_ENOUGH:
        yield Listing("not checked", tuple(_apart(diagnosis.unknown, verbose)), not verbose)
    else:
        names = ", ".join(dict.fromkeys(cause.kind for cause in diagnosis.unknown))
        yield Paragraph(f"{names} (-v)", "not checked", gap=not diagnosis.excluded)


def _apart(causes: Sequence[Cause], verbose: bool) -> list[str]:
    """Return causes that are none with their value, those of one reason together; all of it and where if verbose."""
    alike: dict[str, list[str]] = {}
    for cause in causes:
        why = "; ".join(str(e) for e in cause.evidence)
        why = why if verbose else cause.evidence[0].text.partition("; ")[0] if cause.evidence else ""
        alike.setdefault(why, []).append(cause.kind)
    return [f"{', '.join(dict.fromkeys(ids))}: {why}" for why, ids in alike.items()]
