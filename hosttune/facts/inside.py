"""What a container shows of itself from inside: files that its runtime puts there, and where its mounts come from."""

from __future__ import annotations

import re

from hosttune.facts.runtime_files import LONGEST
from hosttune.host import Host, proc, text
from hosttune.model import NAMELESS, Container

_PODMAN = "/run/.containerenv"  # podman-run(1): a container with --privileged has its names in it
_NAMESPACE = "/run/secrets/kubernetes.io/serviceaccount/namespace"
# where kubelet keeps what a container says as it ends, below a directory of its name (kubernetes/pkg/kubelet)
_NAMED = re.compile(r"/pods/[0-9a-f-]{36}/containers/([a-z0-9.-]{1,253})/[^/]+$")
# what a pod's containers share comes from its sandbox
_SANDBOX = re.compile(
    r"/(?:sandboxes/([0-9a-f]{12,64})|overlay-containers/([0-9a-f]{12,64})/userdata)/(?:hostname|resolv)"
)
_PLACES = ("/etc/hostname", "/etc/resolv.conf")


def container(host: Host, owner: str, own_network: bool) -> Container:
    """Return what is known in here of a container that a runtime keeps; "" for what is not shown.

    The name of a pod is its hostname, as kubelet has it where the pod asks for no other and has its own network.
    """
    if owner == "podman":
        return _podman(text(host, _PODMAN))
    namespace = text(host, _NAMESPACE)[:LONGEST]
    if owner != "kubernetes" and not namespace:
        return NAMELESS
    mounts = proc.mountinfo(text(host, "/proc/self/mountinfo"))
    named = (_NAMED.search(mount.root) for mount in mounts)
    shared = (_SANDBOX.search(mount.root) for mount in mounts if mount.place in _PLACES)
    sandbox = next(filter(None, shared), None)
    return Container(
        name=next((match[1] for match in named if match), ""),
        pod=text(host, "/proc/sys/kernel/hostname")[:LONGEST] if own_network else "",
        pod_namespace=namespace,
        sandbox=(sandbox[1] or sandbox[2]) if sandbox else "",
    )


def id_of(host: Host, owner: str, own_network: bool) -> str:
    """Return the id of a container, or its begin, that only its files or its hostname still have; "" for none.

    docker and podman call a host by the first 12 digits of its container where nobody asks for another name.
    """
    if owner not in ("docker", "podman"):
        return ""
    known = re.search(r'^id="([0-9a-f]{12,64})"$', text(host, _PODMAN), re.M)
    name = text(host, "/proc/sys/kernel/hostname") if own_network else ""
    return known[1] if known else name if re.fullmatch("[0-9a-f]{12}", name) else ""


def _podman(content: str) -> Container:
    rows = dict(re.findall(r'^(name|image)="([^"\n]{1,256})"$', content, re.M))
    return Container(name=rows.get("name", ""), image=rows.get("image", ""))
