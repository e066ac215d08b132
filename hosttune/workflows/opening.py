"""Turn the options that say where to look into a host and a list of profiles."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hosttune.errors import UsageError
from hosttune.facts.where import HERE, Came
from hosttune.host import Host
from hosttune.options import Place
from hosttune.profile import load
from hosttune.profile.load import Profile
from hosttune.workflows import telling, trust

if TYPE_CHECKING:
    from hosttune.host.aside import Aside

Result = TypeVar("Result")

_PATIENCE = 1.0  # seconds in which nobody wonders

LOCAL = (trust.LOCAL,)


def open_host(root: str, snapshot: str, netns: str = "") -> Host:
    """Return the host that --root, --snapshot and --netns name, whose namespace is to be entered; raises UsageError."""
    if snapshot and root != "/":
        raise UsageError("--snapshot and --root: a snapshot is a whole host; name one of the two")
    if snapshot:
        from hosttune.host.recorded import Recorded

        if netns:
            raise UsageError("--netns: a snapshot was taken in its namespace; take one with `snapshot --netns`")
        return Recorded.load(snapshot)
    from hosttune.host.live import LiveHost

    return LiveHost(root)


def remembering(host: Host) -> AbstractContextManager[None]:
    """Read each file of a live host once meanwhile: for one look, and for one apply, which forgets as it writes."""
    from hosttune.host.live import LiveHost

    return host.remembering() if isinstance(host, LiveHost) else contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class View:
    """Where a run looks from: how it came there, and what could not be looked at."""

    came: Came = HERE
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standpoint:
    """A host, and where it is looked at from: another network namespace is looked at by a thread of its own."""

    host: Host
    view: View = View()
    thread: Aside | None = None

    def look(self, body: Callable[[Host, View], Result]) -> Result:
        """Return what `body` makes of the host from there."""
        if self.thread is None:
            return body(self.host, self.view)
        return self.thread.call(lambda: body(self.host, self.view))


@contextmanager
def standpoint(place: Place, process: Callable[[], int | None] = lambda: None) -> Iterator[Standpoint]:
    """Open the host that a place names, to look from inside its namespace, or that of a process that runs here.

    `process` returns the process whose network it is, None for that of this one. Whatever goes wrong, the thread that
    calls stays where it is. Raises UsageError.
    """
    if place.netns and place.root != "/":
        raise UsageError("--netns and --root: an image has no network namespaces; name one of the two")
    host = open_host(place.root, place.snapshot, place.netns)
    elsewhere = place.snapshot or place.root != "/"
    pid = None if place.netns or elsewhere else process()
    if elsewhere or not (place.netns or pid is not None):
        yield Standpoint(host)
        return
    from hosttune.host import netns as spaces
    from hosttune.host.aside import Aside

    with Aside() as thread:
        left, unseen = thread.call(lambda: spaces.enter(place.netns, pid))
        try:
            yield Standpoint(host, View(Came(left.identity, left.inherited, place.netns, pid), unseen), thread)
        finally:
            left.forget()


@contextmanager
def view(netns: str, process: Callable[[], int | None], snapshot: str = "", root: str = "/") -> Iterator[View]:
    """Look for a while from inside the namespace or the process named, if it runs here; raises UsageError.

    `process` returns the process whose network it is, None for that of this one.
    """
    if snapshot or root != "/":
        yield View()
        return
    from hosttune.host import netns as spaces

    pid = None if netns else process()
    if not netns and pid is None:
        yield View()
        return
    left, unseen = spaces.enter(netns, pid)
    try:
        yield View(Came(left.identity, left.inherited, netns, pid), unseen)
    finally:
        spaces.leave(left)


def open_profiles(roles: list[str], files: list[str]) -> list[Profile]:
    """Return the profiles of --role and --profile; the base profile where neither is given.

    Raises RefusedError where this verb writes and others than root could have written one of them.
    """
    wanted = roles or ([] if files else ["linux-server"])
    profiles = [load.load(name, directories=LOCAL) for name in dict.fromkeys(map(str.lower, wanted))]
    profiles += [load.load_file(Path(file)) for file in files]
    doubts = [doubt for profile in profiles for doubt in profile.doubts]
    if trust.passed_over(doubts):
        return [load.load(name) for name in dict.fromkeys(wanted)]
    trust.weigh(doubts)
    return profiles


def teller() -> Callable[[str], None]:
    """Return what tells a person, once and only if it takes long, that another run is waited for."""
    start = time.monotonic()

    def tell(holder: str) -> None:
        if time.monotonic() > start + _PATIENCE:
            telling.tell(f"another hosttune ({holder}) is applying or rolling back; waiting for it")

    return tell
