"""What is judged, and whose it is: this host, a network namespace, a container, an image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hosttune.model.findings import Origin, Unknown


class Site(StrEnum):
    """What is judged; a container is whatever has its limits and its network from a runtime of its own."""

    HOST = "host"
    NAMESPACE = "network namespace"
    CONTAINER = "container"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The namespaces of a process (namespaces(7)), each as DEVICE:INODE; "" where it could not be seen."""

    net: str = ""
    mnt: str = ""
    user: str = ""
    pid: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """What people call a container, each "" where it is not known or there is none.

    `name` and `image` are its own, `pod`, `pod_namespace` those of its pod; `sandbox` is the id of the container whose
    network namespace a pod shares.
    """

    name: str = ""
    image: str = ""
    pod: str = ""
    pod_namespace: str = ""
    sandbox: str = ""


NAMELESS = Container()


@dataclass(frozen=True, slots=True)
class GivenSysctl:
    """A sysctl that a new container gets: `text` is its value as the line at `origin` has it."""

    key: str
    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Given:
    """What a new container gets of its runtime, made as this one was.

    `nofile` are soft and hard limit of its first process, `origin` the line that gives them, `note` what does where no
    line does. `own_files`: a systemd of its own reads sysctl.d in there, and what that sets is among the sysctls.
    """

    nofile: tuple[int, int] | Unknown
    origin: Origin | None = None
    note: str = ""
    sysctls: tuple[GivenSysctl, ...] = ()
    own_files: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """What is judged: its namespaces, who keeps it, and what reaches it.

    `name` is that of the network namespace below /run/netns, "" for none. `process` is the one that was named, None
    where the host or a namespace is judged, and `started` its start time (proc_pid_stat(5), 22), which tells it from
    a later one of that number. `owner` is a container's runtime (docker, podman, kubernetes, cri-o, containerd, runc,
    lxc, systemd-nspawn) or the unit of a service, "" where it is not known; `id` the container's. `inside`: hosttune
    sees the same files and processes. `entered`: hosttune was started in another network namespace. `initial`: it is
    the kernel's first network namespace. `loaded`: what /etc/sysctl.d says, as it is seen here, is set in this network
    namespace at each boot. `read_only`: /proc/sys can be read there, not written. `inherited` are values that a new
    network namespace takes from the first one, as that has them now, by key; empty where they cannot be seen.
    `container` is what a container is called, `given` what a new one gets, None for what is none.
    """

    site: Site = Site.HOST
    namespaces: Namespaces = Namespaces()
    name: str = ""
    process: int | None = None
    started: str = ""
    owner: str = ""
    id: str = ""
    inside: bool = True
    entered: bool = False
    initial: bool = True
    loaded: bool = True
    read_only: bool = False
    inherited: tuple[tuple[str, str], ...] = ()
    container: Container = NAMELESS
    given: Given | Unknown | None = None

    @property
    def contained(self) -> bool:
        return self.site is Site.CONTAINER

    @property
    def host_wide(self) -> bool:
        """Whether what is the host's alone (fs.*, vm.*, keys of the first network namespace) can be set from here."""
        return self.initial and not (self.contained and self.inside)

    @property
    def identity(self) -> tuple[object, ...]:
        """What must still be so when something is written: the very namespaces, the very process."""
        return (self.site, self.namespaces, self.name, self.process, self.started, self.id)


HOST = Where()


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What something lacks for its role: what whoever keeps it has to set.

    `sysctls` are (key, value in the kernel's words) of its own network namespace, `nofile` soft and hard limit of its
    process, None where they do. `host` are the keys that are the host's alone, set there for all. `options` are the
    words that name the role, `only_apply` those of an apply alone, without which it would be refused.
    """

    where: Where
    sysctls: tuple[tuple[str, str], ...] = ()
    nofile: tuple[int, int] | None = None
    host: tuple[str, ...] = ()
    options: str = ""
    only_apply: str = ""

    @property
    def applied(self) -> str:
        """The words of an apply."""
        return " ".join(words for words in (self.options, self.only_apply) if words)

    @property
    def none(self) -> bool:
        return not (self.sysctls or self.nofile or self.host)
