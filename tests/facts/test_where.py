"""Whose a process is, by its control group and its mounts; and what that makes of the place."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from hosttune.errors import HostError
from hosttune.facts import machine as machines
from hosttune.facts import where
from hosttune.model import (
    Container,
    FileState,
    Given,
    GivenSysctl,
    Machine,
    Origin,
    Reason,
    Site,
    Unknown,
    Where,
)

ID = "3fa4c1b2d5e60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
POD = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b.slice"
HOST = {"net": "4:1", "mnt": "4:2", "user": "4:3", "pid": "4:4026531836"}
INNER = {"net": "4:11", "mnt": "4:12", "user": "4:3", "pid": "4:14"}


class Told:
    """A host that answers from tables."""

    def __init__(self, reads: dict[str, str], spaces: dict[str, Any] | None = None) -> None:
        self.reads, self.spaces = reads, spaces

    def read(self, path: str) -> str:
        if path not in self.reads:
            raise HostError(Reason.ABSENT, path)
        return self.reads[path]

    def glob(self, pattern: str) -> list[str]:
        return [path for path in self.reads if path == pattern]

    def probe(self, name: str, **args: Any) -> Any:
        if self.spaces is None or name != "namespaces":
            raise HostError(Reason.NOT_RECORDED, name)
        return {"own": HOST, "first": HOST, "other": {}, "names": [], **self.spaces}

    def state(self, path: str) -> FileState | None:
        return None

    def link(self, path: str) -> str:
        return ""


def look(reads: dict[str, str], spaces: dict[str, Any] | None, came: where.Came = where.HERE, **known: Any) -> Where:
    host = Told({"/proc/sys/kernel/osrelease": "6.1.0\n", **reads}, spaces)
    machine: Machine = dataclasses.replace(machines.gather(host), **{"network_namespace": "initial", **known})
    return where.gather(host, machine, came)


@pytest.mark.parametrize(
    ("group", "owner", "id"),
    [
        (f"/system.slice/docker-{ID}.scope", "docker", ID),
        (f"/docker/{ID}", "docker", ID),
        (f"/machine.slice/libpod-{ID}.scope/container", "podman", ID),
        (f"/system.slice/proxy.service/libpod-payload-{ID}", "podman", ID),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container", "podman", ID),
        (f"{POD}/cri-containerd-{ID}.scope", "kubernetes", ID),
        (f"{POD}/crio-{ID}.scope", "kubernetes", ID),
        (f"/kubepods/besteffort/pod0a1b-22/{ID}", "kubernetes", ID),
        (f"/system.slice/crio-{ID}.scope", "cri-o", ID),
        ("/lxc.payload.web01/init.scope", "lxc", "web01"),
        ("/lxc/web01", "lxc", "web01"),
        ("/machine.slice/systemd-nspawn@web01.service/payload", "systemd-nspawn", "web01"),
        ("/htw", "", ""),
    ],
)
def test_a_container_s_group_names_its_runtime(group: str, owner: str, id: str) -> None:
    spaces = {"other": INNER, "own": {**HOST, "net": "4:11"}}
    found = look(
        {"/proc/812/cgroup": f"0::{group}\n"}, spaces, where.Came("4:1", (), "", 812),
        network_namespace="another", systemd=True,
    )  # fmt: skip
    assert (found.site, found.owner, found.id) == (Site.CONTAINER, owner, id)
    assert found.entered and not found.inside and not found.loaded and not found.host_wide


def test_a_service_with_a_network_of_its_own_is_no_container() -> None:
    spaces = {"other": {**HOST, "net": "4:11", "mnt": "4:12"}, "own": {**HOST, "net": "4:11"}}
    found = look(
        {"/proc/812/cgroup": "0::/system.slice/proxy.service\n"}, spaces, where.Came("4:1", (), "", 812),
        network_namespace="another", systemd=True,
    )  # fmt: skip
    assert (found.site, found.owner) == (Site.NAMESPACE, "proxy.service")
    assert not found.loaded


def test_a_container_in_the_host_s_network_leaves_sysctls_to_the_host() -> None:
    spaces = {"other": {**INNER, "net": "4:1"}}
    found = look({"/proc/812/cgroup": f"0::/docker/{ID}\n"}, spaces, where.Came("4:1", (), "", 812), systemd=True)
    assert found.site is Site.CONTAINER and found.loaded and found.host_wide and not found.entered


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        (f"/var/lib/docker/containers/{ID}/hostname", "docker"),
        ("/var/lib/kubelet/pods/0a1b2c3d-1111-2222-3333-444455556666/etc-hosts", "kubernetes"),
        (f"/var/lib/containers/storage/overlay-containers/{ID}/userdata/hosts", "podman"),
    ],
)
def test_inside_a_container_its_mounts_name_the_runtime(source: str, owner: str) -> None:
    mounts = f"22 20 0:5 / /proc rw - proc proc rw\n700 690 254:1 {source} /etc/hosts rw - ext4 /dev/vda1 rw\n"
    found = look({"/proc/self/mountinfo": mounts, "/proc/self/cgroup": "0::/\n"}, {"own": INNER, "first": INNER},
                 network_namespace="another")  # fmt: skip
    assert (found.site, found.owner, found.loaded, found.inside) == (Site.CONTAINER, owner, False, True)


def test_podman_writes_into_a_container_what_it_is_called() -> None:
    content = 'engine="podman-4.3.1"\nname="web"\nid="3fa4c1b2d5e6"\nimage="docker.io/library/nginx:1"\nrootless=0\n'
    found = look({"/run/.containerenv": content}, {"own": INNER, "first": INNER}, network_namespace="another")
    assert (found.owner, found.id, found.container) == (
        "podman",
        "3fa4c1b2d5e6",
        Container("web", "docker.io/library/nginx:1"),
    )
    assert found.given == Unknown(Reason.UNDECIDED, "its runtime's files are not seen in here")


def test_a_pod_shows_its_names_in_its_mounts_and_its_hostname() -> None:
    pod = "/var/lib/kubelet/pods/0a1b2c3d-1111-2222-3333-444455556666"
    shared = f"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}"
    mounts = "".join(
        f"{number} 690 254:1 {source} {place} rw - ext4 /dev/vda1 rw\n"
        for number, (source, place) in enumerate(
            (
                (f"{pod}/etc-hosts", "/etc/hosts"),
                (f"{pod}/containers/nginx/0a1b2c3d", "/dev/termination-log"),
                (f"{shared}/resolv.conf", "/etc/resolv.conf"),
            ),
            700,
        )
    )
    reads = {
        "/proc/self/mountinfo": mounts,
        "/proc/sys/kernel/hostname": "lb-0\n",
        "/run/secrets/kubernetes.io/serviceaccount/namespace": "edge",
    }
    found = look(reads, {"own": INNER, "first": INNER}, network_namespace="another")
    assert (found.owner, found.id) == ("kubernetes", "")
    assert found.container == Container("nginx", "", "lb-0", "edge", ID)
    # in the host's network it is the node's name
    node = look({**reads, "/run/systemd/container": "docker"}, {"own": INNER, "first": INNER})
    assert node.container.pod == "" and node.container.name == "nginx"


def test_a_container_is_called_by_the_begin_of_its_id_where_it_has_no_other_name() -> None:
    reads = {"/run/systemd/container": "docker", "/proc/sys/kernel/hostname": ID[:12]}
    assert look(reads, {"own": INNER, "first": INNER}, network_namespace="another").id == ID[:12]
    reads["/proc/sys/kernel/hostname"] = "web"
    assert look(reads, {"own": INNER, "first": INNER}, network_namespace="another").id == ""


def test_from_outside_a_container_has_the_names_of_its_runtime_s_files() -> None:
    place = f"/var/lib/docker/containers/{ID}"
    reads = {
        "/proc/812/cgroup": f"0::/docker/{ID}\n",
        "/proc/812/stat": "812 (sh) S 1 " + "0 " * 17 + "4242 0\n",
        f"{place}/config.v2.json": json.dumps(
            {"ID": ID, "Name": "/web", "State": {"Running": True, "Pid": 812}, "Config": {"Image": "nginx:1"}}
        ),
        f"{place}/hostconfig.json": '{"Sysctls": {"net.core.somaxconn": "8192"},\n'
        ' "Ulimits": [{"Name": "nofile", "Hard": 2, "Soft": 1}]}',
    }
    spaces = {"other": INNER, "own": {**HOST, "net": "4:11"}}
    found = look(reads, spaces, where.Came("4:1", (), "", 812), network_namespace="another", systemd=True)
    assert (found.owner, found.id, found.container) == ("docker", ID, Container("web", "nginx:1"))
    origin = Origin(f"{place}/hostconfig.json", 1, "8192")
    limits = Origin(f"{place}/hostconfig.json", 2, "1:2")
    assert found.given == Given((1, 2), limits, sysctls=(GivenSysctl("net.core.somaxconn", "8192", origin),))


def test_the_mounts_of_a_host_with_containers_do_not_make_it_one() -> None:
    mounts = f"88 20 0:40 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw\n"
    found = look({"/proc/self/mountinfo": mounts}, {}, systemd=True)
    assert (found.site, found.owner, found.loaded) == (Site.HOST, "", True)


def test_a_container_whose_first_process_is_systemd_reads_its_files() -> None:
    found = look({}, {"own": INNER, "first": INNER}, network_namespace="another", systemd=True, container="lxc")
    assert found.site is Site.CONTAINER and found.loaded and not found.host_wide


def test_a_systemd_that_cannot_write_sysctls_loads_none() -> None:
    mounts = "proc /proc proc rw 0 0\nproc /proc/sys proc ro,nosuid 0 0\n"
    found = look({"/proc/self/mounts": mounts}, {"own": INNER, "first": INNER},
                 network_namespace="another", systemd=True, container="podman")  # fmt: skip
    assert found.site is Site.CONTAINER and found.read_only and not found.loaded


def test_a_recording_without_namespaces_is_told_by_what_it_shows() -> None:
    assert look({}, None, systemd=True).site is Site.HOST
    assert look({}, None, network_namespace="another", container="docker").site is Site.CONTAINER
    assert look({}, None, network_namespace="another").site is Site.NAMESPACE


def test_a_name_that_another_namespace_has_by_now_is_none() -> None:
    spaces = {"own": {**HOST, "net": "4:11"}, "names": ["green"]}
    assert look({}, spaces, where.Came("4:1", (), "green"), network_namespace="another").name == "green"
    assert look({}, spaces | {"names": []}, where.Came("4:1", (), "green"), network_namespace="another").name == ""
