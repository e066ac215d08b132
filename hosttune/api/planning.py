"""The verbs for more than one host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hosttune.options import several
from hosttune.workflows import telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hosttune.model import Fleet, Sizing
    from hosttune.model.progress import Progress
    from hosttune.workflows.telling import Tell


def plan(
    topology: str,
    overrides: str | Sequence[str] = (),
    *,
    solve: bool = False,
    trusted: bool = False,
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> Sizing:
    """Say what a topology carries, where it stalls first, and what each host needs.

    `topology` is a file, or the name of one that ships; `overrides` are other values for it, such as `lb.sources=1`, a
    `?` to be found with `solve`. `trusted`: refuse a file that others than root can write.

    >>> sizing = hosttune.plan("whitepaper-2019")
    >>> sizing.carried, [tier.name for tier in sizing.topology.tiers]
    (False, ['client', 'lb', 'broker'])
    """
    from hosttune.workflows import plan

    with telling.to(tell, progress):
        return plan.plan(topology, several(overrides), solve, trusted)


def topology_text(name: str = "") -> str:
    """Return the text of a topology that ships, the first one by default.

    >>> "[tier." in hosttune.api.topology_text()
    True
    """
    from hosttune.planning.topology import load

    return load.text(name or load.names()[0])


def emit(sizing: Sizing) -> dict[str, str]:
    """Return ready configurations for the hosts of a plan: the text of each file, by its path.

    >>> "README.md" in hosttune.emit(hosttune.plan("whitepaper-2019"))
    True
    """
    from hosttune.planning.sizing import deploy
    from hosttune.programs import knowledge
    from hosttune.workflows import emitting

    return emitting.texts(deploy(sizing, knowledge.every()))


def fleet(sizing: Sizing, reports: str, *, tell: Tell | None = None, progress: Progress | None = None) -> Fleet:
    """Hold the JSON reports of a directory, one a host, against a plan.

    >>> [(host.name, host.carries) for host in hosttune.fleet(hosttune.plan("whitepaper-2019"), REPORTS).waiting]
    [('lb-1', 28232)]
    """
    from hosttune.workflows import fleet_reports

    with telling.to(tell, progress):
        return fleet_reports.fleet(sizing, reports)
