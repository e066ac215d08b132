"""containerd: the bundle of each task, which CRI's annotations and nerdctl's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.facts import oci
from hosttune.facts.containers import Kept
from hosttune.facts.runtime_files import Document, Files, first_word, process
from hosttune.host import text
from hosttune.model import Container, Given, Unknown

NAME = "containerd"
_TASKS = "/run/containerd/io.containerd.runtime.v2.task"
_CRI = "io.kubernetes.cri"
_OF_DOCKER = "moby"  # the namespace of containerd that dockerd has, whose containers docker knows better
_UNITS = ("containerd.service", "k3s.service", "k3s-agent.service", "rke2-server.service", "rke2-agent.service")


def listed(files: Files, id: str) -> Iterator[Kept]:
    """Yield the containers that run; of those that do not containerd keeps no file that can be read."""
    for tasks in (_TASKS, _TASKS.replace("/run/", "/run/k3s/", 1)):
        for path in files.glob(f"{tasks}/*/{id or '*'}/config.json"):
            name, task = path.split("/")[-3:-1]
            if name != _OF_DOCKER and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", task):
                yield _kept(files, files.json(path), path, task)


def _kept(files: Files, document: Document | None, path: str, task: str) -> Kept:
    notes = document.at("annotations") if document else None
    pod = first_word(notes, f"{_CRI}.container-type") == "sandbox"
    return Kept(
        runtime=NAME,
        id=task,
        pid=process(text(files.host, f"{path.rpartition('/')[0]}/init.pid")),
        container=Container(
            name="" if pod else first_word(notes, f"{_CRI}.container-name", "nerdctl/name"),
            image=first_word(notes, f"{_CRI}.image-name"),
            pod=first_word(notes, f"{_CRI}.sandbox-name"),
            pod_namespace=first_word(notes, f"{_CRI}.sandbox-namespace"),
            sandbox=first_word(notes, f"{_CRI}.sandbox-id"),
        ),
        made_from=path,
    )


def given(files: Files, kept: Kept) -> Given | Unknown:
    """Return what the specs give: sysctls are those of the pod's sandbox, whose network namespace it is."""
    own = files.json(kept.made_from)
    sandbox = kept.container.sandbox
    other = re.fullmatch("[0-9a-f]{12,64}", sandbox) and sandbox != kept.id
    net = files.json(f"{kept.made_from.rsplit('/', 2)[0]}/{sandbox}/config.json") if other else own
    given = (*oci.sysctls(net, "linux", "sysctl"), *oci.sysctls(own, "linux", "sysctl"))
    return oci.made(given, oci.limits(own) or oci.inherited(files, kept, _UNITS))
