"""What one apply was asked to do: kept in its journal, so that it can be planned again when another comes off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from hosttune.changes import backends
from hosttune.model import Machine, Requirement, Value
from hosttune.model.checked import Checked

Address = Annotated[str, Checked(partial(backends.check, "address", state="present"))]
Prefix = Annotated[str, Checked(partial(backends.check, "anyip", state="present"))]


@dataclass(frozen=True, slots=True)
class Request:
    """`requirements` are those that shall hold; `only` narrows the kinds of target, empty: all.

    `runtime` and `persist` say which layers are written. `live`: running processes get their limits too. `restart`:
    services are started again. `addresses` are ADDRESS/PREFIX@INTERFACE. `roles` and `connections` go into comments.
    `leave` are the keys that stay as they are, though others may need them. `anyip` are prefixes that become this
    host's own; `remove` and `remove_anyip` are addresses and prefixes that it gives up. `allow` are sysctls that are
    taken from a profile though they do not concern connections.
    """

    requirements: tuple[Requirement, ...] = ()
    runtime: bool = True
    persist: bool = True
    only: tuple[str, ...] = ()
    live: bool = False
    restart: bool = False
    addresses: tuple[Address, ...] = ()
    roles: tuple[str, ...] = ()
    connections: int = 0
    leave: tuple[str, ...] = ()
    anyip: tuple[Prefix, ...] = ()
    remove: tuple[Address, ...] = ()
    remove_anyip: tuple[Prefix, ...] = ()
    allow: tuple[str, ...] = ()

    def wants(self, kind: str) -> bool:
        """Say whether a kind of target may be written."""
        return not self.only or kind in self.only


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """What a plan looks at where addresses come or go; empty where that was asked and granted before.

    `answers` are the hardware addresses of those who have an address already, by address; `unasked` sentences on
    interfaces where nobody could be asked. `subnets` are ADDRESS/PREFIX of each interface, as it has them now.
    `needed` says of an address why this host cannot do without it, `returns` who would bring it back, and `used`
    what is open on it. `taken` are prefixes that are in use, each with what uses it. `force`: what is open may go.
    `nonlocal_bind` is net.ipv6.ip_nonlocal_bind, None where it could not be read.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    unasked: tuple[str, ...] = ()
    subnets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needed: Mapping[str, str] = field(default_factory=dict)
    returns: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[str, str] = field(default_factory=dict)
    taken: tuple[tuple[str, str], ...] = ()
    force: bool = False
    nonlocal_bind: bool | None = None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What a plan looks at beside findings.

    `legal` is the (lowest, highest) number that this kernel takes for each element of a sysctl; what is not in it
    is not known. `listening`: ports with a TCP listener, as a set of bits; None where they are unknown.
    `defaults` are what the kernel holds after a boot where no file sets a key, as far as that is known.
    `described` are the keys of which the profiles say what they are. `written` are the lines of our files that the
    journal knows, by path; None where it is not to be had. `hardening` are the values that guides of hardening give a
    key, as "VALUE: why".
    """

    machine: Machine
    legal: dict[str, tuple[int, int]]
    listening: int | None = None
    defaults: Mapping[str, Value] = field(default_factory=dict)
    described: frozenset[str] = frozenset()
    addresses: AddressFacts = field(default_factory=AddressFacts)
    written: Mapping[str, Collection[str]] | None = None
    hardening: Mapping[str, str] = field(default_factory=dict)
