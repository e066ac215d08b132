"""Make the limits happen in private network namespaces, and hold what was foretold against what the kernel did."""

from __future__ import annotations

from hosttune import api
from hosttune.errors import UsageError
from hosttune.options import Options, Proving
from hosttune.render import exit_codes
from hosttune.render.view import proof as proof_view
from hosttune.terminal import presenting, streams


def run(options: Options, proving: Proving, format: str, strict: bool) -> int:
    """Print the proofs and return the exit code."""
    if format not in proof_view.RENDERERS:
        raise UsageError(f"--format {format}: unknown; choose {', '.join(sorted(proof_view.RENDERERS))}")
    with presenting.progress() as progress:
        trial = api.prove(options, proving, command=presenting.command(), progress=progress)
    streams.put(proof_view.RENDERERS[format](trial, presenting.width()))
    return exit_codes.prove(trial, strict)
