"""Read a topology, size it, and say what it carries; or solve it, write configurations, hold reports against it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hosttune import api, printable, render
from hosttune.errors import UsageError
from hosttune.model import Sizing
from hosttune.planning.topology import keys
from hosttune.render import exit_codes
from hosttune.terminal import file_tree, presenting, streams


def example(topology: str) -> int:
    """Print a topology that ships, the first where none is named."""
    streams.put(api.topology_text(topology))
    return 0


def run(
    topology: str,
    overrides: Sequence[str],
    solve: bool,
    emit: str,
    reports: str,
    svg: str,
    format: str,
    verbose: bool,
) -> int:
    """Plan, and print it; returns 0 where the target is carried, 1 where it is not."""
    render.check_format("Sizing", format)
    # what --emit writes is carried out as root on many hosts
    sizing = api.plan(topology, overrides, solve=solve, trusted=bool(emit))
    if reports:
        if emit or svg:
            raise UsageError("--reports: it compares reports with a plan; leave out --emit and --svg")
        return _hold(sizing, reports, format, verbose)
    if svg:
        streams.to_file("--svg", svg, render.render(sizing, "svg"))
    written = file_tree.write("--emit", emit, api.emit(sizing)) if emit else ()
    command = ["hosttune", "plan", topology, *(word for text in overrides for word in ("--set", text))]
    presenting.present(dataclasses.replace(sizing, command=printable.words(command)), format, verbose)
    if written:
        into = keys.printed(emit)
        presenting.tell(f"{len(written):,} files are in {into}; {into}/README.md says what goes where")
    return exit_codes.plan(sizing)


def _hold(sizing: Sizing, reports: str, format: str, verbose: bool) -> int:
    fleet = api.fleet(sizing, reports)
    presenting.present(fleet, format, verbose)
    return exit_codes.plan(sizing, fleet)
