"""One file a kind of target: each reads the state of a target, and writes one.

- `read(host, target)` returns the State, None where the target is absent; raises HostError
- `write(host, target, state)` makes it so; raises OSError
- `check(target, state)` raises ValueError for what is none of its own: targets and states come from a journal too
- RUNTIME: a target is the running kernel's, and gone with it

A module may have beside it, else what stands in brackets holds:
- `barred(host, change, capabilities)`: why this process may not make a change, "" where it may (it may)
- `rank(target)`: its place among all targets in the order of writes, see changes/order.py (behind all that have one)
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from types import ModuleType

from hosttune import registry
from hosttune.host import Host, WritableHost
from hosttune.model import Change, FileState, State

PRESENT = "present"
"""The state of what is there or not, and is nothing more."""
_LAST = 20


def read(host: Host, backend: str, target: str) -> State:
    """Return the state of a target now; raises HostError where it is unknown, OSError for what is no target."""
    with _checking():
        state: State = _load(backend).read(host, target)
    return state


def write(host: WritableHost, backend: str, target: str, state: State) -> None:
    """Give a target a state; raises OSError."""
    with _checking():
        check(backend, target, state)
        _load(backend).write(host, target, state)


def check(backend: str, target: str, state: State) -> None:
    """Raise ValueError for a target that a backend does not write, or a state that it cannot have."""
    try:
        _load(backend).check(target, state)
    except KeyError as error:
        raise ValueError(f"no backend {backend!r}") from error


def check_presence(target: str, state: State, what: str) -> None:
    """Raise ValueError for what is no state of a target that is there or not."""
    if state not in (PRESENT, None):
        raise ValueError(f"{target}: {state!r} is no state of {what}")


def barred(host: WritableHost, change: Change, capabilities: int) -> str:
    """Return why this process may not make a change; `capabilities` are its effective ones, as a set of bits."""
    module = _load(change.backend)
    return str(module.barred(host, change, capabilities)) if hasattr(module, "barred") else ""


def lacks_net_admin(change: Change, capabilities: int) -> str:
    """Say whether this process lacks CAP_NET_ADMIN (12, linux/capability.h)."""
    return "" if capabilities >> 12 & 1 else f"{change.target}: takes CAP_NET_ADMIN"


def rank(change: Change) -> int:
    """Return the place of a change in the order in which changes are made."""
    module = _load(change.backend)
    return int(module.rank(change.target)) if hasattr(module, "rank") else _LAST


def runtime(backend: str) -> bool:
    """Say whether the targets of a backend are the running kernel's, so that an image has none and a boot ends them."""
    return bool(_load(backend).RUNTIME)


def same(state: State, other: State) -> bool:
    """Say whether two states are the same; what a state leaves open (its owner) does not count."""
    if isinstance(state, FileState) and isinstance(other, FileState):
        pairs = ((state.uid, other.uid), (state.gid, other.gid), (state.attributes or None, other.attributes or None))
        open_or_equal = all(a is None or b is None or a == b for a, b in pairs)
        return (state.text, state.mode) == (other.text, other.mode) and open_or_equal
    return state == other


def _load(backend: str) -> ModuleType:
    return registry.load(__name__, backend)


@contextlib.contextmanager
def _checking() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from error
