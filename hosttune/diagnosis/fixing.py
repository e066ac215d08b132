"""Fixes in the words of whoever keeps the place that was judged: a command that is accepted there, or lines of a file.

The first one holds after the next start; what ends with a namespace or a container comes after it.
"""

from __future__ import annotations

from hosttune import kernel, printable
from hosttune.diagnosis.clues import Clues
from hosttune.model import Fix, FixPlace, Where


def sysctl(clues: Clues, why: str, *pairs: tuple[str, str], reserve: bool = False) -> tuple[Fix, ...]:
    """Return what gives keys of one kind (all the host's, or all of a network namespace) their values.

    `why` is a sentence that ends without a colon. `reserve`: the ports of listeners are kept out of the range.
    """
    where = clues.where
    keys = "".join(f" --key {printable.word(f'{key}={value}')}" for key, value in pairs)
    keys += " --reserve-listeners" if reserve else ""
    if where.initial or any(kernel.of_the_host(key) for key, _ in pairs):
        whose = "" if where.host_wide else "on the host itself, for all: "
        return (Fix(f"{whose}{why}", f"sudo hosttune apply{keys}", FixPlace.HOST),)
    if where.contained:
        return (*_run(why, pairs), *_until(where, pairs, keys))
    if where.loaded:
        return (Fix(why, f"sudo hosttune apply{keys}", FixPlace.HOST),)
    if where.name:
        ends = "until the namespace ends: whoever makes it has to set it again"
        return (
            Fix(f"{why}; {ends}", f"sudo hosttune apply --netns {printable.word(where.name)}{keys}", FixPlace.HOST),
        )
    if where.entered and where.process is not None:
        return _until(where, pairs, keys, f"{why}; ")
    return (Fix(f"{why}; until this network namespace ends", f"sudo hosttune apply{keys}", FixPlace.NETNS),)


def _run(why: str, pairs: tuple[tuple[str, str], ...]) -> tuple[Fix, ...]:
    """Return what whoever runs a container takes; a pod has its own words."""
    options = " ".join(f"--sysctl {printable.word(f'{key}={value}')}" for key, value in pairs)
    lines = "\n".join(["sysctls:", *(f'  {key}: "{value}"' for key, value in pairs)])
    return (Fix(why, options, FixPlace.RUN), Fix("or where compose runs it", lines, FixPlace.COMPOSE))


def _until(where: Where, pairs: tuple[tuple[str, str], ...], keys: str, why: str = "") -> tuple[Fix, ...]:
    """Return what sets keys in a namespace without a name until it ends."""
    words = " ".join(printable.word(f"{key}={value}") for key, value in pairs)
    if where.process is None or (where.inside and not where.entered):
        # a container has no sudo, as a rule
        here = Fix(f"{why}until it ends", f"hosttune apply{keys}", FixPlace.INSIDE)
        return () if where.read_only else (here,)
    return (Fix(f"{why}until it ends", f"sudo nsenter -t {where.process} -n sysctl -w {words}", FixPlace.HOST),)


def twice(clues: Clues, key: str, limit: int, more: str = "") -> tuple[Fix, ...]:
    """Return what makes a limit that is met twice what it is: how many more would come is not seen."""
    why = f"twice the {limit:,} that are met: room for as many again{more}"
    return sysctl(clues, why, (key, str(2 * limit)))
