"""Make changes one by one, reading each back; whatever fails, take back what was done, in reverse."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hosttune.changes import backends, journal, promotion
from hosttune.changes.confirm import moment, over
from hosttune.changes.order import holds
from hosttune.changes.record import Record, Status
from hosttune.errors import ApplyError, HostError, StoppedError
from hosttune.host import WritableHost
from hosttune.model import Change, FileState, Reason, State
from hosttune.ports import mask_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """Sentences on what could not be done or was left; `whole`: nothing is to be tried again."""

    notes: tuple[str, ...]
    whole: bool


def apply(host: WritableHost, record: Record, restart: bool, arm: Callable[[], None] | None = None) -> Record:
    """Carry out a record under the lock and return it as applied; raises ApplyError after taking all of it back.

    The record is on disk before the first write, and `arm` is called between the two: it sets the timer of an apply
    that waits to be confirmed. A change whose read-back differs in form only (the kernel rounds up) is kept as the
    kernel has it, in the journal too, so that a crash later finds it.
    """
    try:
        journal.save(host, record)
    except OSError as error:
        raise journal.not_saved(error) from error
    with or_back(lambda what: _failed(host, record, restart, what)) as at_hand:
        at_hand.target = "the timer that undoes it"
        if arm is not None:
            arm()
        for at, change in enumerate(record.changes):
            at_hand.target = change.target
            made = make(host, change)
            if made.after != change.after:
                record = dataclasses.replace(record, changes=(*record.changes[:at], made, *record.changes[at + 1 :]))
                if change.backend == "sysctl":
                    journal.save(host, record)
        at_hand.target = "the last step"
        tell_systemd(host, record.reload, record.restarts if restart else ())
        if record.confirm and over(record.confirm, moment(host)):
            raise OSError(errno.ETIME, f"it took longer than the {record.confirm.seconds} s to confirm it")
        done = dataclasses.replace(record, status=Status.UNCONFIRMED if record.confirm else Status.APPLIED)
        journal.save(host, done)
    return done


@dataclass(slots=True)
class AtHand:
    """What is being done, for the sentence where it fails."""

    target: str = journal.DIRECTORY


@contextlib.contextmanager
def or_back(back: Callable[[str], str]) -> Iterator[AtHand]:
    """Do within all or nothing: whatever stops it, `back` undoes it and returns what to say of that.

    Raises ApplyError, and StoppedError where a person or a signal has stopped it.
    """
    at_hand = AtHand()
    try:
        yield at_hand
    except (OSError, HostError) as error:
        raise ApplyError(back(f"{at_hand.target}: {describe(error)}")) from error
    except KeyboardInterrupt as stop:
        raise StoppedError(back("stopped")) from stop
    except StoppedError as stop:
        raise StoppedError(back(str(stop)), stop.exit_code) from stop
    except BaseException:
        back("a bug")
        raise


def make(host: WritableHost, change: Change) -> Change:
    """Make one change and return it with the state read back; raises OSError where that is another one."""
    backends.write(host, change.backend, change.target, change.after)
    got = backends.read(host, change.backend, change.target)
    if not _taken(change, got):
        raise OSError(errno.EIO, f"reads {_shown(got)} after {_shown(change.after)} was written")
    return dataclasses.replace(change, after=got)


def undo(host: WritableHost, record: Record, force: bool = False) -> Outcome:
    """Take back an apply that did not come to its end.

    Safe to run again after a crash at any instant: what is as before is passed over. The record then is `undone`,
    unless a write failed: then it stays, and the next run tries again; `force` gives up what cannot be taken back.
    """
    safe = promotion.reversed_safely(host, record.changes) if host.runs else record.changes
    if safe != record.changes:
        record = dataclasses.replace(record, changes=safe)
        with contextlib.suppress(OSError):  # on a full disk what was written goes back all the same
            journal.save(host, record)
    back = reachable(host, reversed(record.changes))
    notes, stuck = each(back, lambda change: _take_back(host, change), lambda c: force or c.target in record.one_way)
    notes += try_systemd(host, record.reload)
    if not stuck:
        try:
            journal.save(host, dataclasses.replace(record, status=Status.UNDONE))
        except OSError as error:
            return Outcome((*notes, f"{journal.path_of(record)}: {describe(error)}"), False)
    return Outcome((*notes, *stuck.values()), not stuck)


def each(
    changes: Iterable[Change], do: Callable[[Change], list[str]], give_up: Callable[[Change], bool]
) -> tuple[list[str], dict[Change, str]]:
    """Do all changes, whichever fail; return sentences, and those to be tried again with a sentence each.

    A ceiling is not lowered while a limit that it holds could not be.
    """
    notes: list[str] = []
    stuck: dict[Change, str] = {}
    failed: list[Change] = []
    for change in changes:
        above = next((earlier for earlier in failed if holds(earlier, change)), None)
        try:
            if above is None:
                notes += do(change)
                continue
            why = f"{change.target} stays, because {above.target} could not be undone"
        except (OSError, HostError) as error:
            why = f"{change.target}: {describe(error)}"
        failed.append(change)
        if give_up(change):
            notes.append(f"{why}; given up")
        else:
            stuck[change] = why
    return notes, stuck


def reachable(host: WritableHost, changes: Iterable[Change]) -> list[Change]:
    """Return the changes that exist on this host: an image has no kernel, and what its last one held is gone."""
    return [change for change in changes if host.runs or not backends.runtime(change.backend)]


def describe(error: Exception) -> str:
    """Return what an error says, without its class and number."""
    if isinstance(error, OSError) and error.errno and error.strerror in (None, os.strerror(error.errno)):
        return os.strerror(error.errno)
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)


def sweep(host: WritableHost, change: Change) -> None:
    """Remove the half-made file that a crash may have left beside its target."""
    if change.backend == "file":
        backends.check(change.backend, change.target, change.after)
        host.clean(change.target)


def gone(error: HostError, change: Change) -> list[str]:
    """Return what to say of a sysctl whose module has been unloaded, and its value with it; raises any other error."""
    if change.backend != "sysctl" or error.reason is not Reason.ABSENT:
        raise error
    return [f"{change.target} is not there any more, and its value with it"]


def _take_back(host: WritableHost, change: Change) -> list[str]:
    try:
        now = backends.read(host, change.backend, change.target)
    except HostError as error:
        return gone(error, change)
    sweep(host, change)
    if backends.same(now, change.before):
        return []
    if not is_ours(change, now):
        return [f"{change.target}: {_shown(now)} is neither what it was nor what was written; left alone"]
    backends.write(host, change.backend, change.target, change.before)
    return []


def _failed(host: WritableHost, record: Record, restart: bool, what: str) -> str:
    """Take all back and return what to say of it."""
    outcome = undo(host, record)
    left = list(outcome.notes)
    left += try_systemd(host, False, record.restarts if restart else ())
    if not left:
        return f"{what}; all {len(record.changes)} changes are as before"
    again = "" if outcome.whole else "; `hosttune rollback` tries again"
    return f"{what}; undone except: {'; '.join(left)}{again}"


def tell_systemd(host: WritableHost, reload: bool, restarts: Iterable[str] = ()) -> None:
    """Have systemd read its units again, then start services again; raises OSError."""
    if not host.runs:
        return
    if reload:
        host.act("systemd", verb="daemon-reload")
    for unit in restarts:
        host.act("systemd", verb="restart", unit=unit)


def try_systemd(host: WritableHost, reload: bool, restarts: Iterable[str] = ()) -> list[str]:
    """Do the same as far as it goes, and return sentences on what has failed."""
    failed = []
    orders: list[tuple[bool, list[str]]] = [(reload, []), *((False, [unit]) for unit in restarts)]
    for again, units in orders:
        try:
            tell_systemd(host, again, units)
        except OSError as error:
            failed.append(describe(error))
    return failed


def is_ours(change: Change, now: State) -> bool:
    """Say whether a target holds what was written; a greater number may be somebody else's, so it does not count."""
    if backends.same(now, change.after) or (change.backend == "prlimit" and now is None):
        return True
    return change.backend == "sysctl" and _one_list(now, change.after)


def _taken(change: Change, got: State) -> bool:
    """Say whether a target reads as what was just written: numbers may be rounded up, a list of ports spelled anew."""
    if is_ours(change, got):
        return True
    if change.backend != "sysctl" or not isinstance(got, str) or not isinstance(change.after, str):
        return False
    have, want = got.split(), change.after.split()
    if not all(w.isdecimal() for w in (*have, *want)) or len(have) != len(want):
        return False
    return all(int(h) >= int(w) for h, w in zip(have, want, strict=True)) and change.before != got


def _one_list(state: State, other: State) -> bool:
    """Say whether two texts are one list of ports; a number alone is none."""
    if not (isinstance(state, str) and isinstance(other, str)) or not ("," in other or "-" in other):
        return False
    return bool(mask_of(state)) and mask_of(state) == mask_of(other)


def _shown(state: State) -> str:
    if isinstance(state, FileState):
        return "another text"
    return "nothing" if state is None else repr(state)
