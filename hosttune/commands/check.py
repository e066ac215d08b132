"""The main job: compare this host with its role, count what it carries, print it."""

from __future__ import annotations

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.terminal import presenting


def run(options: Options, place: Place, fail_on: str, strict: bool, format: str, textfile: str, verbose: bool) -> int:
    """Print the report, write its metrics to a file where one is named, and return the exit code."""
    if textfile and (place.snapshot or place.root != "/"):
        raise UsageError("--textfile: node_exporter tells of the host it runs on; leave out --snapshot and --root")
    if textfile:
        from hosttune.terminal import metrics_file

        metrics_file.check(textfile, "check")
    render.check_format("Report", format)
    report = api.check(options, place, fail_on=fail_on, strict=strict, command=presenting.command())
    if textfile:
        metrics_file.write(textfile, render.render(report, "prometheus"))
    presenting.present(report, format, verbose)
    return exit_codes.check(report, format)
