"""Connections wait in an accept queue that is as long as somaxconn lets it be, and the program does not take them.

net/ipv4/tcp_input.c, tcp_conn_request(); listen(2): the backlog is cut to net.core.somaxconn, at that call.
"""

from __future__ import annotations

from hosttune.diagnosis import accept, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Listener

RIVALS = ("backlog", "syn-queue", "nofile", "softnet", "conntrack")
_ID = "accept-queue"
_WHAT = "a full accept queue"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each queue that is full or overflows, and is as long as somaxconn; else why it is none."""
    every = accept.queues(clues)
    found = tuple(_cause(clues, queue) for queue in every if not queue.own)
    if found:
        return found
    if every:
        text = f"the queue of {every[0].whose} is shorter than that"
        return (saying.excluded(_ID, "net.core.somaxconn", text, accept.SOCKETS),)
    return (accept.excluded(clues, _ID, _WHAT),)


def _cause(clues: Clues, queue: accept.Queue) -> Cause:
    sure = queue.certainty in (Certainty.CERTAIN, Certainty.LIKELY)
    return Cause(
        _ID,
        f"the accept queue of {queue.whose}{' overflows' if sure else ', which is full'}",
        queue.certainty,
        queue.at,
        "waiting connections",
        evidence=(*queue.evidence, *_length(clues, queue.listener), *saying.heard(clues), *saying.logged(clues, _ID)),
        log="nothing at the server; clients wait, and time out (ETIMEDOUT from connect()) after minutes",
        fixes=_fixes(clues, queue),
        confirm=_confirm(queue),
        strength=queue.strength,
    )


def _length(clues: Clues, listener: Listener | None) -> tuple[Evidence, ...]:
    longest = clues.integer(accept.SOMAXCONN)
    if longest is None or listener is None:
        return ()
    path = "/proc/sys/net/core/somaxconn"
    if listener.backlog > longest:
        text = (
            f"net.core.somaxconn is {longest:,} now, less than the {listener.backlog:,} that it was when the program "
            "began to listen: started again, its queue would be shorter"
        )
        return (Evidence(text, path),)
    return (Evidence(f"its backlog is net.core.somaxconn, {longest:,}: it may have asked for more", path),)


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


def _confirm(queue: accept.Queue) -> str:
    if queue.certainty is Certainty.CERTAIN:
        return ""
    if queue.listener is None:
        return "`ss -ltn` several times while it stalls: the listener whose Recv-Q comes up to its Send-Q"
    return f"`ss -ltn 'sport = :{queue.listener.port}'` and `nstat TcpExtListenOverflows`, again while it stalls"
