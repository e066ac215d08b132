"""What a role brings to a tier that is only planned: its workload's figures, and the settings it will be given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hosttune.model import Machine, Reading, Setting, Workload
from hosttune.model.clouds import KnownCloud
from hosttune.model.programs import KnownProgram

Readings = Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class Role:
    """A profile, made ready for planning.

    `defaults` are its figures of a workload. `readings` gives the sysctls of such a machine as far as they can be
    raised, since a planned host is given what it needs. `wants` gives what it then takes, for a workload and for so
    many processes that share it. `programs` are what is known of those that tiers run, `clouds` of providers.
    """

    name: str
    defaults: Workload
    readings: Callable[[Machine], Readings]
    wants: Callable[[Workload, Machine, int], tuple[Setting, ...]]
    programs: tuple[KnownProgram, ...] = ()
    clouds: tuple[KnownCloud, ...] = ()
