"""What routing and the packet filter know of a program's sockets, and the rules that may decide by it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """What the kernel knows of a program's sockets when it picks their route (net/core/fib_rules.c, fib_rule_match()).

    `uid` is that of the program, `mark` its SO_MARK (0: none), `device` the interface or the VRF that it binds its
    sockets to (SO_BINDTODEVICE), "" where it does not; None where it is not known.
    """

    uid: int | None = None
    mark: int | None = None
    device: str | None = None
