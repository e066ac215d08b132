"""The running process that carries the connections: its descriptors, its memory, whether it is exempt of limits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hosttune.errors import HostError
from hosttune.facts.machine import text
from hosttune.host import Host
from hosttune.model import Process, Unknown

_SYS_ADMIN = 1 << 21  # CAP_SYS_ADMIN, linux/capability.h
_WHOLE = ["0", "0", "4294967295"]  # the map of the initial user namespace, user_namespaces(7)
_MOST = 256


def gather(host: Host, pids: Sequence[int]) -> Process | None:
    """Return the one of these processes that holds the most descriptors, None where there is none.

    A service with a master and workers has its connections in one of the latter.
    """
    if not pids:
        return None
    asked = sorted(pids)[:_MOST]
    try:
        counted = {int(pid): n for pid, n in host.probe("descriptors", pids=asked).items()}
    except HostError as error:
        return _process(host, asked[0], Unknown(error.reason, error.detail))
    if not counted:
        return None
    pid = max(counted, key=lambda one: (counted[one], -one))
    return _process(host, pid, counted[pid])


def _process(host: Host, pid: int, descriptors: int | Unknown) -> Process:
    status = text(host, f"/proc/{pid}/status")
    resident = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M)
    able = re.search(r"^CapEff:\s+([0-9a-f]{1,16})$", status, re.M)
    exempt = None
    if able:
        # capable() asks in the initial user namespace: root of a namespace of its own is not exempt
        exempt = bool(int(able[1], 16) & _SYS_ADMIN) and text(host, f"/proc/{pid}/uid_map").split() == _WHOLE
    name = text(host, f"/proc/{pid}/comm")
    return Process(pid, descriptors, int(resident[1]) * 1024 if resident else None, exempt, name)
