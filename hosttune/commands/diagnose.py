"""Why does this host stall: gather twice, judge, print."""

from __future__ import annotations

from hosttune import api, render
from hosttune.options import Options, Place, Stall
from hosttune.render import exit_codes
from hosttune.terminal import presenting


def run(options: Options, stall: Stall, place: Place, interval: float, format: str, verbose: bool) -> int:
    """Print the diagnosis and return the exit code."""
    render.check_format("Diagnosis", format)
    diagnosis = api.diagnose(options, place, stall, interval=interval, command=presenting.command())
    presenting.present(diagnosis, format, verbose)
    return exit_codes.diagnose(diagnosis)
