"""Read a topology, size it, and say what it carries; or solve it, write configurations, hold reports against it."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api, printable
from hosttune.errors import UsageError
from hosttune.model import Sizing
from hosttune.planning.topology import keys
from hosttune.render import exit_codes
from hosttune.terminal import file_tree, presenting, streams
from hosttune.workflows import opening

FORMATS = ("table", "markdown", "json")


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
    opening.check_format(format, FORMATS)
    # what --emit writes is carried out as root on many hosts
    sizing = api.plan(topology, overrides, solve=solve, trusted=bool(emit))
    if reports:
        if emit or svg or format == "markdown":
            raise UsageError("--reports: it is said as a table or json; leave out --emit, --svg and markdown")
        return _hold(sizing, reports, format, verbose)
    if svg:
        from hosttune.render.view import topology_svg

        streams.to_file("--svg", svg, topology_svg.render(sizing))
    written = file_tree.write("--emit", emit, api.emit(sizing)) if emit else ()
    command = ["hosttune", "plan", topology, *(word for text in overrides for word in ("--set", text))]
    _print(sizing, format, verbose, printable.words(command))
    if written:
        into = keys.printed(emit)
        presenting.tell(f"{len(written):,} files are in {into}; {into}/README.md says what goes where")
    return exit_codes.plan(sizing)


def _hold(sizing: Sizing, reports: str, format: str, verbose: bool) -> int:
    from hosttune.render.view import fleet as fleet_view

    fleet = api.fleet(sizing, reports)
    if format == "json":
        streams.put(fleet_view.document(fleet))
    else:
        presenting.present(fleet, fleet_view, verbose)
    return exit_codes.plan(sizing, fleet)


def _print(sizing: Sizing, format: str, verbose: bool, command: str) -> None:
    """Print it; `command` is the one that the next ones begin with."""
    from hosttune.render.view import topology as topology_view
    from hosttune.render.view import topology_markdown

    if format == "json":
        streams.put(topology_view.document(sizing))
    elif format == "markdown":
        streams.put(topology_markdown.render(sizing, command=command))
    else:
        presenting.present(sizing, topology_view, verbose, command=command)
