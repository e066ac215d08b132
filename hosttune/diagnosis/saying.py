"""Words that several rules use."""

from __future__ import annotations

from hosttune.diagnosis.clues import Clues
from hosttune.model import Evidence

ASK_CALL = "the errno and the call: strace -f -e trace=network -p PID"
ASK_ERRNO = f"{ASK_CALL}, or the program's log with --log FILE"
STARTED = "a process keeps the limit that it was started with: `ulimit -n` of a shell says nothing of a service"


def moved(clues: Clues, name: str, where: str) -> Evidence | None:
    """Return by how much a counter rose just now, None where it did not."""
    delta = clues.rates.rose(name)
    if not delta:
        return None
    return Evidence(f"{name} rose by {delta:,} in {clues.rates.seconds:,.1f} s", where)


def once(clues: Clues, name: str, where: str) -> Evidence | None:
    """Return that a counter stands above 0 and does not move: it happened, but not now."""
    value = clues.rates.value(name)
    if not value or clues.rates.moved(name) != 0:
        return None
    text = f"{name} stands at {value:,} and did not move in {clues.rates.seconds:,.1f} s: once, not now"
    return Evidence(text, where, past=True)


def named(clues: Clues, *errnos: str) -> tuple[Evidence, ...]:
    """Return what was said of the stall, as evidence: where errnos are given, only of one of those."""
    symptom = clues.symptom
    if not symptom.errno or symptom.errno == "none" or (errnos and symptom.errno not in errnos):
        return ()
    return (Evidence(f"{f'{symptom.call}()' if symptom.call else 'a call'} failed with {symptom.errno}", "--errno"),)


def instead(clues: Clues, errno: str) -> str:
    """Return why a cause is none that gives an errno, where another one was met, or none at all."""
    every = [(clues.symptom.errno, clues.symptom.call), *((hit.errno, hit.call) for hit in clues.symptom.hits)]
    # of one errno it is the call that tells them apart
    names = (f"{name} from {call}()" if name and call and name in errno else name for name, call in every)
    others = ", ".join(dict.fromkeys(name for name in names if name and name != "none"))
    return (
        f"it would be {errno}, and what failed was {others}" if others else f"it would be {errno}, and nothing failed"
    )


def other(clues: Clues, met: bool | None, errno: str) -> tuple[Evidence, ...]:
    """Return what speaks against a cause where another errno than its own was met; () where none was named."""
    return (Evidence(instead(clues, errno), met_where(clues)),) if met is False else ()


def met_where(clues: Clues) -> str:
    """Return where an errno was named: by the person or by a log."""
    return "--errno" if clues.symptom.errno else "--log"


def of_listener(clues: Clues) -> Evidence | None:
    """Return that the bind() which failed is a listener's, where every line says so: it names no port to run out of."""
    hits = [hit for hit in clues.symptom.hits if hit.errno == "EADDRINUSE"]
    if not hits or clues.stalled_at or any(hit.causes != ("port-taken",) for hit in hits):
        return None
    return Evidence("the bind() that failed is a listener's, of a port of its own", "--log")


def logged(clues: Clues, cause: str, *errnos: str) -> tuple[Evidence, ...]:
    """Return the lines of the program's log that name a cause, or one of its errnos."""
    return tuple(
        Evidence(
            f"{hit.program} wrote {hit.count:,} times: {hit.line}"
            if hit.count > 1
            else f"{hit.program} wrote: {hit.line}",
            "--log",
        )
        for hit in clues.symptom.hits
        if cause in hit.causes or (hit.errno and hit.errno in errnos)
    )


def percent(share: float) -> str:
    """Return a share in per cent, with a decimal where it is small."""
    return f"{share * 100:.{0 if share >= 0.1 or not share else 1}f} %"


def near(number: int | None, limit: int, slack: float = 0.06) -> bool:
    """Say whether a number is where a limit would stop it: no more than it, and little less, for others take a part."""
    return number is not None and limit * (1 - slack) - 2 <= number <= limit * 1.005 + 1
