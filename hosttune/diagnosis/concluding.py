"""What the ranked causes come to: one of them, the program itself, not enough to tell, or nothing to explain."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.diagnosis import numbers, own_limits, pool_rows, saying, unread
from hosttune.diagnosis.clues import Clues
from hosttune.model import Backend, Cause, Certainty, Conclusion, Diagnosis, Flow, Unknown

_GENERAL = 3
_ERRNO = saying.ASK_ERRNO
_ANSWERS = {
    "ECONNREFUSED": "ECONNREFUSED is an answer, and no limit of this host: nothing listens at that address and port "
    "(`ss -ltn` there), or a firewall rejects",
    "EHOSTUNREACH": "EHOSTUNREACH: is there a route (`ip route get ADDRESS`), does the next hop answer to ARP "
    "(`ip neigh`: FAILED), or does a firewall reject?",
}
"""What an errno of connect() says by itself, connect(2)."""

_NEITHER = ("accept", "socket", "open", "recv", "clone", "epoll_ctl", "setrlimit")
"""Calls that give no errno of an address: neither EADDRNOTAVAIL nor EADDRINUSE is in their man pages."""
_LONG = 9.5  # seconds: a look of 10 s, as it was asked for
_MANY = 8  # connections without an answer: one destination that is down is no stall


def conclude(
    clues: Clues, held: tuple[Cause, ...], excluded: tuple[Cause, ...], unknown: tuple[Cause, ...]
) -> Diagnosis:
    """Return the diagnosis; a cause that is only possible concludes nothing, it says what to read next."""
    fitting = tuple(c for c in held if not c.beside)
    sure = [c for c in fitting if c.certainty in (Certainty.CERTAIN, Certainty.LIKELY)]
    following: tuple[str, ...] = ()
    if sure:
        conclusion, text = Conclusion.CAUSE, _cause(clues, sure)
        following = _written(clues) if sure[0].kind != own_limits.ID else ()
    elif not _symptom(clues):
        conclusion, text = Conclusion.NOTHING, _nothing(clues, fitting)
        following = (*[c.confirm for c in fitting if c.confirm][:_GENERAL], *_still(clues))
    elif _by_itself(clues, fitting, unknown):
        conclusion, text = Conclusion.OWN_LIMIT, own_limits.text(clues)
        following = own_limits.where_to_look(clues)
    else:
        conclusion, text = Conclusion.NOT_ENOUGH, _not_enough(clues, fitting)
        following = _once((*_first(clues), *[c.confirm for c in fitting if c.confirm][:_GENERAL], *_ask(clues)))
    return Diagnosis(
        machine=clues.machine,
        symptom=clues.symptom,
        seconds=clues.rates.seconds,
        conclusion=conclusion,
        text=text,
        causes=held,
        excluded=excluded,
        unknown=unknown,
        uses=clues.uses,
        pools=clues.pools.pools,
        listeners=clues.listeners,
        programs=clues.programs,
        next=tuple(dict.fromkeys((*following, *numbers.beside(clues, held, excluded)))),
        notes=(*clues.notes, *clues.pools.notes),
    )


def _once(following: tuple[str, ...]) -> tuple[str, ...]:
    """Return what to do next, without the general question where a cause has put it better."""
    if any(text.startswith("the errno and the call") and text != _ERRNO for text in following):
        following = tuple(text for text in following if text != _ERRNO)
    return following[: 2 * _GENERAL]


def _cause(clues: Clues, sure: list[Cause]) -> str:
    cause = sure[0]
    where = f", at {cause.at:,} {cause.unit}" if cause.at is not None else ""
    more = sum(c.certainty is cause.certainty and c.kind == cause.kind for c in sure) - 1
    also = f", and {more:,} more like it" if more else ""
    thin = "Likely: " if cause.certainty is Certainty.LIKELY else ""
    return f"{thin}{cause.what if thin else cause.what[:1].upper() + cause.what[1:]}{where}{also}"


def _maybe(cause: Cause) -> str:
    return f"it may be that {cause.what}"


def _symptom(clues: Clues) -> bool:
    """Say whether anybody has said, or anything shows, that something is wrong."""
    symptom = clues.symptom
    return (
        bool(symptom.errno or symptom.call or symptom.stalled_at or symptom.logs or symptom.hits)
        or unanswered(clues) is not None
    )


def unanswered(clues: Clues) -> Flow | None:
    """Return the destination to which most SYNs are sent again, None where they are few."""
    worst = max(clues.flows, key=lambda flow: flow.retried, default=None)
    return worst if worst is not None and worst.retried >= _MANY else None


def _by_itself(clues: Clues, held: tuple[Cause, ...], unknown: tuple[Cause, ...]) -> bool:
    """Say whether no limit of the host can be it: it stopped at a number, the host was observed, and nothing is left.

    An errno that a limit gives speaks against it, and so do a limit of descriptors that was not observed, and SYNs
    without an answer. What happened once, and not now, explains nothing, nor does a limit at another number. A program
    that writes of its own limit is believed.
    """
    if clues.hits(own_limits.ID):
        return True
    if not clues.stalled_at or not clues.programs or not own_limits.at_it(clues):
        return False
    if clues.symptom.errno not in ("", "none") or any(hit.errno for hit in clues.symptom.hits) or unanswered(clues):
        return False
    if any(cause.kind == "nofile" for cause in unknown):
        return False
    return not any(_explains(clues, cause) for cause in held)


def _explains(clues: Clues, cause: Cause) -> bool:
    if cause.at is not None and cause.unit == "connections" and not saying.near(clues.stalled_at, cause.at):
        return False
    return not cause.evidence or not all(evidence.past for evidence in cause.evidence)


def _first(clues: Clues) -> tuple[str, ...]:
    """Return what to look at before anything else."""
    if clues.met("EADDRNOTAVAIL") and clues.symptom.call == "bind":
        return ("`ip addr`: is the address that the program binds on this host?",)
    if clues.symptom.errno in ("EADDRNOTAVAIL", "EADDRINUSE") and clues.symptom.call in _NEITHER:
        return (
            f"{clues.symptom.call}() does not give {clues.symptom.errno}; which call did? "
            "strace -f -e trace=network -p PID",
        )
    size = pool_rows.size_of_range(clues)
    if size and saying.near(clues.stalled_at, size) and pool_rows.nothing_goes_out(clues):
        return (
            f"look at the clients: {clues.stalled_at:,} is no limit of what this host accepts, but clients that share "
            f"one address have as many ports where their range is {size:,} wide (`sysctl {pool_rows.RANGE}` there)",
        )
    if clues.symptom.errno in _ANSWERS and clues.symptom.call in ("", "connect"):
        return (_ANSWERS[clues.symptom.errno],)
    return ()


def _still(clues: Clues) -> tuple[str, ...]:
    """Return what shows the counters move, where there is one gathering only."""
    if clues.rates.seconds or not clues.examined:
        return ()
    return ("`hosttune snapshot --for 10s -o FILE` while it stalls: in one gathering no counter is seen to move",)


def _without_call(clues: Clues) -> bool:
    """Say whether an errno was named, and nobody says of which call."""
    return clues.symptom.errno not in ("", "none") or any(hit.errno and not hit.call for hit in clues.symptom.hits)


def _written(clues: Clues) -> tuple[str, ...]:
    """Return what the program wrote of a limit of its own, which stands beside a cause that was found."""
    return tuple(f"{hit.program} wrote of a limit of its own too: {hit.line}" for hit in clues.hits(own_limits.ID))


def _ask(clues: Clues) -> tuple[str, ...]:
    """Return what the person could add, of what is not known yet."""
    at, symptom, asked = clues.stalled_at, clues.symptom, []
    if at and pool_rows.size_of_range(clues) is None:
        asked.append(f"the range of local ports, to compare the number with: sysctl {pool_rows.RANGE}")
    if not symptom.errno and not symptom.hits:
        asked.append(saying.ASK_CALL if symptom.logs else _ERRNO)
    elif not symptom.call and _without_call(clues):
        asked.append("the call that failed (--call connect, bind, accept or socket): strace -f -e trace=network -p PID")
    if not at:
        spoken = next((count for log in symptom.logs if (count := unread.number(log))), None)
        offered = f"{spoken}? A line that is not known speaks of so many" if spoken else "N"
        asked.append(f"the number at which it stopped: --stalled-at {offered}")
    elif clues.met("none") is not False:
        asked.append(f"it may stop by itself at {at:,}: {own_limits.where_to_look(clues)[0]}")
    return (*asked, *_again(clues))


def _again(clues: Clues) -> Iterator[str]:
    """Yield how to look again, where a host was looked at."""
    if not clues.examined:
        return
    if clues.stalled_at and not clues.named:
        yield "the program that stops: --pid PID, --service or --process-name; its own limits count"
    root = "" if clues.machine.root_user else "sudo "
    longer = " --for 10s" if clues.rates.seconds < _LONG else ""
    yield f"again while it stalls: `{root}hosttune diagnose{longer}`"


def _not_enough(clues: Clues, held: tuple[Cause, ...]) -> str:
    silent, parts = unanswered(clues), []
    if clues.symptom.logs and not clues.symptom.hits:
        empty = not any(log.lines for log in clues.symptom.logs)
        parts.append("the log is empty" if empty else "the log has no line that hosttune knows")
    if silent is not None:
        where = Backend(silent.address, silent.port)
        parts.append(f"{silent.retried:,} connections to {where} wait for an answer to their SYN")
    parts += [_maybe(cause) for cause in held[:_GENERAL]]
    return f"Not enough evidence: {'; '.join(parts) or 'nothing that was checked explains it'}"


def _nothing(clues: Clues, held: tuple[Cause, ...]) -> str:
    if held:
        return "Nothing is sure to bind now; " + "; ".join(_maybe(c) for c in held[:_GENERAL])
    if isinstance(clues.traffic, Unknown):
        return "No limit is being hit, but the sockets were not readable"
    return "No limit is being hit right now"
