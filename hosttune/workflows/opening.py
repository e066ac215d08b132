"""Turn the options that say where to look into a host and a list of profiles."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosttune.errors import UsageError
from hosttune.facts.where import HERE, Came
from hosttune.host import Host
from hosttune.profile import load
from hosttune.profile.load import Profile
from hosttune.render import render
from hosttune.terminal import streams
from hosttune.workflows import trust

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
    unseen = ""
    if netns:
        left = spaces.enter_named(netns)
    elif pid is not None:
        left, unseen = spaces.enter_process(pid)
    else:
        yield View()
        return
    try:
        yield View(Came(left.identity, left.inherited, netns, pid), (unseen,) if unseen else ())
    finally:
        spaces.leave(left)


def open_profiles(roles: list[str], files: list[str]) -> list[Profile]:
    """Return the profiles of --role and --profile; the base profile where neither is given.

    Raises RefusedError where this verb writes and others than root could have written one of them.
    """
    wanted = roles or ([] if files else ["linux-server"])
    found = [load.load(name, directories=LOCAL) for name in dict.fromkeys(wanted)]
    found += [load.load_file(Path(file)) for file in files]
    doubts = [doubt for profile in found for doubt in profile.doubts]
    if trust.passed_over(doubts):
        return [load.load(name) for name in dict.fromkeys(wanted)]
    trust.weigh(doubts)
    return found


def check_format(name: str, known: Sequence[str] = ("table", "json")) -> None:
    """Raise UsageError where a verb has no format of this name."""
    if name not in known:
        raise UsageError(f"--format {name}: unknown; choose {', '.join(known[:-1])} or {known[-1]}")


def present(noun: Any, format: str, verbose: bool = False) -> None:
    """Print a noun in a format.

    Colour only to a terminal that has it, without NO_COLOR.
    """
    out = sys.stdout
    color = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    text = render(
        noun,
        format,
        verbose=verbose,
        color=color,
        width=shutil.get_terminal_size((80, 24)).columns,
        unicode=(out.encoding or "ascii").lower().replace("-", "").startswith("utf"),
    )
    streams.put(text, color=color)


def teller() -> Callable[[str], None]:
    """Return what tells a person, once and only if it takes long, that another run is waited for."""
    start, told = time.monotonic(), False

    def tell(holder: str) -> None:
        nonlocal told
        if not told and time.monotonic() > start + _PATIENCE:
            told = True
            print(f"hosttune: another hosttune ({holder}) is applying or rolling back; waiting for it", file=sys.stderr)

    return tell
