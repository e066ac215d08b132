"""From the container that an option names to its first process, which is then judged as one that --pid names."""

from __future__ import annotations

import dataclasses

from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.options import Options, Place
from hosttune.workflows import finding


def of_role(options: Options, place: Place) -> Options:
    """Return the options with the role's program in the container that they name, as a look from inside finds it.

    Its first process where none of them runs in there. Raises UsageError or ProfileError.
    """
    first = settled(options, place)
    if first is options or first.pid is None:
        return options
    program = finding.Search(dataclasses.replace(first, pid=None)).beside(LiveHost(), first.pid)
    return dataclasses.replace(first, pid=program or first.pid)


def settled(options: Options, place: Place) -> Options:
    """Return the options with the first process of the container that they name; raises UsageError."""
    if not options.container:
        return options
    from hosttune.facts import containers

    for name in ("pid", "process_name", "service"):
        if getattr(options, name) not in (None, ""):
            raise UsageError(f"--container and --{name.replace('_', '-')}: each names the program; name one of the two")
    if place.netns:
        raise UsageError("--container and --netns: two network namespaces; name one of the two")
    if place.snapshot or place.root != "/":
        other = "--snapshot" if place.snapshot else "--root"
        raise UsageError(
            f"--container and {other}: only containers of this host are looked up; leave out one of the two"
        )
    return dataclasses.replace(options, container="", pid=containers.named(LiveHost(), options.container).pid)
