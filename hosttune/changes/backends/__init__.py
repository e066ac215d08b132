"""One file a target: each reads the state of a target, and writes one.

`read(host, target)` returns the State, None where the target is absent; raises HostError. `write(host, target,
state)` makes it so; raises OSError. `check(target, state)` raises OSError for what is none of its own: targets and
states come from a journal too. RUNTIME says that a target is the running kernel's, and gone with it.
"""

from __future__ import annotations

from hosttune import registry
from hosttune.host import Host, WritableHost
from hosttune.model import FileState, State


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
