"""An accept queue overflows that the program itself made short: what it passes to listen(), which no sysctl raises.

listen(2); net/ipv4/af_inet.c, __inet_listen_sk().
"""

from __future__ import annotations

from hosttune.capacity import known_programs
from hosttune.diagnosis import accept, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Program

RIVALS = ("accept-queue", "syn-queue", "nofile", "softnet")
_ID = "backlog"
_WHAT = "a backlog that the program itself made short"
_SETTINGS = {
    "nginx": "`listen PORT backlog=N;` (nginx.org, ngx_http_core_module)",
    "haproxy": "`backlog N` of the frontend (HAProxy configuration manual)",
    "redis-server": "`tcp-backlog N` (redis.conf)",
    "apache2": "`ListenBacklog N` (mpm_common)",
    "mosquitto": "no setting: src/net.c passes a fixed number; more listeners, or a proxy before it, share the burst",
}
"""How a program's own backlog is raised, from its documentation."""

_FORMER = (128, 4096)
"""What somaxconn is where nobody sets it: until Linux 5.4, and since (include/linux/socket.h, SOMAXCONN)."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each queue that is full or overflows, and is shorter than somaxconn; else why it is none."""
    every = accept.queues(clues)
    found = tuple(_cause(clues, queue) for queue in every if queue.own)
    if found:
        return found
    longest = clues.integer(accept.SOMAXCONN)
    if every and longest is None:
        return (saying.unknown(_ID, _WHAT, "net.core.somaxconn could not be read"),)
    if every and every[0].listener is None:
        return (saying.unknown(_ID, _WHAT, "it was not seen which listener overflows"),)
    if every:
        text = f"the queue of {every[0].whose} is as long as net.core.somaxconn, {longest:,}"
        return (saying.excluded(_ID, _WHAT, text, "/proc/sys/net/core/somaxconn"),)
    return (accept.excluded(clues, _ID, _WHAT),)


def _cause(clues: Clues, queue: accept.Queue) -> Cause:
    sure = queue.certainty in (Certainty.CERTAIN, Certainty.LIKELY)
    backlog = queue.listener.backlog if queue.listener else 0
    text = f"net.core.somaxconn is {clues.integer(accept.SOMAXCONN):,}: the backlog of {backlog:,} is the program's own"
    evidence = (
        *queue.evidence,
        Evidence(text, "/proc/sys/net/core/somaxconn"),
        *_default(queue.owner, backlog),
        *saying.heard(clues),
        *saying.logged(clues, _ID),
    )
    return Cause(
        _ID,
        f"the accept queue of {queue.whose}, which the program itself made short{', overflows' if sure else ''}",
        queue.certainty,
        queue.at,
        "waiting connections",
        evidence=evidence,
        log="nothing at the server; clients wait, and time out (ETIMEDOUT from connect()) after minutes",
        fixes=_fixes(clues, queue, backlog),
        confirm="" if queue.certainty is Certainty.CERTAIN else _confirm(queue),
        strength=queue.strength,
    )


def _default(owner: Program | None, backlog: int) -> tuple[Evidence, ...]:
    """Return that the number is the one which the program is known to pass."""
    known = known_programs.trait(owner.name, known_programs.BACKLOG) if owner else None
    if known is None or known.value != backlog:
        return ()
    return (Evidence(f"{known.program} passes {known.value:,} to listen()", known.source),)


def _fixes(clues: Clues, queue: accept.Queue, backlog: int) -> tuple[str, ...]:
    if queue.starved:
        return (accept.DESCRIPTORS,)
    name = known_programs.bare(queue.owner.name) if queue.owner else ""
    port = queue.listener.port if queue.listener else 0
    whose = name or f"the program (`ss -ltnp 'sport = :{port}'` names it)"
    setting = _SETTINGS.get(name, "its setting is called backlog, or acceptCount, in most programs")
    older = (
        f"if net.core.somaxconn was {backlog:,} when it started, restart it: a listener keeps what listen() made of it"
    )
    found = (
        accept.idle(clues, queue),
        f"raise the backlog of {whose}: {setting}; raising net.core.somaxconn does not help",
        older if backlog in _FORMER else "",
        "let it accept faster: more threads or processes that accept",
    )
    return tuple(text for text in found if text)


def _confirm(queue: accept.Queue) -> str:
    port = queue.listener.port if queue.listener else 0
    return f"`ss -ltn 'sport = :{port}'` and `nstat TcpExtListenOverflows`, again while it stalls"
