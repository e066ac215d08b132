"""Ports of the range that another program's bind() owns: connect() skips each of them, whatever its address.

net/ipv4/inet_hashtables.c, __inet_hash_connect(): "Does not bother with rcv_saddr checks".
"""

from __future__ import annotations

from hosttune.diagnosis import _pools, _say
from hosttune.diagnosis._clues import Clues
from hosttune.model import Cause, Certainty, PortPool

RIVALS = ("ports", "ports-bind", "time-wait")
_ID = "ports-held"
_WHAT = "another program's bind() holds the ports of the range"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each pool that others have filled; else how many ports of the range they hold."""
    found = tuple(_full(clues, pool) for pool in _pools.full(clues, _ID))
    if found:
        return found
    if not clues.pools.pools:
        return (_say.unseen(_ID, _WHAT, "no connection that goes out was seen"),)
    most = max(clues.pools.pools, key=lambda pool: pool.blocked)
    text = f"others hold {most.blocked:,} of {most.in_range:,} ports of the range"
    return (_say.excluded(_ID, _WHAT, text, _pools.SOCKETS),)


def _full(clues: Clues, pool: PortPool) -> Cause:
    return Cause(
        _ID,
        f"the ports towards {pool.backend} are held by bind(): {pool.blocked:,} of {pool.in_range:,}",
        Certainty.CERTAIN,
        pool.usable,
        evidence=(*_pools.taken(clues, pool), *_say.heard(clues)),
        log="EADDRNOTAVAIL from connect(), far below the size of the range",
        fixes=(
            "give the program that binds (HAProxy `source ADDRESS:LO-HI`, a client with bind()) ports outside of "
            "ip_local_port_range, or let it set IP_BIND_ADDRESS_NO_PORT",
            "`hosttune check --backend HOST:PORT -v` counts the ports that are held",
        ),
        strength=85,
    )
