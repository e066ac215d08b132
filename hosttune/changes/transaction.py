"""Make changes one by one, reading each back; whatever fails, take back what was done, in reverse."""

from __future__ import annotations

import dataclasses
import errno
import os

from hosttune.changes import backends, journal
from hosttune.changes.backends import file
from hosttune.changes.journal import Record, Status
from hosttune.errors import ApplyError, HostError
from hosttune.host import WritableHost
from hosttune.model import Change, FileState, State
from hosttune.ports import mask_of


def apply(host: WritableHost, record: Record, restart: bool) -> Record:
    """Carry out a record under the lock and return it as applied; raises ApplyError after taking all of it back.

    The record is on disk before the first write. A change whose read-back differs in form only (the kernel rounds
    up) is kept as the kernel has it.
    """
    try:
        journal.save(host, record)
    except OSError as error:
        raise journal.not_saved(error) from error
    done: list[Change] = []
    try:
        for change in record.changes:
            done.append(make(host, change))
        _tell_systemd(host, record, restart)
        applied = dataclasses.replace(record, status=Status.APPLIED, changes=tuple(done))
        journal.save(host, applied)
        return applied
    except (OSError, HostError) as error:
        raise _failed(host, record, done, restart, error) from error
    except BaseException:
        undo(host, record)
        raise


def make(host: WritableHost, change: Change) -> Change:
    """Make one change and return it with the state read back; raises OSError where that is another one."""
    backends.write(host, change.backend, change.target, change.after)
    got = backends.read(host, change.backend, change.target)
    if not _taken(change, got):
        raise OSError(errno.EIO, f"reads {_shown(got)} after {_shown(change.after)} was written")
    return dataclasses.replace(change, after=got)


def undo(host: WritableHost, record: Record, force: bool = False) -> list[str]:
    """Take back an apply that did not come to its end; returns sentences on what could not be, or is not ours.

    Safe to run again after a crash at any instant: what is as before is passed over. The record then is `undone`,
    unless a write failed: then it stays, and the next run tries again; `force` gives up what the kernel refuses.
    """
    said: list[str] = []
    whole = True
    for change in reversed(record.changes):
        try:
            now = backends.read(host, change.backend, change.target)
            _sweep(host, change)
            if backends.same(now, change.before):
                continue
            if not _ours(change, now):
                said.append(f"{change.target}: {_shown(now)} is neither what it was nor what was written; left alone")
                continue
            backends.write(host, change.backend, change.target, change.before)
        except (OSError, HostError) as error:
            if refused(change, error) and (force or change.target in record.one_way):
                said.append(f"{change.target}: the kernel does not take {_shown(change.before)} back")
                continue
            whole = False
            said.append(f"{change.target}: {describe(error)}")
    if record.reload:
        said += _try_systemd(host, "daemon-reload")
    if whole:
        try:
            journal.save(host, dataclasses.replace(record, status=Status.UNDONE))
        except OSError as error:
            said.append(f"{journal.path_of(record)}: {describe(error)}")
    return said


def refused(change: Change, error: Exception) -> bool:
    """Say whether the kernel does not take a value at all, so that trying again is no use."""
    return change.backend == "sysctl" and isinstance(error, OSError) and error.errno in (errno.EINVAL, errno.ERANGE)


def describe(error: Exception) -> str:
    """Return what an error says, without its class and number."""
    if isinstance(error, OSError) and error.errno and error.strerror in (None, os.strerror(error.errno)):
        return os.strerror(error.errno)
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)


def _failed(
    host: WritableHost, record: Record, done: list[Change], restart: bool, error: OSError | HostError
) -> ApplyError:
    at = record.changes[len(done)].target if len(done) < len(record.changes) else "the last step"
    left = undo(host, record)
    if restart:
        for unit in record.restarts:
            left += _try_systemd(host, "restart", unit)
    what = f"{at}: {describe(error)}"
    if not left:
        return ApplyError(f"{what}; all {len(record.changes)} changes are as before")
    return ApplyError(f"{what}; taken back except: {'; '.join(left)}; `hosttune rollback` tries again")


def _tell_systemd(host: WritableHost, record: Record, restart: bool) -> None:
    if record.reload:
        host.act("systemd", verb="daemon-reload")
    if restart:
        for unit in record.restarts:
            host.act("systemd", verb="restart", unit=unit)


def _try_systemd(host: WritableHost, verb: str, unit: str = "") -> list[str]:
    try:
        host.act("systemd", verb=verb, **({"unit": unit} if unit else {}))
    except OSError as error:
        return [describe(error)]
    return []


def _sweep(host: WritableHost, change: Change) -> None:
    """Remove the half-made file that a crash may have left beside its target."""
    if change.backend == "file":
        file.check(change.target)
        host.clean(change.target)


def _ours(change: Change, now: State) -> bool:
    return backends.same(now, change.after) or _taken(change, now)


def _taken(change: Change, got: State) -> bool:
    """Say whether a target reads as what was written: numbers may be rounded up, a list of ports be spelled anew."""
    if backends.same(got, change.after):
        return True
    if change.backend == "prlimit":
        return got is None  # it has ended, and its limits with it
    if change.backend != "sysctl" or not isinstance(got, str) or not isinstance(change.after, str):
        return False
    have, want = got.split(), change.after.split()
    if all(w.isdigit() for w in (*have, *want)) and len(have) == len(want):
        return all(int(h) >= int(w) for h, w in zip(have, want, strict=True)) and change.before != got
    return bool(mask_of(got)) and mask_of(got) == mask_of(change.after)


def _shown(state: State) -> str:
    if isinstance(state, FileState):
        return "another text"
    return "nothing" if state is None else repr(state)
