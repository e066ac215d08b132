"""What a recorded run comes to: as Markdown, as a picture, or in any other format."""

from __future__ import annotations

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.terminal import presenting, streams


def run(file: str, format: str, both: bool, output: str) -> int:
    """Print the report, or write it to a file; `both`: a picture and Markdown were asked for."""
    render.check_format("Account", format)
    if both:
        raise UsageError("--markdown and --svg: choose one of the two, and run it again for the other")
    account = api.report(file)
    if output:
        streams.to_file("-o", output, render.render(account, format))
    else:
        presenting.present(account, format)
    return 0
