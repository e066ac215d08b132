"""A listener does not get its port: a connection that goes out has it, which draws its own from a range.

net/ipv4/inet_connection_sock.c, inet_csk_bind_conflict(): on the same address any socket that has not set SO_REUSEADDR
is in the way, one in TIME_WAIT too (measured on 6.18), whatever the listener sets.
"""

from __future__ import annotations

from hosttune.diagnosis import fixing, pool_rows
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix, PortUser, PortUsers, Reason, Symptom, Unknown
from hosttune.ports import mask_of, span, text_of

RULE = Rule(
    __name__,
    "a connection that goes out has taken the port of a listener",
    failure="EADDRINUSE from bind()",
    errnos=("EADDRINUSE",),
    calls=("bind",),
    log="Address already in use, from bind() or listen()",
    strength=65,
    rivals=("ports-bind", "ports-held"),
)
_RESERVED = "net.ipv4.ip_local_reserved_ports"
_UNREAD = Unknown(Reason.NOT_RECORDED)
_SHOWN = 2
_SOMEBODY = "a connection that goes out, or another listener, has the port of a listener"


def port_of(symptom: Symptom) -> int | None:
    """Return the port of a listener that a log says is taken, None where it says of none."""
    numbers = (hit.numbers.get("port") for hit in symptom.hits if RULE.kind in hit.causes)
    return next((number for number in numbers if number and 0 < number < 65_536), None)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return who has the port, where it is known; without it, that this may be; else why it is none."""
    port = port_of(clues.symptom)
    if port is None:
        return (_by_word(clues),)
    seen = clues.port_users
    if not isinstance(seen, PortUsers):
        return (_unseen(clues, port, seen),)
    listens = [user for user in seen.users if user.state == "LISTEN"]
    if listens or any(listener.port == port for listener in clues.listeners):
        return (_started_twice(clues, port, listens),)
    if seen.users and _drawn(clues, port) is False:
        return (_former(clues, seen),)
    if seen.users:
        return (_taken(clues, seen),)
    return (_gone(clues, port),)


def _by_word(clues: Clues) -> Cause:
    """EADDRINUSE of a server's bind() is a second start, or this; of a client's it is ports-bind."""
    met = RULE.met(clues)
    if met is False:
        return RULE.instead(clues)
    named = clues.symptom.call == "bind" or clues.hits(RULE.kind)
    if not met or not named or clues.stalled_at:
        return RULE.unknown("no line says which port a listener could not get", _confirm(None))
    # a line that names neither port nor number is a server's at its start more often than a client's
    strength = RULE.strength if clues.hits(RULE.kind) else 30
    return RULE.cause(clues, Certainty.POSSIBLE, what=_SOMEBODY, confirm=_confirm(None), strength=strength)


def _drawn(clues: Clues, port: int) -> bool | None:
    """Say whether connect() and bind() to port 0 may take a port; None where the range is not known."""
    ends = clues.numbers(pool_rows.RANGE)
    if not ends or len(ends) != 2:
        return None
    return bool((span(*ends) & ~mask_of(clues.text(_RESERVED))) >> port & 1)


def _range(clues: Clues, port: int) -> Evidence | None:
    ends = clues.numbers(pool_rows.RANGE)
    if not _drawn(clues, port) or not ends:
        return None
    text = f"port {port} lies in the range that connections draw on, {ends[0]}-{ends[1]}, and is not reserved"
    return Evidence(text, f"{pool_rows.RANGE}, {_RESERVED}")


def _unseen(clues: Clues, port: int, seen: Unknown | None) -> Cause:
    if any(listener.port == port for listener in clues.listeners):
        return _started_twice(clues, port, [])
    if _drawn(clues, port) is False:
        return _outside(clues, port)
    why = Evidence(f"who has the port is unknown: {seen}") if seen else None
    return RULE.cause(clues, Certainty.POSSIBLE, _range(clues, port), why, fixes=_reserve(clues, port),
                      confirm=_confirm(port), strength=50)  # fmt: skip


def _outside(clues: Clues, port: int) -> Cause:
    kept = mask_of(clues.text(_RESERVED)) >> port & 1
    text = f"port {port} is reserved" if kept else f"port {port} lies outside of the range that connections draw on"
    return RULE.excluded(text, _RESERVED if kept else pool_rows.RANGE)


def _taken(clues: Clues, seen: PortUsers) -> Cause:
    """The port is seen to be that of a connection: what else was in the way when bind() failed is not seen."""
    first = seen.users[0]
    more = f"and {len(seen.users) - _SHOWN:,} more sockets have it" if len(seen.users) > _SHOWN else ""
    return RULE.cause(
        clues,
        Certainty.LIKELY,
        *(Evidence(_who(user, seen.port), f"sock_diag, {_command(seen.port)}") for user in seen.users[:_SHOWN]),
        Evidence(more, "sock_diag") if more else None,
        _range(clues, seen.port),
        what=f"port {seen.port} of a listener is taken: {_whose(first)} has it",
        fixes=(*_reserve(clues, seen.port), Fix(_now(first))),
        confirm=f"`{_command(seen.port)}`, and the listener's address: on another address it is not in the way",
    )


def _former(clues: Clues, seen: PortUsers) -> Cause:
    """Nothing draws on this port: its connections are those that a listener accepted, which ended since."""
    first = seen.users[0]
    wait = ", or wait for a minute, the length of TIME_WAIT" if first.state == "TIME_WAIT" else ""
    return RULE.cause(
        clues,
        Certainty.LIKELY,
        *(Evidence(_who(user, seen.port), f"sock_diag, {_command(seen.port)}") for user in seen.users[:_SHOWN]),
        _outside(clues, seen.port).evidence,
        what=f"port {seen.port} of a listener is still that of connections which it accepted before",
        fixes=(
            Fix(f"SO_REUSEADDR before bind() in the program that listens{wait}"),
            Fix(f"`{_command(seen.port)}`: a child of the former process that lives on keeps its connections"),
        ),
        confirm=f"strace -f -e trace=setsockopt,bind -p PID, or its start: SO_REUSEADDR before bind() to {seen.port}?",
        strength=60,
    )  # fmt: skip


def _started_twice(clues: Clues, port: int, listens: list[PortUser]) -> Cause:
    """A listener has it: the same program a second time, or another one, whatever the range."""
    user = listens[0] if listens else None
    if user is None:
        listener = next(listener for listener in clues.listeners if listener.port == port)
        pid = clues.owners.get(listener.inode)
        program = clues.program(pid) if pid is not None else None
        user = PortUser(listener.address, "LISTEN", pid=pid, name=program.name if program else "")
    return RULE.cause(
        clues,
        Certainty.LIKELY,
        Evidence(f"{_owner(user)} listens at {Backend(user.address, port)}", f"sock_diag, {_command(port)}"),
        what=f"another listener has port {port}: a second start of the same program, or two with the same port",
        fixes=(
            Fix(f"stop the one or the other, or give it another port: `{_command(port)}` names who listens"),
            Fix("if both are to run: SO_REUSEPORT in both"),
        ),
        confirm=f"`{_command(port)}`: is it the same program?",
        strength=68,
    )


def _gone(clues: Clues, port: int) -> Cause:
    """Nobody has the port now: the range alone is a hint, and outside of it a second start is."""
    nobody = Evidence(f"nobody has port {port} now", "sock_diag", past=True)
    other = _drawn(clues, port) is False
    return RULE.cause(
        clues,
        Certainty.POSSIBLE,
        _outside(clues, port).evidence if other else _range(clues, port),
        what=f"port {port} was taken by another listener, or by connections of a former one" if other else "",
        against=nobody,
        fixes=_reserve(clues, port),
        confirm=_confirm(port),
        strength=50,
    )


def _who(user: PortUser, port: int) -> str:
    where = Backend(user.address, port)
    if user.state == "CONNECTED":
        return f"a connection goes out from {where}"
    if not user.peer:
        return f"a socket of {_owner(user)} is bound to {where}"
    return f"{_owner(user)}: {where} to {Backend(user.peer, user.peer_port)}, {user.state}"


def _owner(user: PortUser) -> str:
    if user.pid is not None:
        return f"{user.name or 'a process'} ({user.pid})"
    return "nobody's any more" if user.state == "TIME_WAIT" else f"a process of uid {user.uid}"


def _whose(user: PortUser) -> str:
    """Return what has the port, for the cause's name."""
    if user.state == "CONNECTED":
        return "a connection that goes out"
    if not user.peer:
        return f"a bound socket of {_owner(user)}"
    far = Backend(user.peer, user.peer_port)
    if user.state == "TIME_WAIT":
        return f"a connection to {far} that was closed (TIME_WAIT)"
    return f"a connection of {_owner(user)} to {far}" if user.pid is not None else f"a connection to {far}"


def _reserve(clues: Clues, port: int) -> tuple[Fix, ...]:
    """Return how the port is kept out of the range, now and at the next boot, beside those that are already."""
    if _drawn(clues, port) is False:
        return ()
    if isinstance(clues.limits.get(_RESERVED, _UNREAD), Unknown):
        return (Fix(f"reserve port {port}: add it to {_RESERVED}, beside the ports that are there"),)
    ports = text_of(mask_of(clues.text(_RESERVED)) | 1 << port)
    why = f"reserve port {port}: no connection draws it any more; who has it keeps it until it closes"
    return fixing.sysctl(clues, why, (_RESERVED, ports))


def _now(user: PortUser) -> str:
    if user.state == "TIME_WAIT":
        return "then start the listener again after a minute, the length of TIME_WAIT"
    return f"then free it: end that connection, or restart {_owner(user)}, and start the listener again"


def _command(port: int) -> str:
    return f"ss -tanp sport = :{port}"


def _confirm(port: int | None) -> str:
    shown = port or "PORT"
    return f"who has it, in the moment when bind() fails: `ss -tanp sport = :{shown}`; LISTEN is a second start"
