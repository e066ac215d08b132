"""A node of network namespaces as a check finds it: one at a limit, one that is slow, one that is idle, one unknown."""

from __future__ import annotations

from hosttune.findings.node import judged
from hosttune.model import NetworkNamespace, Node, Reason, Unknown, Use
from tests.render.test_render_examples import MACHINE

ID = "3fa4c1b2d5e60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
POD = "0a1b2c3d-1111-2222-3333-444455556666"
READS = "sock_diag, net.ipv4.ip_local_port_range"


def pool(used: int, limit: int = 200, source: str = "10.0.0.9", port: int = 1883) -> Use:
    goal = f"10.0.0.11:{port}"
    return Use("ports", f"ports {source} -> {goal}", used, limit, "ports", READS, limit // 2, "connect", (source, goal))


def entries(used: int, most: int | None = 1000) -> Use:
    return Use("conntrack", "conntrack", used, most, "entries", "nf_conntrack_count")


def waiting(used: int, most: int = 4096) -> Use:
    return Use("time-wait", "TIME_WAIT", used, most, "sockets", "sockstat TCP tw")


def node() -> Node:
    known = {"ports": (20000, 20199), "reserved": 0, "conntrack": 40}
    return judged(
        Node(
            MACHINE,
            (
                NetworkNamespace(
                    4026531840, process=1, program="systemd", processes=90, own=True, initial=True, sockets=31,
                    time_wait=2, uses=(entries(31), waiting(2), pool(3, 28232)),
                    **{**known, "ports": (32768, 60999)},
                ),
                NetworkNamespace(
                    4026532300, ("blue",), process=812, program="client", processes=2, sockets=230, time_wait=0,
                    uses=(pool(200), pool(30, port=80), entries(40), waiting(0)), initial=False, **known,
                ),
                NetworkNamespace(
                    4026532400, process=920, program="pause", processes=3, owner="kubernetes", container=ID, pod=POD,
                    sockets=130, time_wait=60, uses=(waiting(60), pool(120), entries(40)), initial=False, **known,
                ),
                NetworkNamespace(4026532500, files=("/run/docker/netns/1a2b",), unknown=Unknown(Reason.ABSENT, "gone")),
                NetworkNamespace(4026532600, ("red",), sockets=0, time_wait=0, uses=(waiting(0),), initial=False),
            ),
            conntrack_max=1000,
            notes=("3 more network namespaces are not checked: at most 1,024 are",),
            taken=1795609287.5,
        )
    )  # fmt: skip
