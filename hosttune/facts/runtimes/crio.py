"""CRI-O: the bundles below the run directory of containers/storage, by their annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.facts import container_storage, oci
from hosttune.facts.containers import Kept
from hosttune.facts.runtime_files import Document, Files, first_word, process
from hosttune.host import text
from hosttune.model import Container, Given, Unknown

NAME = "cri-o"
_NOTE = "io.kubernetes.cri-o"


def listed(files: Files, id: str) -> Iterator[Kept]:
    """Yield the containers that run, and the sandboxes of their pods."""
    run = container_storage.of_root(files).run
    for path in files.glob(f"{run}/*-containers/{id or '*'}/userdata/config.json"):
        document = files.json(path)
        notes = document.at("annotations") if document else None
        if first_word(notes, f"{_NOTE}.ContainerType"):
            yield _kept(files, document, path)


def _kept(files: Files, document: Document | None, path: str) -> Kept:
    notes = document.at("annotations") if document else None
    pod = first_word(notes, f"{_NOTE}.ContainerType") == "sandbox"
    return Kept(
        runtime=NAME,
        id=path.split("/")[-3],
        pid=process(text(files.host, f"{path.rpartition('/')[0]}/pidfile")),
        container=Container(
            name="" if pod else first_word(notes, "io.kubernetes.container.name"),
            image=first_word(notes, f"{_NOTE}.ImageName", f"{_NOTE}.Image"),
            pod=first_word(notes, "io.kubernetes.pod.name"),
            pod_namespace=first_word(notes, "io.kubernetes.pod.namespace"),
            sandbox=first_word(notes, f"{_NOTE}.SandboxID"),
        ),
        made_from=path,
    )


def given(files: Files, kept: Kept) -> Given | Unknown:
    """Return what the specs give, into which CRI-O writes its own defaults: sysctls are those of the pod's sandbox."""
    own = files.json(kept.made_from)
    sandbox = kept.container.sandbox
    net = own
    if re.fullmatch("[0-9a-f]{12,64}", sandbox) and sandbox != kept.id:
        net = files.json(f"{kept.made_from.rsplit('/', 3)[0]}/{sandbox}/userdata/config.json")
    given = (*oci.sysctls(net, "linux", "sysctl"), *oci.sysctls(own, "linux", "sysctl"))
    return oci.made(given, oci.limits(own) or oci.inherited(files, kept, ("crio.service",)))
