"""Manifests for a Kubernetes cluster: from the options of a check and an apply to what its nodes run."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator

from hosttune import __version__
from hosttune.errors import UsageError
from hosttune.hooks import kubernetes
from hosttune.options import ApplyOptions, Cluster, Options, Place, spelled
from hosttune.workflows import confirming, elsewhere

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123, as Kubernetes takes the names of objects
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
# distribution/reference: [HOST[:PORT]/]PATH[:TAG][@DIGEST]
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
    rf"{_PART}(?:/{_PART})*(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?P<sum>@sha256:[0-9a-f]{{64}})?"
)
_LONGEST_IMAGE = 512
_QUANTITY = re.compile(r"([1-9][0-9]{0,14})(Ki|Mi|Gi|Ti|k|M|G|T)?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
_LEAST_MEMORY = 64 << 20  # bytes; a check of an idle host has some 30 MiB
_SHORTEST = 60  # seconds between two checks
_MOST_PROFILES = 1 << 20  # bytes of a ConfigMap: core/v1, MaxSecretSize
_MOST_NODES = 1_000
_TAKEN = ("/proc", "/sys", "/dev", "/tmp", "/host", "/etc", "/opt/hosttune", "/usr", "/bin", "/lib", "/run/secrets")
"""Directories of the container in whose place the node's metrics cannot be."""


def files(
    options: Options, cluster: Cluster, how: ApplyOptions, line: str, *, every: float = 900.0
) -> tuple[dict[str, str], list[str]]:
    """Return the files by name, and what is to be known before they are used; raises UsageError or ProfileError.

    `every` are the seconds between two checks, `line` is the command that makes the files.
    """
    elsewhere.checked(options)
    _check(cluster, every)
    profiles = elsewhere.profiles_of(options)
    if sum(map(len, profiles.values())) > _MOST_PROFILES:
        raise UsageError(f"--profile: together more than the {_MOST_PROFILES:,} bytes of a ConfigMap; leave some out")
    there = [f"{kubernetes.PROFILES}/{name}" for name in profiles]
    if not cluster.node and how != ApplyOptions():
        raise UsageError(f"{spelled(how)[0]}: of an apply; name the nodes that are changed with --node")
    also, seconds = _applied(how) if cluster.node else ([], 0)
    wanted = kubernetes.Wanted(
        image=cluster.image,
        namespace=cluster.namespace,
        options=spelled(dataclasses.replace(options, profile=there)),
        textfile=os.path.normpath(cluster.textfile),
        also=also,
        profiles=profiles,
        exporter=cluster.exporter,
        nodes=tuple(dict.fromkeys(cluster.node)),
        within=seconds,
        every=int(every),
        memory=cluster.memory,
        version=__version__,
        line=line,
    )
    return kubernetes.files(wanted), [*_notes(options, cluster)]


def _applied(how: ApplyOptions) -> tuple[list[str], int]:
    """Return the options of an apply alone, and the seconds in which it has to be confirmed; raises UsageError.

    A container that ends takes its timer with it: so a command confirms, and the apply waits for that.
    """
    given = dataclasses.replace(
        how, confirm_within=how.confirm_within or "120s", confirm_if=how.confirm_if or kubernetes.REACHES
    )
    elsewhere.printable("--confirm-if", given.confirm_if)
    within = confirming.within(given, Place())
    return spelled(given), within.seconds if within else 0


def _check(cluster: Cluster, every: float) -> None:
    """Raise UsageError for what no API server takes."""
    if not cluster.image:
        raise UsageError(
            "--image: missing: the container image with hosttune; the Containerfile that is written makes one"
        )
    for option, image in (("--image", cluster.image), ("--exporter", cluster.exporter)):
        if image and (len(image) > _LONGEST_IMAGE or not _IMAGE.fullmatch(image)):
            raise UsageError(f"{option} {image!r}: no name of an image; write REGISTRY/NAME:TAG or NAME@sha256:DIGEST")
    if not re.fullmatch(_LABEL, cluster.namespace):
        raise UsageError(f"--namespace {cluster.namespace!r}: no name of one; write a-z, 0-9 and -, at most 63 of them")
    if cluster.namespace == "default" or cluster.namespace.startswith("kube-"):
        raise UsageError(f"--namespace {cluster.namespace}: its labels would be others'; name one for hosttune alone")
    if len(set(cluster.node)) > _MOST_NODES:
        raise UsageError(f"--node: more than {_MOST_NODES:,}; change some nodes first, and look at them")
    for node in cluster.node:
        if len(node) > 253 or not re.fullmatch(_SUBDOMAIN, node):
            raise UsageError(f"--node {node!r}: no name of a node; write it as kubectl get nodes prints it")
    match = _QUANTITY.fullmatch(cluster.memory)
    if not match:
        raise UsageError(f"--memory {cluster.memory!r}: no quantity; write 256Mi or 1Gi")
    if int(match[1]) * _UNITS[match[2] or ""] < _LEAST_MEMORY:
        raise UsageError(f"--memory {cluster.memory}: too little for a check; write 64Mi or more")
    if every < _SHORTEST:
        raise UsageError(f"--every {every:g}s: too often; write 1m or more")
    _check_textfile(cluster.textfile)


def _check_textfile(path: str) -> None:
    """Raise UsageError where a node can have no such file of metrics, or its container not."""
    elsewhere.printable("--textfile", path)
    if not path.startswith("/") or not path.endswith(".prom"):
        raise UsageError(f"--textfile {path}: no whole path of a file that ends in .prom, as node_exporter reads them")
    plain = os.path.normpath(path)
    if plain.count("/") < 2 or any(plain.startswith(f"{taken}/") for taken in _TAKEN):
        raise UsageError(f"--textfile {path}: the container has a directory of its own there; name a file elsewhere")


def _notes(options: Options, cluster: Cluster) -> Iterator[str]:
    for path in elsewhere.local_files(options.role):
        yield f"the nodes need {path} of this host too; name it with --profile"
    for option, image in (("--image", cluster.image), ("--exporter", cluster.exporter)):
        match = _IMAGE.fullmatch(image)
        if match and not match["sum"]:
            yield f"{option} {image}: whoever can push there can change what runs on each node; name it by its digest"
