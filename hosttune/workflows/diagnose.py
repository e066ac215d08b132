"""From options and a symptom to a diagnosis: gather twice, judge."""

from __future__ import annotations

import dataclasses

from hosttune.diagnosis import Clues, errnos, log_reading, unread
from hosttune.diagnosis import diagnose as judge
from hosttune.errors import HostError, UsageError
from hosttune.facts import where
from hosttune.host import Host, named_file
from hosttune.host.live import LiveHost
from hosttune.model import Conclusion, Diagnosis, GivenLog, LogHit, Symptom, Unknown
from hosttune.model.progress import Step
from hosttune.options import Options, Place, Stall
from hosttune.programs import knowledge
from hosttune.workflows import contained, loading, observe, opening, telling

_LARGEST = 16 << 20
"""Bytes of a log that are read, from its end: what stalls now is there."""
_PATIENCE = 3.0
"""Seconds that a pipe is read: `journalctl -b` has written that much by then, and nobody waits for what never ends."""
_AWAY = ("outside", "path", "nat-gateway")
"""Causes that lie elsewhere."""
_UNEXPLAINED = (Conclusion.NOTHING, Conclusion.NOT_ENOUGH)
_ON_THE_WAY = ("conntrack", "conntrack-churn", "ipvs", "nat", "nat-race", "neighbours", "softnet")
"""What a host refuses that it forwards for others."""
_AROUND = 2.0
"""Seconds in which the counters of the host around a container are watched."""


def diagnose(options: Options, place: Place, stall: Stall, interval: float, command: str) -> Diagnosis:
    """Return why the host stalls; the counters are watched for `interval` seconds. Raises UsageError."""
    symptom, notes = _symptom(stall)
    options = contained.settled(options, place)
    with loading.standpoint(options, place) as point, telling.during(Step("reading this host")):
        clues = point.look(
            lambda host, view: observe.clues(observe.moments(host), options, symptom, interval, view.came)
        )
    live = isinstance(point.host, LiveHost)
    diagnosis = judge(clues)
    beside = (*_elsewhere(point.host, point.view, clues, diagnosis), *_around(clues, diagnosis))
    return dataclasses.replace(
        diagnosis,
        command=command,
        next=(*beside, *diagnosis.next),
        notes=(*diagnosis.notes, *notes, *(() if live else _unused(interval, diagnosis.seconds))),
        missing=(*point.view.missing, *(_missing(clues) if live else ())),
    )


def _elsewhere(host: Host, view: opening.View, clues: Clues, diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return which other network namespace is at a limit, where nothing of the host itself explains a stall."""
    explained = diagnosis.conclusion in (Conclusion.CAUSE, Conclusion.OWN_LIMIT)
    if explained or view.came != where.HERE or clues.named:
        return ()
    from hosttune.workflows import node  # a host that stalls mostly has a cause of its own

    sentence = node.elsewhere(host, clues.machine)
    return (sentence,) if sentence else ()


def _around(clues: Clues, diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return what binds on the way out of a network namespace that was entered, in the one that this run is in.

    What a container sees of the NAT and of the conntrack table of its host is that nothing answers.
    """
    outside = bool(diagnosis.causes) and diagnosis.causes[0].kind in _AWAY
    if not clues.where.entered or not (outside or diagnosis.conclusion in _UNEXPLAINED):
        return ()
    with telling.during(Step("reading the host around it")):
        around = judge(observe.clues(observe.moments(LiveHost()), Options(), Symptom(), _AROUND))
    causes = [cause for cause in around.causes if cause.kind in _ON_THE_WAY]
    # what is printed runs where this was typed
    return tuple(
        f"on the way, outside of it ({cause.certainty}): {cause.what}: `sudo hosttune diagnose`" for cause in causes[:1]
    )


def _unused(interval: float, seconds: float) -> tuple[str, ...]:
    """Return that a time to watch means nothing for a recording."""
    if not interval:
        return ()
    held = f"its two moments are {seconds:,.1f} s apart" if seconds else "it has one moment only"
    return (f"--for {interval:g}s was not used: a snapshot is of the time when it was taken, and {held}",)


def _symptom(stall: Stall) -> tuple[Symptom, tuple[str, ...]]:
    """Return what the person and the logs say, checked, and which log was not read whole; raises UsageError."""
    errno = stall.errno.upper() if stall.errno.lower() != "none" else "none"
    if errno and errno not in errnos.ERRNOS:
        raise UsageError(f"--errno {stall.errno}: unknown; choose {', '.join(errnos.ERRNOS)}")
    if stall.call and stall.call not in errnos.CALLS:
        raise UsageError(f"--call {stall.call}: unknown; choose {', '.join(errnos.CALLS)}")
    logs = [_hits(path) for path in dict.fromkeys(stall.log)]
    remarks = tuple(remark for _, _, remark in logs if remark)
    hits = tuple(hit for hits, _, _ in logs for hit in hits)
    return Symptom(errno, stall.call, stall.stalled_at, hits, tuple(given for _, given, _ in logs)), remarks


def _hits(path: str) -> tuple[tuple[LogHit, ...], GivenLog, str]:
    """Return the lines that are known of a log's end, or of what comes in where the path is -, and those that are not.

    With it a remark, where not all of it was read.

    Raises UsageError where it is no log.
    """
    try:
        end = named_file.read_end(path, _LARGEST, _PATIENCE)
    except (OSError, HostError) as error:
        raise UsageError(f"--log {path}: {named_file.why(error)}; name a file that you may read, or a pipe") from error
    if end.cut and not end.data:
        raise UsageError(f"--log {path}: nothing came in {_PATIENCE:g} s; start what writes it first, or name a file")
    every = knowledge.every()
    hits = log_reading.recognise(end.data, every, end.written)
    given = unread.unread(path, end.data, log_reading.knows(every), len(end.data) < _LARGEST)
    if end.cut:
        remark = f"--log {path}: more came after {_PATIENCE:g} s and was not read; save it first, and name the file"
        return hits, given, remark
    return hits, given, ""


def _missing(clues: Clues) -> tuple[str, ...]:
    """Return what root would add, of what is not visible from here."""
    if clues.machine.root_user:
        return ()
    unseen = ["the network namespaces of other users' processes"]
    if isinstance(clues.log, Unknown):
        unseen.append("the kernel's log of limits that were met (it takes CAP_SYSLOG)")
    if isinstance(clues.tracked, Unknown):
        unseen.append("the states of the conntrack entries, and who shares an address by NAT (it takes CAP_NET_ADMIN)")
    unseen.append("which program owns the listeners of other users")
    return tuple(unseen)
