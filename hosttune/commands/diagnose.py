"""Why does this host stall: gather twice, judge, print."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hosttune import diagnosis
from hosttune.diagnosis import errnos, log_reading
from hosttune.errors import HostError, UsageError
from hosttune.host import named_file
from hosttune.host.live import LiveHost
from hosttune.host.recorded import Recorded
from hosttune.model import Conclusion, Diagnosis, LogHit, Symptom, Unknown
from hosttune.options import Options
from hosttune.render.view import diagnosis as diagnosis_view
from hosttune.terminal import presenting
from hosttune.workflows import loading, observe, opening

_CODES = {Conclusion.NOTHING: 0, Conclusion.CAUSE: 1, Conclusion.OWN_LIMIT: 1, Conclusion.NOT_ENOUGH: 3}
_LARGEST = 16 << 20
"""Bytes of a log that are read, from its end: what stalls now is there."""
_PATIENCE = 3.0
"""Seconds that a pipe is read: `journalctl -b` has written that much by then, and nobody waits for what never ends."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune diagnose`, as given; `interval` is the time between the two gatherings, "" for short."""

    options: Options
    interval: str
    errno: str
    call: str
    stalled_at: int | None
    log: tuple[str, ...]
    netns: str
    snapshot: str
    format: str
    verbose: bool


def run(asked: Asked) -> int:
    """Print the diagnosis and return the exit code."""
    if asked.format not in diagnosis_view.RENDERERS:
        raise UsageError(f"--format {asked.format}: unknown; choose {', '.join(sorted(diagnosis_view.RENDERERS))}")
    said, notes = _said(asked)
    interval = observe.seconds(asked.interval) if asked.interval else 0.0
    with loading.view(asked.options, asked.netns, asked.snapshot) as seen:
        host = opening.open_host("/", asked.snapshot, asked.netns)
        hosts = observe.recorded(host, host.again) if isinstance(host, Recorded) else observe.live(host)
        clues = observe.clues(hosts, asked.options, said, interval)
    found = diagnosis.diagnose(clues)
    found = dataclasses.replace(
        found,
        command=loading.command(),
        notes=(*found.notes, *notes, *_unused(asked, found.seconds)),
        missing=(*seen.missing, *(_missing(clues) if isinstance(host, LiveHost) else ())),
    )
    _print(found, asked)
    return _CODES[found.conclusion]


def _print(found: Diagnosis, asked: Asked) -> None:
    presenting.present(found, diagnosis_view.Renderer(asked.format), asked.verbose)


def _unused(asked: Asked, seconds: float) -> tuple[str, ...]:
    """Return that a time to watch says nothing of a recording."""
    if not (asked.snapshot and asked.interval):
        return ()
    held = f"its two moments are {seconds:,.1f} s apart" if seconds else "it has one moment only"
    return (f"--for {asked.interval} was not used: a snapshot is of the time when it was taken, and {held}",)


def _said(asked: Asked) -> tuple[Symptom, tuple[str, ...]]:
    """Return what the person and the logs say, checked, and which log says nothing; raises UsageError."""
    errno = asked.errno.upper() if asked.errno.lower() != "none" else "none"
    if errno and errno not in errnos.ERRNOS:
        raise UsageError(f"--errno {asked.errno}: unknown; choose {', '.join(errnos.ERRNOS)}")
    if asked.call and asked.call not in errnos.CALLS:
        raise UsageError(f"--call {asked.call}: unknown; choose {', '.join(errnos.CALLS)}")
    known = [_hits(path) for path in dict.fromkeys(asked.log)]
    notes = tuple(remark for _, remark in known if remark)
    return Symptom(errno, asked.call, asked.stalled_at, tuple(hit for hits, _ in known for hit in hits)), notes


def _hits(path: str) -> tuple[tuple[LogHit, ...], str]:
    """Return the lines that are known of a log's end, or of what comes in where the path is -, and a remark on it.

    Raises UsageError where it is no log.
    """
    try:
        found = named_file.read_end(path, _LARGEST, _PATIENCE)
    except (OSError, HostError) as error:
        raise UsageError(f"--log {path}: {named_file.why(error)}; name a file that you may read, or a pipe") from error
    if found.cut and not found.data:
        raise UsageError(f"--log {path}: nothing came in {_PATIENCE:g} s; start what writes it first, or name a file")
    hits = log_reading.recognise(found.data)
    if found.cut:
        return hits, f"--log {path}: more came after {_PATIENCE:g} s and was not read; save it first, and name the file"
    return hits, "" if hits else f"--log {path}: no line that is known"


def _missing(clues: diagnosis.Clues) -> tuple[str, ...]:
    """Return what root would add, of what was not seen from here."""
    if clues.machine.root_user:
        return ()
    told = ["the network namespaces of other users' processes"]
    if isinstance(clues.log, Unknown):
        told.append("the kernel's log of limits that were met (it takes CAP_SYSLOG)")
    if isinstance(clues.tracked, Unknown):
        told.append("the states of the conntrack entries, and who shares an address by NAT (it takes CAP_NET_ADMIN)")
    told.append("which program owns the listeners of other users")
    return tuple(told)
