"""What differs between two hosts, or one and what it should be, and what each difference does."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.terminal import presenting


def run(
    left: str, right: str, against: Sequence[str], options: Options, place: Place, format: str, verbose: bool
) -> int:
    """Print the comparison; returns 1 where something that matters differs, 3 where nothing could be compared."""
    render.check_format("Comparison", format)
    if against[1:]:
        raise UsageError(f"{' and '.join(f'--{name}' for name in against)}: each is another side; give one of them")
    command = presenting.command()
    comparison = api.diff(left, right, against="".join(against), options=options, place=place, command=command)
    presenting.present(comparison, format, verbose)
    return exit_codes.diff(comparison)
