"""One look at a watched host as metrics: how much of each limit is taken, what is dropped, and ghosts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.model import Node, Use, View
from hosttune.printable import cleaned
from hosttune.render.exposition import Family, Sample, pools, run, text
from hosttune.render.namespace_words import PART
from hosttune.render.of_node import prometheus as namespaces
from hosttune.render.page import PLAIN, Page

_VERB = "watch"
_POOL = "ports"
_PROCESS = re.compile(r"descriptors of (.*) \(\d+\)")
# node_exporter has both (filefd, conntrack, processes, meminfo), or the used half (sockstat, arp)
_ELSEWHERE = frozenset({"file-max", "conntrack", "threads", "memory"})
_USED_ELSEWHERE = frozenset({"orphans", "time-wait", "tcp-mem", "neighbours"})


def render(view: View, page: Page = PLAIN) -> str:
    """Return the exposition of a look."""
    view = cleaned(view)
    uses = [trend.use for trend in view.trends]
    watched = [*run(_VERB, True, round(view.tick.time, 3)), *pools(_VERB, _pools(uses)), *_limits(uses), *_rates(view)]
    others = Node(view.machine, view.tick.namespaces)
    return text([*watched, *(namespaces.families(_VERB, others) if others.namespaces else ())])


def _pools(uses: list[Use]) -> Iterator[tuple[str, str, str, int | None, int | None, int]]:
    for use in uses:
        if use.kind == _POOL:
            source, goal = (*use.of, "", "")[:2]
            yield source, goal or "any", use.mode, use.limit if isinstance(use.limit, int) else None, use.knee, use.used


def _limits(uses: list[Use]) -> Iterator[Family]:
    shown = _shown(uses)
    caps: list[Sample] = [(labels, use.limit) for labels, use in shown if isinstance(use.limit, int)]
    yield Family("limit_capacity", "A limit of this host, in its own unit.", caps)
    knees: list[Sample] = [(labels, use.knee) for labels, use in shown if use.knee is not None]
    yield Family("limit_knee", "Where a limit slows the host before it stops it.", knees)
    used: list[Sample] = [(labels, use.used) for labels, use in shown if use.kind not in _USED_ELSEWHERE]
    yield Family("limit_used", "How much of a limit is in use now.", used)


def _shown(uses: list[Use]) -> list[tuple[dict[str, str], Use]]:
    """Return what is reported of each limit that node_exporter has not, with its labels.

    Of the processes of one program the one that is nearest to its limit: with their numbers as labels, each new process
    would be a series for ever.
    """
    nearest: dict[tuple[str, str], Use] = {}
    for use in uses:
        if use.kind == _POOL or use.kind in _ELSEWHERE or use.kind.startswith(PART):
            continue
        process = _PROCESS.fullmatch(use.name) if use.kind == "nofile" else None
        key = (f"nofile:{process[1]}", f"descriptors of {process[1]}") if process else (use.id, use.name)
        if key not in nearest or (use.share or 0) > (nearest[key].share or 0):
            nearest[key] = use
    return [({"limit": id, "name": name, "unit": use.unit}, use) for (id, name), use in nearest.items()]


def _rates(view: View) -> Iterator[Family]:
    drops: list[Sample] = [] if view.drops is None else [({}, round(view.drops, 3))]
    yield Family(
        "drops_per_second", "Connections and packets that were dropped, each once: full queues, tables, memory.", drops
    )
    ghosts: list[Sample] = [] if view.ghosts is None else [({}, round(view.ghosts, 3))]
    yield Family(
        "ghost_connections_per_second",
        "Clients per second, at least, that are connected and that the server never had.",
        ghosts,
    )
