"""One file a target: each reads the state of a target, and writes one.

`read(host, target)` returns the State, None where the target is absent; raises HostError. `write(host, target,
state)` makes it so; raises OSError. Targets come from a journal too, so each backend refuses one that is not its own.
"""

from __future__ import annotations

from hosttune import registry
from hosttune.errors import HostError
from hosttune.host import Host, WritableHost
from hosttune.model import FileState, State


def read(host: Host, backend: str, target: str) -> State:
    """Return the state of a target now; raises HostError where it cannot be told."""
    found: State = registry.load(__name__, backend).read(host, target)
    return found


def write(host: WritableHost, backend: str, target: str, state: State) -> None:
    """Give a target a state; raises OSError."""
    registry.load(__name__, backend).write(host, target, state)


def same(one: State, other: State) -> bool:
    """Say whether two states are one; what a state leaves open (its owner) does not count."""
    if isinstance(one, FileState) and isinstance(other, FileState):
        pairs = ((one.uid, other.uid), (one.gid, other.gid), (one.attributes or None, other.attributes or None))
        open_or_equal = all(a is None or b is None or a == b for a, b in pairs)
        return (one.text, one.mode) == (other.text, other.mode) and open_or_equal
    return one == other


def holds(host: Host, backend: str, target: str, state: State) -> bool:
    """Say whether a target has a state now; what cannot be read has none."""
    try:
        return same(read(host, backend, target), state)
    except HostError:
        return False
