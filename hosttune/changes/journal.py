"""The journal: one file for each apply, with all it takes to go back, on disk before the first write.

What is written has been read again before (changes/codec.py). A journal is not trusted: each record carries a
SHA-256, must be root's own, and what it names is checked before anything is done with it. One that is damaged is named
and holds up nothing but what depends on it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from hosttune.changes import codec, promotion
from hosttune.changes.backends import directory
from hosttune.changes.record import HIGHEST_ID, Instance, Record, Status
from hosttune.errors import ApplyError, HostError, HosttuneError, RefusedError, StoppedError
from hosttune.host import Host, WritableHost
from hosttune.host.live import LARGEST
from hosttune.model import FileState
from hosttune.profile import keys

DIRECTORY = "/var/lib/hosttune"
WAIT = 10.0
"""Seconds that a run waits for another one to end before it refuses."""
MOST = 10_000
"""Records that are read, the newest: more applies than a host sees in its life."""
ROOM = 32 << 20
"""Bytes of records that are read, the newest: some 1,800 of the usual size, in about 3 s and 100 MB."""

_AT_FIRST = LARGEST // 2 - (64 << 10)
"""Bytes of a record when its apply begins: its rollback keeps the writes of the way back beside the changes."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record that cannot be used: its file, the number in its name, and why."""

    path: str
    id: int
    why: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The records that can be used and those that cannot, each oldest first.

    `unread` are the numbers of those that are too many to be read, `last` is the highest number there is on disk, and
    `unsafe` says why the directory itself cannot be trusted, "" where it can.
    """

    records: tuple[Record, ...] = ()
    damaged: tuple[Damaged, ...] = ()
    unread: tuple[int, ...] = ()
    last: int = 0
    unsafe: str = ""

    def next_id(self) -> int:
        """Return the number of the next record, above all on disk; raises RefusedError where none is left."""
        if self.last >= HIGHEST_ID:
            raise RefusedError(f"{DIRECTORY}/{self.last}.json has the highest number there is; move it elsewhere")
        return self.last + 1


def records(host: WritableHost) -> list[Record]:
    """Return the records that can be used, oldest first; raises RefusedError as `read`."""
    return list(read(host).records)


def read(host: WritableHost) -> Journal:
    """Return what the journal holds; raises RefusedError where this user may not read it."""
    named = _named(host)
    decoded: list[Record] = []
    damaged: list[Damaged] = []
    size = 0
    for at, (number, path) in enumerate(named):
        if at == MOST or size > ROOM:
            unread = tuple(sorted({number for number, _ in named[at:]}))
            break
        try:
            text = _text(host, path)
            size += len(text)
            record = _decoded(text)
            if path_of(record) != path:
                raise ValueError(f"it says that it is number {record.id}")
            decoded.append(record)
        except ValueError as error:
            damaged.append(Damaged(path, number, str(error)))
    else:
        unread = ()
    allowed = {key for record in decoded for key in record.request.allow}
    for record in decoded[:]:
        if key := _foreign_key(record, allowed):
            decoded.remove(record)
            damaged.append(Damaged(path_of(record), record.id, f"{key!r} is a sysctl that no apply writes"))
    last = named[0][0] if named else 0
    usable, others = decoded[::-1], sorted(damaged, key=lambda damage: (damage.id, damage.path))
    return Journal(tuple(usable), tuple(others), unread, last, _unsafe(host))


def _foreign_key(record: Record, allowed: Collection[str]) -> str:
    """Return a sysctl that no apply can have written: neither of connections nor `allowed` by name; "" for none."""
    others = [change for changes in record.rewrites.values() for change in changes]
    made = [c for c in (*record.changes, *record.way_back, *record.left, *others) if c.backend == "sysctl"]
    foreign = (c.target for c in made if c.target not in allowed and not keys.is_known(c.target))
    return next((key for key in foreign if not promotion.is_key(key)), "")


_seen: dict[bytes, Record] = {}
"""Records by the SHA-256 of their text: one run looks into the journal several times."""


def _decoded(text: str) -> Record:
    key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    if key not in _seen:
        _seen[key] = codec.record_of(text)
    return _seen[key]


def _named(host: Host) -> list[tuple[int, str]]:
    """Return number and path of each record, the newest first; other names are copies that somebody made."""
    paths = host.glob(f"{DIRECTORY}/[0-9]*.json")
    named = ((re.fullmatch(r"([0-9]{6,9})\.json", path.rpartition("/")[2], re.ASCII), path) for path in paths)
    return sorted(((int(match[1]), path) for match, path in named if match), reverse=True)


def _text(host: Host, path: str) -> str:
    """Return the text of a record; raises ValueError where it is no file of root's own, RefusedError."""
    try:
        state = host.state(path)
    except HostError as error:
        why = error.detail.removeprefix(path).lstrip(": ")
        if os.geteuid() != 0 and why == os.strerror(errno.EACCES):
            raise RefusedError(f"{path}: cannot be read: {why}; run as root") from error
        raise ValueError(f"it cannot be read: {why}") from error
    if state is None:
        raise ValueError("it is not there any more")
    if wrong := _others_write(state.uid, state.mode):
        raise ValueError(wrong)
    return state.text


