"""A whole node: every network namespace of a host, whose each is, and how full its limits are."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.model.activity import Use
from hosttune.model.capacity import Machine
from hosttune.model.findings import Severity, Unknown


@dataclass(frozen=True, slots=True)
class NetworkNamespace:
    """A network namespace, whose it is, and what of its limits is in use.

    `names` are those below /run/netns, which `ip netns` and --netns take, `files` others that keep it. `process` is the
    first of its `processes`, None where it has none, and `program` what that is called. `owner` is the runtime of a
    container or the unit of a service, "" for none; `container` is a container's name, `pod` NAMESPACE/NAME of its pod,
    the ids where its files do not say it. `own`: hosttune runs in it; `initial`: it is the kernel's first one.
    `sockets` are those of TCP without `time_wait`, `ports` its range of local ports, `reserved` how many of them are
    reserved, `conntrack` the entries of its connections in the table. `uses` has the fullest port pools and the tables,
    the nearest to its knee or limit first, what refuses no connection last. `severity` is how bad the worst of them is,
    None where all is well. What is not known is None; `unknown` is why it could not be looked at, None where it could.
    `notes` are remarks.
    """

    inode: int
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    process: int | None = None
    program: str = ""
    processes: int = 0
    owner: str = ""
    container: str = ""
    pod: str = ""
    own: bool = False
    initial: bool | None = None
    sockets: int | None = None
    time_wait: int | None = None
    ports: tuple[int, int] | None = None
    reserved: int | None = None
    conntrack: int | None = None
    uses: tuple[Use, ...] = ()
    severity: Severity | None = None
    unknown: Unknown | None = None
    notes: tuple[str, ...] = ()

    @property
    def nearest(self) -> Use | None:
        """The first use that has a limit, None where none has."""
        return next((use for use in self.uses if isinstance(use.limit, int)), None)


@dataclass(frozen=True, slots=True)
class Node:
    """The network namespaces of a host, the one nearest to a limit first; a verdict on them goes by `fail_on`.

    `conntrack_max` is the host's limit of entries, which counts for each namespace by itself, None where it is not
    known, or there is none. `unknown` is why not one could be listed. `notes` are remarks, `missing` is what root would
    add. `strict`: what is unknown fails too. `taken` is when it was looked at, in seconds since 1970, None of a
    recording.
    """

    machine: Machine
    namespaces: tuple[NetworkNamespace, ...] = ()
    conntrack_max: int | None = None
    unknown: Unknown | None = None
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    fail_on: Severity = Severity.ERROR
    strict: bool = False
    taken: float | None = None
