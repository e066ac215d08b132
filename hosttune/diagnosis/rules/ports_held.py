"""Ports of the range that another program's bind() owns: connect() skips each of them, whatever its address.

net/ipv4/inet_hashtables.c, __inet_hash_connect(): "Does not bother with rcv_saddr checks".
"""

from __future__ import annotations

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Fix, PortPool

RULE = Rule(
    __name__,
    "another program's bind() holds the ports of the range",
    failure="EADDRNOTAVAIL",
    errnos=("EADDRNOTAVAIL", "EADDRINUSE"),
    calls=("connect", "bind"),
    log="EADDRNOTAVAIL from connect(), far below the size of the range",
    outgoing=True,
    rivals=("ports", "ports-bind", "time-wait"),
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each pool that others have filled; else how many ports of the range they hold."""
    causes = tuple(_full(clues, pool) for pool in pool_rows.full(clues, RULE.kind))
    if causes:
        return causes
    listener = saying.of_listener(clues)
    if listener:
        return (RULE.excluded(listener),)
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    if not clues.pools.pools:
        return (RULE.unknown(pool_rows.not_seen(clues)),)
    most = max(clues.pools.pools, key=lambda pool: pool.blocked)
    text = f"{most.blocked:,} of {most.in_range:,} ports of the range are in use by others"
    return (RULE.excluded(text, pool_rows.SOCKETS),)


def _full(clues: Clues, pool: PortPool) -> Cause:
    other = RULE.other(clues)
    return RULE.cause(
        clues,
        Certainty.LIKELY if other or pool_rows.inferred(clues, pool) else Certainty.CERTAIN,
        pool_rows.taken(clues, pool),
        pool_rows.stopped(clues, pool),
        at=pool.usable,
        what=f"{pool.blocked:,} of {pool.in_range:,} ports are held by bound sockets of another program; connect() "
        f"from {pool.source} to {pool.backend} may not use them",
        against=other,
        words=() if other else saying.named(clues),
        fixes=(
            Fix(
                "give the program that binds (HAProxy `source ADDRESS:LO-HI`, a client or server with bind()) ports "
                "outside of ip_local_port_range, or let it set IP_BIND_ADDRESS_NO_PORT"
            ),
            Fix(f"`ss -tanp` shows who has them, `hosttune check --backend {pool.backend} -v` how many they are"),
        ),
        confirm=pool_rows.which(clues, pool),
        strength=20 if other else 85,
    )
