"""Connections wait in an accept queue that is as long as somaxconn lets it be, and the program does not take them.

net/ipv4/tcp_input.c, tcp_conn_request(); listen(2): the backlog is cut to net.core.somaxconn, at that call.
"""

from __future__ import annotations

from hosttune.diagnosis import accept
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Evidence, Listener

RULE = Rule(
    __name__,
    "a full accept queue",
    unit="waiting connections",
    log=accept.LOG,
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


def _fixes(clues: Clues, queue: accept.Queue) -> tuple[str, ...]:
    if queue.starved:
        return (accept.DESCRIPTORS,)
    faster = "let the program accept faster: more threads or processes that accept, or SO_REUSEPORT listeners"
    longer = (
        "sudo hosttune apply --role ROLE, for net.core.somaxconn; then restart the program: a listener keeps the "
        "backlog of its listen()"
    )
    idle = accept.idle(clues, queue)
    return (idle, longer) if idle else (longer, faster)
