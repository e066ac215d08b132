"""The network namespaces of a host as metrics, each labelled by its name or inode, its pod and its container."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hosttune.model import NetworkNamespace, Node, Use
from hosttune.printable import cleaned
from hosttune.render.exposition import Family, Sample, run, text
from hosttune.render.page import MOST, PLAIN, Page

VERB = "check-all-namespaces"
"""What its samples of the run are labelled with: a check of the host may have a file of metrics beside it."""


def render(node: Node, page: Page = PLAIN) -> str:
    """Return the exposition."""
    return text([*run(VERB, node.unknown is None, node.taken), *families(VERB, cleaned(node))])


def failed(message: str, taken: float | None = None) -> str:
    """Return the exposition of a run in which nothing could be examined; the message is no metric."""
    return text(run(VERB, False, taken))


def families(verb: str, node: Node) -> list[Family]:
    """Return the families of the namespaces as a verb saw them; of more than MOST those that are nearest to a limit."""
    known = [each for each in node.namespaces if each.unknown is None]
    shown = [({"verb": verb} | _labels(each), each) for each in known[:MOST]]
    pools = [(labels, use) for labels, each in shown if (use := _fullest(each)) is not None]

    def each(name: str, help: str, number: Callable[[NetworkNamespace], int | None]) -> Family:
        return Family(f"namespace_{name}", help, _samples((labels, number(of)) for labels, of in shown))

    def pool(name: str, help: str, number: Callable[[Use], int | None]) -> Family:
        return Family(f"namespace_port_pool_{name}", help, _samples((labels, number(use)) for labels, use in pools))

    return [
        Family(
            "namespaces",
            "Network namespaces of this host, by whether they could be examined.",
            [
                ({"verb": verb, "state": "known"}, len(known)),
                ({"verb": verb, "state": "unknown"}, len(node.namespaces) - len(known)),
                ({"verb": verb, "state": "folded"}, len(known) - len(shown)),
            ]
            if node.unknown is None
            else [],
        ),
        each("sockets", "TCP sockets of a network namespace, listeners too, without TIME_WAIT.", lambda of: of.sockets),
        each("time_wait", "Sockets in TIME_WAIT of a network namespace.", lambda of: of.time_wait),
        each("conntrack_entries", "Entries of a network namespace in the conntrack table.", lambda of: of.conntrack),
        Family(
            "namespace_conntrack_max",
            "The limit of conntrack entries, which counts for each network namespace by itself.",
            [({"verb": verb}, most) for most in _conntrack_max(known)],
        ),
        pool("used", "Local ports in use of the fullest port pool of a network namespace.", lambda use: use.used),
        pool("capacity", "Local ports that this pool has.", lambda use: _whole(use.limit)),
        pool("knee", "Ports in use above which each connect() of this pool scans half of the range.", lambda u: u.knee),
    ]


def _samples(rows: Iterable[tuple[Mapping[str, str], int | None]]) -> list[Sample]:
    return [(labels, number) for labels, number in rows if number is not None]


def _conntrack_max(namespaces: Iterable[NetworkNamespace]) -> list[int]:
    """Return the limit of entries, which is one for all of them; nothing where it is not known."""
    limits = (use.limit for each in namespaces for use in each.uses if use.kind == "conntrack")
    return [limit for limit in limits if isinstance(limit, int)][:1]


def _whole(limit: object) -> int | None:
    return limit if isinstance(limit, int) else None


def _fullest(namespace: NetworkNamespace) -> Use | None:
    return next((use for use in namespace.uses if use.kind == "ports" and use.of), None)


def _labels(namespace: NetworkNamespace) -> dict[str, str]:
    """Return what tells a namespace from others: a process has another number in the next run, and is no label."""
    name = namespace.names[0] if namespace.names else str(namespace.inode)
    return {"namespace": name, "owner": namespace.owner, "pod": namespace.pod, "container": namespace.container}
