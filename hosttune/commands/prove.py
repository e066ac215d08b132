"""Make the limits happen in private network namespaces, and hold what was foretold against what the kernel did."""

from __future__ import annotations

from hosttune import api, render
from hosttune.options import Options, Proving
from hosttune.render import exit_codes
from hosttune.terminal import presenting


def run(options: Options, proving: Proving, format: str, strict: bool) -> int:
    """Print the proofs and return the exit code."""
    render.check_format("Trial", format)
    trial = api.prove(options, proving, command=presenting.command())
    presenting.present(trial, format)
    return exit_codes.prove(trial, strict)
