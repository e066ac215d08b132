"""An accept queue overflows that the program itself made short: what it passes to listen(), which no sysctl raises.

listen(2); net/ipv4/af_inet.c, __inet_listen_sk().
"""

from __future__ import annotations

from hosttune.diagnosis import accept, paces
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Evidence, Fix, Program
from hosttune.model.programs import bare, known_as

RULE = Rule(
    __name__,
    "a backlog that the program itself made short",
    unit="waiting connections",
    log=accept.LOG,
    errnos=accept.ERRNOS,
    rivals=("accept-queue", "syn-queue", "nofile", "softnet"),
)
_SETTING = "its setting is called backlog, or acceptCount, in most programs"
_FORMER = (128, 4096)
"""What somaxconn is where nobody sets it: until Linux 5.4, and since (include/linux/socket.h, SOMAXCONN)."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each queue that is full or overflows, and is shorter than somaxconn; else why it is none."""
    every = accept.queues(clues)
    causes = tuple(_cause(clues, queue) for queue in every if queue.own)
    if causes:
        return causes
    if not every:
        return (accept.excluded(clues, RULE),)
    longest = clues.integer(accept.SOMAXCONN)
    if longest is None:
        return (RULE.unknown("net.core.somaxconn could not be read"),)
    if every[0].listener is None:
        return (RULE.unknown("it was not seen which listener overflows"),)
    text = f"the queue of {every[0].whose} is as long as net.core.somaxconn, {longest:,}"
    return (RULE.excluded(text, accept.SOMAXCONN_FILE),)


def _cause(clues: Clues, queue: accept.Queue) -> Cause:
    backlog = queue.listener.backlog if queue.listener else 0
    text = f"net.core.somaxconn is {clues.integer(accept.SOMAXCONN):,}: the backlog of {backlog:,} is the program's own"
    name = f"the accept queue of {queue.whose}, which the program itself made short"
    return RULE.cause(
        clues,
        queue.certainty,
        queue.evidence,
        Evidence(text, accept.SOMAXCONN_FILE),
        _default(clues, queue.owner, backlog),
        at=queue.at,
        what=f"{name}{', overflows' if queue.sure else ''}",
        fixes=_fixes(clues, queue, backlog),
        confirm=accept.confirm(queue),
        strength=queue.strength,
    )


def _default(clues: Clues, owner: Program | None, backlog: int) -> Evidence | None:
    """Return that the number is the one which the program is known to pass."""
    known = known_as(clues.known, owner.name if owner else "")
    if not backlog or known.traits.backlog.value != backlog:
        return None
    return Evidence(f"{known.name} passes {backlog:,} to listen()", known.traits.backlog.source)


def _fixes(clues: Clues, queue: accept.Queue, backlog: int) -> tuple[Fix, ...]:
    if queue.starved:
        return (Fix(accept.DESCRIPTORS),)
    name = bare(queue.owner.name) if queue.owner else ""
    port = queue.listener.port if queue.listener else 0
    whose = name or f"the program (`ss -ltnp 'sport = :{port}'` names it)"
    setting = known_as(clues.known, name).listen_setting or _SETTING
    older = (
        f"if net.core.somaxconn was {backlog:,} when it started, restart it: a listener keeps what listen() made of it"
    )
    own = paces.of(clues, queue.listener)
    slow = paces.faster(queue.owner) if own and own.slow else ""
    off = f"; it only puts off by {_time(own.lasts(backlog))} what {backlog:,} more hold" if own and slow else ""
    texts = (
        slow or accept.idle(clues, queue),
        f"raise the backlog of {whose}: {setting}; raising net.core.somaxconn does not help{off}",
        older if backlog in _FORMER else "",
        "" if slow else paces.faster(queue.owner),
    )
    return tuple(Fix(text) for text in texts if text)


def _time(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds < 10 else f"{seconds:,.0f} s"
