"""Connections wait in an accept queue that is as long as somaxconn lets it be, and the program does not take them.

net/ipv4/tcp_input.c, tcp_conn_request(); listen(2): the backlog is cut to net.core.somaxconn, at that call.
"""

from __future__ import annotations

from dataclasses import replace

from hosttune.diagnosis import accept, paces
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Evidence, Fix, Listener

RULE = Rule(
    __name__,
    "a full accept queue",
    unit="waiting connections",
    log=accept.LOG,
    errnos=accept.ERRNOS,
    rivals=("backlog", "syn-queue", "nofile", "softnet", "conntrack"),
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each queue that is full or overflows, and is as long as somaxconn; else why it is none."""
    every = accept.queues(clues)
    causes = tuple(_cause(clues, queue) for queue in every if not queue.own)
    if causes:
        return causes
    if every:
        return (RULE.excluded(f"the queue of {every[0].whose} is shorter than that", accept.SOCKETS),)
    return (accept.excluded(clues, RULE),)


def _cause(clues: Clues, queue: accept.Queue) -> Cause:
    return RULE.cause(
        clues,
        queue.certainty,
        queue.evidence,
        _length(clues, queue.listener),
        at=queue.at,
        what=f"the accept queue of {queue.whose}{' overflows' if queue.sure else ', which is full'}",
        fixes=_fixes(clues, queue),
        confirm=accept.confirm(queue),
        strength=queue.strength,
    )


def _length(clues: Clues, listener: Listener | None) -> Evidence | None:
    longest = clues.integer(accept.SOMAXCONN)
    if longest is None or listener is None:
        return None
    text = f"its backlog is net.core.somaxconn, {longest:,}: it may have asked for more"
    if listener.backlog > longest:
        text = (
            f"net.core.somaxconn is {longest:,} now, less than the {listener.backlog:,} that it was when the program "
            "began to listen: started again, its queue would be shorter"
        )
    return Evidence(text, accept.SOMAXCONN_FILE)


def _fixes(clues: Clues, queue: accept.Queue) -> tuple[Fix, ...]:
    if queue.starved:
        return (Fix(accept.DESCRIPTORS),)
    longer = accept.longer(clues, queue.listener)
    own = paces.of(clues, queue.listener)
    if own and own.slow:
        return (Fix(paces.faster(queue.owner)), *(_putting_off(fix) for fix in longer))
    idle = accept.idle(clues, queue)
    return (*((Fix(idle),) if idle else ()), *longer, *(() if idle else (Fix(paces.faster(queue.owner)),)))


def _putting_off(fix: Fix) -> Fix:
    return replace(fix, text=f"a longer queue only puts it off; {fix.text}")
