"""Why does this host stall: gather twice, judge, print."""

from __future__ import annotations

from hosttune import api
from hosttune.errors import UsageError
from hosttune.options import Options, Place, Stall
from hosttune.render import exit_codes
from hosttune.render.view import diagnosis as diagnosis_view
from hosttune.terminal import presenting


def run(options: Options, stall: Stall, place: Place, interval: float, format: str, verbose: bool) -> int:
    """Print the diagnosis and return the exit code."""
    if format not in diagnosis_view.RENDERERS:
        raise UsageError(f"--format {format}: unknown; choose {', '.join(sorted(diagnosis_view.RENDERERS))}")
    diagnosis = api.diagnose(options, place, stall, interval=interval, command=presenting.command())
    presenting.present(diagnosis, diagnosis_view.Renderer(format), verbose)
    return exit_codes.diagnose(diagnosis)