def _others_write(uid: int | None, mode: int) -> str:
    """Return how others than root and this user can write a file; "" where they cannot."""
    if uid in (None, 0, os.geteuid()) and not mode & 0o022:
        return ""
    return f"owned by uid {uid}, mode {mode:04o}: others can write it; only root may"


def _unsafe(host: WritableHost) -> str:
    owner = host.owner(DIRECTORY)
    return _others_write(*owner) if owner else ""


def instance(host: Host) -> Instance:
    """Return the boot and the network namespace that this run is in."""
    try:
        answer = host.probe("instance")
    except (HostError, OSError):
        return Instance()
    return Instance(str(answer["boot"]), str(answer["namespace"]))


def save(host: WritableHost, record: Record) -> None:
    """Put a record on disk, whole and synced; raises OSError, of errno EBADMSG where it could not be read again."""
    host.put(path_of(record), FileState(check(record), 0o600))


def check(record: Record) -> str:
    """Return the text of a record, which is known to be read again; raises OSError of errno EBADMSG."""
    try:
        text = codec.proven(record)
    except ValueError as error:
        raise OSError(errno.EBADMSG, str(error)) from error
    if record.status is Status.APPLYING and (key := _foreign_key(record, record.request.allow)):
        raise OSError(errno.EBADMSG, f"{key!r} is a sysctl that no apply writes")
    most = _AT_FIRST if record.status is Status.APPLYING else LARGEST
    if len(text) > most:
        raise OSError(errno.EBADMSG, f"it is {len(text):,} bytes, and {most:,} are read; do it in smaller parts")
    return text


def path_of(record: Record) -> str:
    """Return the file of a record."""
    return f"{DIRECTORY}/{record.id:06d}.json"


@contextmanager
def locked(host: WritableHost, waiting: Callable[[str], None]) -> Iterator[None]:
    """Be the only run that writes; raises RefusedError where it cannot, or another one goes on for more than WAIT.

    `waiting` is called with who is waited for, many times.
    """
    lock = f"{DIRECTORY}/lock"
    with ExitStack() as held:
        try:
            for path in directory.missing(host, lock):
                host.make_directory(path)
            held.enter_context(host.lock(lock, WAIT, waiting))
            held.enter_context(stopped_by_signals())
        except HostError as error:
            raise RefusedError(f"another hosttune is applying or rolling back ({error.detail}); wait for it") from error
        except OSError as error:
            fix = "run as root" if error.errno in (errno.EACCES, errno.EPERM) else "make room for it, or fix that"
            raise RefusedError(f"{lock}: {error.strerror}; the journal is kept there: {fix}") from error
        yield


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP (a lost terminal) into an exception, so that what was done is taken back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise StoppedError(f"stopped by {signal.Signals(number).name}", 128 + number)

    # what the person who started it has ignored (nohup) stays ignored
    watched = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    old = {number: signal.signal(number, stop) for number in watched}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def not_saved(error: OSError) -> HosttuneError:
    """Return what to say where the journal itself cannot be written: nothing has been touched then."""
    if error.errno == errno.EBADMSG:
        return RefusedError(f"{DIRECTORY}: the way back could not be read again: {error.strerror}; nothing was changed")
    return ApplyError(f"{DIRECTORY}: the way back cannot be kept ({error.strerror}), so nothing was changed")
