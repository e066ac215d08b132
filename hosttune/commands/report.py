"""What a recorded run comes to: as Markdown, or as a picture."""

from __future__ import annotations

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.terminal import streams


def run(file: str, markdown: bool, svg: bool, output: str) -> int:
    """Print the report, or write it to a file."""
    if markdown and svg:
        raise UsageError("--markdown and --svg: choose one of the two, and run it again for the other")
    account = api.report(file)
    text = render.render(account, "svg" if svg else "markdown")
    if output:
        streams.to_file("-o", output, text)
    else:
        streams.put(text)
    return 0
