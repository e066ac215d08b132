"""What the ranked causes come to: one of them, the program itself, not enough to tell, or nothing to explain."""

from __future__ import annotations

from hosttune.diagnosis._clues import Clues
from hosttune.diagnosis._uses import uses
from hosttune.model import Cause, Certainty, Conclusion, Diagnosis, Traffic, Unknown

_ASK = (
    "the errno and the call: strace -f -e trace=network -p PID, or the program's log with --log FILE",
    "the number at which it stopped: --stalled-at N",
    "hosttune diagnose again while it stalls, as root, with --for 10s",
)
_GENERAL = 3


def conclude(
    clues: Clues, held: tuple[Cause, ...], excluded: tuple[Cause, ...], unseen: tuple[Cause, ...]
) -> Diagnosis:
    """Return the diagnosis; a cause that is only possible concludes nothing, it says what to read next."""
    sure = [c for c in held if c.certainty in (Certainty.CERTAIN, Certainty.LIKELY)]
    following: tuple[str, ...] = ()
    if sure:
        conclusion, text = Conclusion.CAUSE, _cause(sure[0])
    elif not _symptom(clues):
        conclusion, text = Conclusion.NOTHING, _nothing(clues, held)
        following = tuple(c.confirm for c in held if c.confirm)[:_GENERAL]
    elif _own(clues, held, unseen):
        conclusion, text = Conclusion.OWN_LIMIT, _own_limit(clues)
        following = _where_to_look(clues)
    else:
        conclusion = Conclusion.NOT_ENOUGH
        text = "Not enough evidence: " + ("; ".join(_maybe(c) for c in held[:_GENERAL]) or "no limit is seen to bind")
        following = (*(c.confirm for c in held if c.confirm), *_ASK)[: _GENERAL + 1]
    return Diagnosis(
        machine=clues.machine,
        said=clues.said,
        seconds=clues.rates.seconds,
        conclusion=conclusion,
        text=text,
        causes=held,
        excluded=excluded,
        unseen=unseen,
        uses=uses(clues),
        pools=clues.pools.pools,
        listeners=clues.traffic.listeners if isinstance(clues.traffic, Traffic) else (),
        programs=clues.programs,
        next=following,
        notes=clues.pools.notes,
    )


def _cause(cause: Cause) -> str:
    where = f" at {cause.at:,} {cause.unit}" if cause.at is not None else ""
    return f"{cause.what[:1].upper()}{cause.what[1:]}{where}"


def _maybe(cause: Cause) -> str:
    return f"it may be {cause.what}"


def _symptom(clues: Clues) -> bool:
    """Say whether anybody has said, or anything shows, that something is wrong."""
    said = clues.said
    return bool(said.errno or said.call or said.stalled_at or said.hits)


def _own(clues: Clues, held: tuple[Cause, ...], unseen: tuple[Cause, ...]) -> bool:
    """Say whether no limit of the host can be it: it stopped at a number, the host was seen, and nothing is left.

    An errno that a limit gives speaks against it, and so does a limit of descriptors that was not seen.
    """
    if clues.hits("own-limit"):
        return True
    if held or not clues.stalled_at or not clues.programs:
        return False
    if clues.said.errno not in ("", "none") or any(hit.errno for hit in clues.said.hits):
        return False
    return not any(cause.id in ("nofile", "ports") for cause in unseen)


def _own_limit(clues: Clues) -> str:
    hit = next(iter(clues.hits("own-limit")), None)
    if hit:
        return f"No host limit explains this: {hit.program} is at a limit of its own. It wrote: {hit.line}"
    return f"No host limit explains this: the program stops by itself at {clues.stalled_at:,}"


def _where_to_look(clues: Clues) -> tuple[str, ...]:
    named = [hit.program for hit in clues.hits("own-limit")] + [p.name for p in clues.programs]
    number = f" at {clues.stalled_at:,} connections" if clues.stalled_at else " while it stalls"
    return (
        f"the configuration of {next(iter(named), 'the program')} for a maximum of connections, clients, acceptors, "
        "workers or threads",
        f"its own log and metrics{number}",
        "its licence or edition, and the limits of each user or address that it keeps itself",
    )


def _nothing(clues: Clues, held: tuple[Cause, ...]) -> str:
    if held:
        return "Nothing binds now that is sure; " + "; ".join(_maybe(c) for c in held[:_GENERAL])
    if isinstance(clues.traffic, Unknown):
        return "No limit is seen to bind, but the sockets could not be looked at"
    return "No limit binds now"
