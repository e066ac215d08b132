"""A limit that the program's own configuration sets is reached: maxconn, worker_connections, max_connections.

Only where its configuration was read: without one a number is a guess (hosttune/diagnosis/own_limits.py).
"""

from __future__ import annotations

import re

from hosttune.diagnosis import accept, configured, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.configured import Held
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, FixPlace, LogHit
from hosttune.model.programs import bare, known_as

RULE = Rule(
    __name__,
    "a limit of the program's own configuration is reached",
    failure="no error of the kernel",
    errnos=("none", "ETIMEDOUT", "ECONNRESET"),
    confirm="the number that the program itself counts (`show info`, stub_status, $SYS) while it stalls",
    rivals=("accept-queue", "nofile", "ports"),
)
_RELOADED = ("haproxy", "nginx")  # what takes new limits without a restart, which ends every connection
_FAR = 0.9
"""The share of a limit below which what is taken of it does not explain a stall now."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return the limits that are reached; else what the log and the number say, or how far the nearest of them is."""
    every = configured.held(clues)
    full = tuple(_full(clues, own) for own in every if own.used is not None and own.reached)
    if full:
        return full
    if not every:
        return (_unread(clues),)
    written = [(own, hit) for hit in clues.hits(RULE.kind) for own in _written(clues, hit, every)]
    if written:
        return tuple(_by_log(clues, own, hit) for own, hit in written[:1])
    fits = [own for own in every if saying.near(clues.stalled_at, own.most)]
    if fits:
        return tuple(_by_number(clues, own) for own in fits)
    return (_none(every),)


def _unread(clues: Clues) -> Cause:
    """Return that the configuration sets no limit, or that none was read."""
    if clues.configuration:
        return RULE.excluded(f"it sets no limit of connections: {', '.join(clues.configuration.files[:2])}")
    return RULE.unknown("no configuration of the program was read", "--backends-from FILE: the limits that it sets")


def _full(clues: Clues, own: Held) -> Cause:
    """It is seen to bind now: nothing more is let in, whatever else there is room for."""
    waiting = Evidence(f"{own.waiting:,} more wait in its queue", own.seen) if own.waiting else None
    text = f"{own.used:,} connections of the {own.most:,} that it lets through"
    certainty = Certainty.CERTAIN if own.waiting or (own.used or 0) >= own.most else Certainty.LIKELY
    return _cause(clues, own, certainty, Evidence(text, own.seen), waiting, strength=99)


def _by_log(clues: Clues, own: Held, hit: LogHit) -> Cause:
    """The program wrote of this very limit; where little of it is taken now, that was before."""
    far = own.used is not None and own.used < _FAR * own.most
    against = Evidence(f"{own.used:,} connections of {own.most:,} now", own.seen) if far else None
    certainty = Certainty.LIKELY if far else Certainty.CERTAIN
    return _cause(clues, own, certainty, saying.logged(clues, RULE.kind), against=against, strength=98)


def _by_number(clues: Clues, own: Held) -> Cause:
    text = f"it stopped at {clues.stalled_at:,}, and {own.name} lets {own.most:,} through"
    certainty = RULE.doubted(clues, Certainty.LIKELY)
    now = Evidence(f"{own.used:,} connections now", own.seen) if own.used is not None else None
    return _cause(clues, own, certainty, Evidence(text, "--stalled-at"), now, strength=90)


def _cause(
    clues: Clues,
    own: Held,
    certainty: Certainty,
    *evidence: Evidence | tuple[Evidence, ...] | None,
    against: Evidence | None = None,
    strength: int,
) -> Cause:
    return RULE.cause(
        clues,
        certainty,
        Evidence(f"{own.name} is set", own.where) if own.limit.where else Evidence(f"{own.name} is {own.where}"),
        *evidence,
        at=own.most,
        what=f"a limit of {_program(clues)}'s own is reached: {own.name} ({own.where})",
        against=against,
        words=(),
        log=own.limit.fails,
        fixes=_fixes(clues, own),
        strength=strength,
    )


def _fixes(clues: Clues, own: Held) -> tuple[Fix, ...]:
    """Return the setting with the least value that helps, in its line, and what goes with it."""
    waiting = max(own.waiting, _queued(clues))
    wanted = max((own.used or own.most) + waiting, own.most + 1, clues.stalled_at or 0)
    least = own.value_for(wanted)
    place = f" in {own.limit.where}" if own.limit.where else " in its configuration"
    program = _program(clues)
    anew = f"{'reload' if program in _RELOADED else 'restart'} {program}"
    more = ": as many as wait now, take your target" if waiting else ": take your target"
    return (
        _set(f"{own.limit.setting} {least} or more{place}, then {anew}{more}", program, own.limit.setting, least),
        Fix("`hosttune capacity`, with your target and the same options, says what stops it next"),
    )


def _queued(clues: Clues) -> int:
    """Return how many wait in the accept queues of the program: at its own maximum it leaves them there."""
    name = _program(clues)
    queues = ((listener.queue, accept.owner_of(clues, listener)) for listener in clues.listeners)
    return sum(queue for queue, owner in queues if owner is not None and bare(owner.name) == name)


_ENDS = {"haproxy": "", "mosquitto": "", "nginx": ";"}
"""Programs whose settings stand as NAME VALUE, and what ends such a line."""


def _set(text: str, program: str, setting: str, value: object) -> Fix:
    """Return the fix with the line to write, where the program's configuration has such lines."""
    if program not in _ENDS or not re.fullmatch(r"[a-z_]+", setting):
        return Fix(text)
    return Fix(text, f"{setting} {value}{_ENDS[program]}", FixPlace.PROGRAM)


def _program(clues: Clues) -> str:
    return clues.configuration.program if clues.configuration else "the program"


def _written(clues: Clues, hit: LogHit, every: tuple[Held, ...]) -> list[Held]:
    """Return the limits that a line of the log is written of: of its kind, and of its number where it has one."""
    configuration = clues.configuration
    if configuration is None or hit.program != configuration.program:
        return []
    rows = known_as(clues.known, hit.program).log
    kind = next((row.bound for row in rows if row.bound and re.search(row.expression, hit.line)), "")
    of_kind = [own for own in every if own.limit.kind == kind]
    exact = [own for own in of_kind if own.limit.value in hit.numbers.values()]
    return exact or ([] if hit.numbers else of_kind)


def _none(every: tuple[Held, ...]) -> Cause:
    """Return that the fullest limit is far, or that nobody knows what is taken of them."""
    unseen = [own for own in every if own.used is None]
    if unseen:
        names = ", ".join(own.name for own in unseen[:2])
        return RULE.unknown(f"how much of {names} is in use is unknown", RULE.confirm)
    first = every[0]
    return RULE.excluded(f"{first.name} is the fullest: {first.used:,} connections of {first.most:,}", first.seen)
