"""Read a topology, size it, and say what it carries; or solve it, write configurations, hold reports against it."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import Any

from hosttune import printable
from hosttune.errors import UsageError
from hosttune.model import Sizing, Topology
from hosttune.planning import sizing
from hosttune.planning.topology import keys, load
from hosttune.terminal import file_tree, presenting, streams
from hosttune.workflows import emitting, fleet_reports, opening, real_tiers, role_settings, trust

FORMATS = ("table", "markdown", "json")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune plan`, as given."""

    topology: str
    set: tuple[str, ...]
    solve: bool
    emit: str
    reports: str
    svg: str
    example: bool
    format: str
    verbose: bool


def run(asked: Asked) -> int:
    """Plan, and print it; returns 0 where the target is carried, 1 where it is not."""
    if asked.format not in FORMATS:
        raise UsageError(f"--format {asked.format}: unknown; choose {', '.join(FORMATS)}")
    if asked.example:
        sys.stdout.write(load.text(asked.topology or load.names()[0]))
        return 0
    if not asked.topology:
        raise UsageError(
            f"TOPOLOGY: name a file, or one that ships: {', '.join(load.names())}; --example prints that one"
        )
    # what --emit writes is carried out as root on many hosts
    with trust.writing(bool(asked.emit)):
        found = size(asked)
    if asked.reports:
        return fleet_view(asked, found)
    if asked.svg:
        from hosttune.render.view import topology_svg

        streams.to_file("--svg", asked.svg, topology_svg.render(found))
    written = file_tree.write("--emit", asked.emit, emitting.texts(sizing.deploy(found))) if asked.emit else ()
    _print(asked, found)
    if written:
        into = keys.printed(asked.emit)
        told = f"hosttune: {len(written):,} files are in {into}; {into}/README.md says what goes where"
        print(told, file=sys.stderr)
    return 0 if found.carried else 1


def size(asked: Asked) -> Sizing:
    """Return the sizing that the options ask for; raises UsageError, TopologyError or ProfileError."""
    topology = load.load(asked.topology, asked.set, opening.LOCAL, trust.weigh)
    roles = role_settings.of(topology)
    left = [f"{tier.name}.{name}" for tier in topology.tiers for name in sorted(tier.open)]
    if left and not asked.solve:
        raise UsageError(f"{asked.topology}: {left[0]}: to be found; add --solve, or give a number with --set")
    if asked.solve and not left:
        raise UsageError(f"--solve: {asked.topology} leaves no number open; open some: {' '.join(_openings(topology))}")
    if asked.solve:
        topology = sizing.solve(topology, roles)
    real = real_tiers.bounds(topology, roles)
    return dataclasses.replace(sizing.size(topology, roles, real), solved=asked.solve)


def _openings(topology: Topology) -> list[str]:
    """Return the options that open what --solve is mostly asked for."""
    names = [f"{t.name}.hosts" for t in topology.tiers] + [f"{t.name}.sources" for t in topology.tiers if t.to]
    return [f"--set {printable.word(f'{name}=?')}" for name in names]


def fleet_view(asked: Asked, found: Sizing) -> int:
    from hosttune.render.view import fleet as fleet_view

    if asked.emit or asked.svg or asked.format == "markdown":
        raise UsageError("--reports: it is said as a table or json; leave out --emit, --svg and markdown")
    fleet = fleet_reports.fleet(found, asked.reports)
    if asked.format == "json":
        sys.stdout.write(fleet_view.document(fleet))
    else:
        presenting.present(fleet, fleet_view, asked.verbose)
    return 0 if not fleet.waiting and not fleet.missing and found.carried else 1


def _print(asked: Asked, found: Sizing) -> None:
    from hosttune.render.view import topology as topology_view
    from hosttune.render.view import topology_markdown

    command = _command(asked)
    if asked.format == "json":
        sys.stdout.write(topology_view.document(found))
    elif asked.format == "markdown":
        sys.stdout.write(topology_markdown.render(found, command=command))
    else:
        presenting.present(found, _Renderer(topology_view, command), asked.verbose)


@dataclass(frozen=True, slots=True)
class _Renderer:
    """A renderer that knows the command it was asked by."""

    inner: Any
    command: str

    def render(self, found: Sizing, **how: Any) -> str:
        """Return the text."""
        return str(self.inner.render(found, command=self.command, **how))


def _command(asked: Asked) -> str:
    """Return the command as far as the next ones begin with it."""
    words = ["hosttune", "plan", asked.topology, *(word for text in asked.set for word in ("--set", text))]
    return printable.words(words)
