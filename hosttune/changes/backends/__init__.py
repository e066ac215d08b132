"""One file a kind of target: each reads the state of a target, and writes one.

`read(host, target)` returns the State, None where the target is absent; raises HostError. `write(host, target,
state)` makes it so; raises OSError. `check(target, state)` raises OSError for what is none of its own: targets and
states come from a journal too. `barred(host, change, capabilities)` says why this process may not write it, "" where
it may. `rank(target)` is its place among all targets in the order of writes (changes/order.py). RUNTIME says that a
target is the running kernel's, and gone with it.
"""

from __future__ import annotations

from hosttune import registry
from hosttune.host import Host, WritableHost
from hosttune.model import Change, FileState, State


def read(host: Host, backend: str, target: str) -> State:
    """Return the state of a target now; raises HostError where it cannot be told."""
    found: State = registry.load(__name__, backend).read(host, target)
    return found


def write(host: WritableHost, backend: str, target: str, state: State) -> None:
    """Give a target a state; raises OSError."""
    registry.load(__name__, backend).write(host, target, state)


def check(backend: str, target: str, state: State) -> None:
    """Raise ValueError for a target that a backend does not write, or a state that it cannot have."""
    try:
        registry.load(__name__, backend).check(target, state)
    except KeyError as error:
        raise ValueError(f"no backend {backend!r}") from error
    except OSError as error:
        raise ValueError(error.strerror) from error


def barred(host: WritableHost, change: Change, capabilities: int) -> str:
    """Return why this process may not make a change; `capabilities` are its effective ones, as a set of bits."""
    return str(registry.load(__name__, change.backend).barred(host, change, capabilities))


def rank(change: Change) -> int:
    """Return the place of a change in the order in which changes are made."""
    return int(registry.load(__name__, change.backend).rank(change.target))


def runtime(backend: str) -> bool:
    """Say whether the targets of a backend are the running kernel's, so that an image has none and a boot ends them."""
    return bool(registry.load(__name__, backend).RUNTIME)


def same(one: State, other: State) -> bool:
    """Say whether two states are one; what a state leaves open (its owner) does not count."""
    if isinstance(one, FileState) and isinstance(other, FileState):
        pairs = ((one.uid, other.uid), (one.gid, other.gid), (one.attributes or None, other.attributes or None))
        open_or_equal = all(a is None or b is None or a == b for a, b in pairs)
        return (one.text, one.mode) == (other.text, other.mode) and open_or_equal
    return one == other
