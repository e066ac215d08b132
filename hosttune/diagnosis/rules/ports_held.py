"""Ports of the range that another program's bind() owns: connect() skips each of them, whatever its address.

net/ipv4/inet_hashtables.c, __inet_hash_connect(): "Does not bother with rcv_saddr checks".
"""

from __future__ import annotations

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, PortPool

RIVALS = ("ports", "ports-bind", "time-wait")
_ID = "ports-held"
_WHAT = "another program's bind() holds the ports of the range"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each pool that others have filled; else how many ports of the range they hold."""
    heard = clues.heard("EADDRNOTAVAIL", "EADDRINUSE", calls=("connect", "bind"))
    found = tuple(_full(clues, pool, heard) for pool in pool_rows.full(clues, _ID))
    if found:
        return found
    if heard is False:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "EADDRNOTAVAIL"), saying.met_where(clues)),)
    if not clues.pools.pools:
        return (saying.unknown(_ID, _WHAT, pool_rows.not_seen(clues)),)
    most = max(clues.pools.pools, key=lambda pool: pool.blocked)
    text = f"others hold {most.blocked:,} of {most.in_range:,} ports of the range"
    return (saying.excluded(_ID, _WHAT, text, pool_rows.SOCKETS),)


def _full(clues: Clues, pool: PortPool, heard: bool | None) -> Cause:
    other = saying.other(clues, heard, "EADDRNOTAVAIL")
    return Cause(
        _ID,
        f"{pool.blocked:,} of the {pool.in_range:,} ports from {pool.source} to {pool.backend} are held by bind()",
        Certainty.LIKELY if other or pool_rows.inferred(clues, pool) else Certainty.CERTAIN,
        pool.usable,
        evidence=(
            *pool_rows.taken(clues, pool),
            *pool_rows.stopped(clues, pool),
            *(() if other else saying.heard(clues)),
        ),
        against=other,
        log="EADDRNOTAVAIL from connect(), far below the size of the range",
        fixes=(
            "give the program that binds (HAProxy `source ADDRESS:LO-HI`, a client or server with bind()) ports "
            "outside of ip_local_port_range, or let it set IP_BIND_ADDRESS_NO_PORT",
            f"`ss -tanp` shows who has them, `hosttune check --backend {pool.backend} -v` how many they are",
        ),
        confirm=pool_rows.which(clues, pool),
        strength=20 if other else 85,
    )
