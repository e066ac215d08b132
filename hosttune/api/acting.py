"""The verbs that change a host, take it back, and say what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hosttune.options import ApplyOptions, Options, Place, RollbackOptions, SourceOptions
from hosttune.workflows import telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from hosttune.model import SourcePlan
    from hosttune.model.acting import Applied, Confirmed, Emission, History, SourcesChanged, Undone
    from hosttune.model.progress import Progress
    from hosttune.workflows.telling import Tell

_ANY, _HERE, _WHOLE, _LAST = Options(), Place(), ApplyOptions(), RollbackOptions()


def apply(
    options: Options = _ANY,
    place: Place = _HERE,
    how: ApplyOptions = _WHOLE,
    *,
    dry_run: bool = False,
    agree: Callable[[Applied], bool] | None = None,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Applied:
    """Make a host ready for its role, now and after the next boot, in one transaction that can be taken back.

    What was refused is in `refused` of the answer. `agree` is shown what would be done before the first write, and says
    whether it shall be. While it writes, SIGTERM and SIGHUP raise StoppedError where the main thread calls.

    >>> applied = hosttune.apply(Options(role="lb", connections=200_000), Place(snapshot=SNAPSHOT), dry_run=True)
    >>> applied.changed, applied.id, [change.target for change in applied.changes if change.backend == "file"][:1]
    (True, None, ['/etc/sysctl.d/90-hosttune.conf'])
    """
    from hosttune.workflows import apply

    with telling.to(tell, progress):
        return apply.apply(apply.Wish(options, place, how, command, dry_run), agree)


def apply_script(
    options: Options = _ANY,
    place: Place = _HERE,
    how: ApplyOptions = _WHOLE,
    *,
    command: str = "",
    tell: Tell | None = None,
) -> str:
    """Return a shell script that does what an apply would do; raises RefusedError where that would be refused.

    >>> hosttune.apply_script(Options(role="lb"), Place(snapshot=SNAPSHOT)).splitlines()[0]
    '#!/bin/sh'
    """
    from hosttune.workflows import apply

    with telling.to(tell):
        return apply.as_script(apply.Wish(options, place, how, command))


def apply_emit(
    options: Options = _ANY,
    place: Place = _HERE,
    how: ApplyOptions = _WHOLE,
    *,
    format: str,
    command: str = "",
    tell: Tell | None = None,
) -> Emission:
    """Return what a container lacks as a file or options of what makes it; on a host, what a new container lacks.

    `format` is FORMAT[=NAME], one of docker, podman, compose, quadlet, pod, daemon, containers, containerd, oci, with
    the name of the service. Raises RefusedError where an apply would be refused in there.

    >>> hosttune.apply_emit(Options(role="lb"), format="compose=a/b")
    Traceback (most recent call last):
    hosttune.errors.UsageError: --emit compose=a/b: no name of a container or a service (letters, digits, _ . -)
    """
    from hosttune.workflows import apply, container_file

    with telling.to(tell):
        return container_file.emitted(apply.Wish(options, place, how, command), format)


def rollback(
    how: RollbackOptions = _LAST,
    place: Place = _HERE,
    *,
    dry_run: bool = False,
    agree: Callable[[Undone], bool] | None = None,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Undone:
    """Take an apply back: every file to the byte, every value; what other applies want stays. All else as `apply`.

    >>> hosttune.rollback(place=Place(root=IMAGE), dry_run=True).notes
    ('nothing to undo: no apply is recorded here',)
    """
    from hosttune.workflows import undoing

    with telling.to(tell, progress):
        return undoing.rollback(undoing.Wish(how, place, command, dry_run), agree)


def confirm(id: int | None = None, *, dry_run: bool = False, tell: Tell | None = None) -> Confirmed:
    """Keep an apply of this host that waits to be confirmed, None for the one that does: write what waits for it.

    >>> hosttune.confirm(7, dry_run=True)
    Traceback (most recent call last):
    hosttune.errors.UsageError: confirm 7: no such apply; `hosttune history` lists them
    """
    from hosttune.host.live import LiveHost
    from hosttune.workflows import confirming

    with telling.to(tell):
        return confirming.confirm_apply(LiveHost(), id, dry_run=dry_run)


def history(place: Place = _HERE) -> History:
    """List the applies of a host: which are in force, who made them and why.

    >>> hosttune.history(Place(root=IMAGE)).applies
    ()
    """
    from hosttune.workflows import past

    return past.history(place.root)


def sources_plan(
    options: Options,
    place: Place = _HERE,
    *,
    interface: str = "",
    headroom: str = "0",
    tell: Tell | None = None,
) -> SourcePlan:
    """Say how many source addresses a workload takes towards its backends, and which are free; nothing is sent.

    `interface`: only what goes out there; `headroom`: the share of the ports to keep free, 0.2 or 20%.

    >>> hosttune.sources_plan(Options(role="lb"), Place(snapshot=SNAPSHOT))
    Traceback (most recent call last):
    hosttune.errors.UsageError: sources plan: no backend; name them with --backend HOST:PORT or --backends-from FILE
    """
    from hosttune.workflows import sources_plan

    with telling.to(tell):
        return sources_plan.plan(options, place, interface, headroom)


def sources_add(
    how: SourceOptions,
    place: Place = _HERE,
    *,
    dry_run: bool = False,
    agree: Callable[[Applied], bool] | None = None,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> SourcesChanged:
    """Give an interface source addresses, now and after the next boot; those that somebody has are refused.

    >>> image = Place(root=IMAGE)
    >>> add = SourceOptions(addresses="10.0.0.21/24@eth0", persist_only=True)
    >>> hosttune.sources_add(add, image, dry_run=True).verb
    'add'
    """
    from hosttune.workflows import sources

    with telling.to(tell, progress):
        return sources.change(sources.Wish(how, place, False, command, dry_run), agree)


def sources_remove(
    how: SourceOptions,
    place: Place = _HERE,
    *,
    dry_run: bool = False,
    agree: Callable[[Applied], bool] | None = None,
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> SourcesChanged:
    """Take source addresses away, now and from what hosttune keeps on disk.

    >>> gone = SourceOptions(addresses="10.0.0.21/24@eth0", persist_only=True)
    >>> hosttune.sources_remove(gone, Place(root=IMAGE), dry_run=True).nothing
    'Nothing to do: no such address is here.'
    """
    from hosttune.workflows import sources

    with telling.to(tell, progress):
        return sources.change(sources.Wish(how, place, True, command, dry_run), agree)
