"""Turn the options that say where to look into a host and a list of profiles."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hosttune import registry
from hosttune.commands import _output
from hosttune.errors import UsageError
from hosttune.host import Host
from hosttune.model import Report
from hosttune.profile import load
from hosttune.profile.load import Profile

_PATIENCE = 1.0  # seconds in which nobody wonders

LOCAL = (Path("/etc/hosttune/profiles"),)


def open_host(root: str, snapshot: str, netns: str = "") -> Host:
    """Return the host that --root, --snapshot and --netns name; raises UsageError."""
    if snapshot and root != "/":
        raise UsageError("--snapshot and --root: a snapshot is a whole host; name one of the two")
    if snapshot:
        from hosttune.host.recorded import Recorded

        if netns:
            raise UsageError("--netns: a snapshot was taken in its namespace; take one with `snapshot --netns`")
        return Recorded.load(snapshot)
    from hosttune.host.live import LiveHost

    if root == "/" and netns:
        from hosttune.host.netns import enter_named

        enter_named(netns)
    return LiveHost(root)


def remembering(host: Host) -> AbstractContextManager[None]:
    """Read each file of a live host once meanwhile: for one look, and for one apply, which forgets as it writes."""
    from hosttune.host.live import LiveHost

    return host.remembering() if isinstance(host, LiveHost) else contextlib.nullcontext()


def enter(pid: int | None, snapshot: str, root: str, netns: str) -> tuple[str, ...]:
    """Look from where the process named does, if it runs here; return what could not be looked at."""
    if pid is None or snapshot or root != "/" or netns:
        return ()
    from hosttune.host.netns import enter_process

    unseen = enter_process(pid)
    return (unseen,) if unseen else ()


def open_profiles(roles: list[str], files: list[str]) -> list[Profile]:
    """Return the profiles of --role and --profile; the base profile where neither is given."""
    wanted = roles or ([] if files else ["linux-server"])
    return [load.load(name, directories=LOCAL) for name in dict.fromkeys(wanted)] + [
        load.load_file(Path(file)) for file in files
    ]


def check_format(name: str, known: Sequence[str] = ("table", "json")) -> None:
    """Raise UsageError where a verb has no format of this name."""
    if name not in known:
        raise UsageError(f"--format {name}: unknown; choose {', '.join(known[:-1])} or {known[-1]}")


def print_report(report: Report, format: str, verbose: bool) -> None:
    """Print a report in a format."""
    present(report, registry.load("hosttune.render", format), verbose)


def present(report: Any, renderer: Any, verbose: bool) -> None:
    """Print what a renderer makes of a report, or of another noun that it knows.

    Colour only to a terminal that has it, without NO_COLOR.
    """
    out = sys.stdout
    color = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    text = renderer.render(
        report,
        verbose=verbose,
        color=color,
        width=shutil.get_terminal_size((80, 24)).columns,
        unicode=(out.encoding or "ascii").lower().replace("-", "").startswith("utf"),
    )
    _output.put(text, color=color)


def teller() -> Callable[[str], None]:
    """Return what tells a person, once and only if it takes long, that another run is waited for."""
    start, told = time.monotonic(), False

    def tell(holder: str) -> None:
        nonlocal told
        if not told and time.monotonic() > start + _PATIENCE:
            told = True
            print(f"hosttune: another hosttune ({holder}) is applying or rolling back; waiting for it", file=sys.stderr)

    return tell
