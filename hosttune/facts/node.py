"""The network namespaces of a host: which there are, who keeps each, and how full its limits are."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hosttune.addresses import is_loopback
from hosttune.errors import HostError
from hosttune.facts import where
from hosttune.host import Host, netns, text
from hosttune.model import Backend, BindMode, Machine, NetworkNamespace, Node, Reason, Unknown, Use
from hosttune.ports import reach, span

LONGEST = 10.0
"""Seconds in which namespaces are entered: what is left then is not checked."""
PATIENCE = 1.0
"""Seconds in which all pools are counted: later only those of namespaces that may be near a limit."""
_FAR = 0.4
"""The share of a pool below which no limit of ports is near: half of a range is where it slows."""
_AT_ONCE = 3
"""Namespaces whose sockets are walked at the same time, each by a core of its own."""
_NAMED = "/run/netns/"
_MODE = BindMode.CONNECT.value
_READS = "sock_diag, net.ipv4.ip_local_port_range, net.ipv4.ip_local_reserved_ports"

# kubernetes/pkg/kubelet/cm: the uid of a pod, or the hash of a static one; systemd's names have _ for -
_POD = re.compile(r"[/-]pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?:/|$)", re.M)


@dataclass(frozen=True, slots=True)
class _Keeper:
    program: str = ""
    owner: str = ""
    container: str = ""
    pod: str = ""


def gather(host: Host, machine: Machine, *, others: bool = False) -> Node:
    """Return every network namespace, only those that this run is not in with `others`.

    One that could not be looked at has the reason; where not even a list of them could be had the whole has one.
    """
    try:
        answer = host.probe("network_namespaces")
    except HostError as error:
        return Node(machine, unknown=Unknown(error.reason, error.detail))
    start = time.monotonic()
    entered = [_Entered(row, _look(host, row, start)) for row in answer["rows"] if not (others and row["own"])]
    _count(host, entered, start)
    limits = [each.seen["conntrack_max"] for each in entered if "conntrack_max" in each.seen]
    return Node(
        machine,
        tuple(_namespace(each, _keeper(host, machine, each.row.get("pid"))) for each in entered),
        next(iter(limits), None) or None,
        notes=tuple(_notes(answer)),
        missing=tuple(_missing(answer, machine)),
    )


@dataclass(slots=True)
class _Entered:
    """A row of the list, what was seen in the namespace, or why nothing was, and its pools, None where not counted."""

    row: Mapping[str, Any]
    answer: Mapping[str, Any] | Unknown
    pools: Mapping[str, Any] | None = None

    @property
    def seen(self) -> Mapping[str, Any]:
        return {} if isinstance(self.answer, Unknown) else self.answer

    @property
    def file(self) -> str:
        """What leads into it: a file outlives the processes that are in it."""
        return next(iter(self.row["files"]), f"/proc/{self.row.get('pid', 'self')}/ns/net")

    @property
    def usable(self) -> int:
        """The ports that connect() chooses from."""
        held = int(self.pools["held"], 16) if self.pools else 0
        return span(self.seen["low"], self.seen["high"]) & ~int(self.seen["reserved"], 16) & ~held

    @property
    def most(self) -> float:
        """The share of a pool that its sockets can take, at most."""
        return self.every / max(self.usable.bit_count(), 1)

    @property
    def every(self) -> int:
        """All its sockets."""
        return int(self.seen["sockets"]) + int(self.seen["time_wait"])


def _look(host: Host, row: Mapping[str, Any], start: float) -> Mapping[str, Any] | Unknown:
    if time.monotonic() >= start + LONGEST:
        return Unknown(Reason.UNDECIDED, f"not checked: the others took {LONGEST:g} s")
    try:
        answer: Mapping[str, Any] = host.probe("network_namespace", inode=row["inode"], file=_Entered(row, {}).file)
    except HostError as error:
        return Unknown(error.reason, error.detail)
    return answer


def _count(host: Host, entered: Iterable[_Entered], start: float) -> None:
    """Count the pools of each, the one with the most sockets for its range first.

    The kernel walks the sockets of all namespaces for each of them, so that many take long: a few are counted at once,
    and once it has taken a while those are left out whose sockets cannot fill half of a pool.
    """

    def ask(each: _Entered) -> None:
        now = time.monotonic()
        if now >= start + (LONGEST if each.most >= _FAR else PATIENCE):
            return
        ends = {"low": each.seen["low"], "high": each.seen["high"], "reserved": each.seen["reserved"]}
        args = {"inode": each.row["inode"], "file": each.file, "waiting": each.seen["time_wait"] > 0, **ends}
        with contextlib.suppress(HostError):
            each.pools = host.probe("namespace_pools", **args)

    waiting = sorted((each for each in entered if each.seen.get("sockets") or each.seen.get("time_wait")), key=_rank)
    with ThreadPoolExecutor(_AT_ONCE, "hosttune-namespaces") as threads:
        try:
            list(threads.map(ask, waiting))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _rank(entered: _Entered) -> tuple[float, int]:
    return -entered.most, entered.row["inode"]


def _namespace(entered: _Entered, keeper: _Keeper) -> NetworkNamespace:
    row, seen = entered.row, entered.seen
    named = [f for f in row["files"] if f.startswith(_NAMED) and netns.NAME.fullmatch(f.removeprefix(_NAMED))]
    return NetworkNamespace(
        inode=row["inode"],
        names=tuple(file.removeprefix(_NAMED) for file in named),
        files=tuple(file for file in row["files"] if file not in named),
        process=row.get("pid"),
        program=keeper.program,
        processes=row["processes"],
        owner=keeper.owner,
        container=keeper.container,
        pod=keeper.pod,
        own=row["own"],
        initial=seen.get("first"),
        sockets=seen.get("sockets"),
        time_wait=seen.get("time_wait"),
        ports=(seen["low"], seen["high"]) if seen else None,
        reserved=(int(seen["reserved"], 16) & span(seen["low"], seen["high"])).bit_count() if seen else None,
        conntrack=seen.get("conntrack"),
        uses=tuple(sorted(_uses(entered), key=lambda use: -use.nearness)) if seen else (),
        unknown=entered.answer if isinstance(entered.answer, Unknown) else None,
        notes=tuple(_remarks(entered)) if seen else (),
    )


def _uses(entered: _Entered) -> Iterator[Use]:
    """Yield how full the fullest port pools are, as connect() chooses ports, and what is in the tables."""
    seen = entered.seen
    room = reach(seen["low"], seen["high"], entered.usable, step=seen["step"])
    for pair in entered.pools["pairs"] if entered.pools else ():
        source, backend = pair["source"], str(Backend(pair["address"], pair["port"]))
        taken = pair["open"] + (0 if _taken_over(seen, pair) else pair["time_wait"])
        name = f"ports {source} -> {backend}"
        yield Use("ports", name, taken, room.least, "ports", _READS, room.knee, _MODE, (source, backend))
    if entered.pools is None and entered.every and entered.most < _FAR:
        name = "ports to one destination, at most"
        yield Use("ports", name, entered.every, room.least, "ports", "sockstat", room.knee, _MODE)
    if "conntrack" in seen:
        # nf_conntrack_core.c tests the maximum only where it is not zero, and each namespace's own entries against it
        limit, reads = seen.get("conntrack_max") or None, "nf_conntrack_count, net.netfilter.nf_conntrack_max"
        yield Use("conntrack", "conntrack", seen["conntrack"], limit, "entries", reads)
    if "time_wait_max" in seen:
        reads = "sockstat TCP tw, net.ipv4.tcp_max_tw_buckets"
        yield Use("time-wait", "TIME_WAIT", seen["time_wait"], seen["time_wait_max"], "sockets", reads)


def _taken_over(seen: Mapping[str, Any], pair: Mapping[str, Any]) -> bool:
    """Say whether connect() takes over a port in TIME_WAIT, as net.ipv4.tcp_tw_reuse has it (facts/reuse.py).

    Whether the other end has the timestamps that it needs is not asked: what may be free is not counted as taken.
    """
    near = is_loopback(pair["source"]) or is_loopback(pair["address"])
    return bool(seen["timestamps"]) and (seen["reuse"] == 1 or (seen["reuse"] == 2 and near))


def _remarks(entered: _Entered) -> Iterator[str]:
    pools = entered.pools
    if pools is None:
        if entered.every and entered.most >= _FAR:
            yield "its port pools are unknown: its sockets could not be counted in time"
        return
    if not pools["whole"]:
        yield "it has so many sockets that a part was counted: its port pools are at least so full"
    if "limited" in pools:
        yield pools["limited"]


def _keeper(host: Host, machine: Machine, pid: int | None) -> _Keeper:
    """Return who keeps the first process of a namespace."""
    if pid is None:
        return _Keeper()
    program, owner = text(host, f"/proc/{pid}/comm"), where.kept_by(host, pid) or ""
    if not owner or owner.endswith(".service"):
        return _Keeper(program, owner)
    pod = _POD.search(text(host, f"/proc/{pid}/cgroup"))
    seen = where.gather(host, machine, where.Came(process=pid))
    called = seen.container
    named = f"{called.pod_namespace}/{called.pod}".strip("/") if called.pod else ""
    uid = pod[1].replace("_", "-") if pod else ""
    return _Keeper(program, seen.owner or owner, called.name or seen.id, named or uid)


def _notes(answer: Mapping[str, Any]) -> Iterator[str]:
    if answer["more"]:
        yield f"{answer['more']:,} more network namespaces are not checked: at most {len(answer['rows']):,} are"
    if answer["unread"]:
        yield f"{answer['unread']:,} processes were too many to ask for their network namespaces"


def _missing(answer: Mapping[str, Any], machine: Machine) -> Iterator[str]:
    """Yield what only root sees."""
    if machine.root_user:
        return
    hidden = answer["hidden"]
    whose = f"the network namespaces of {hidden:,} processes of other users, and " if hidden else ""
    yield f"{whose}the counts of every network namespace but this one"
