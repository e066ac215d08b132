"""The main job: compare this host with its role, count what it carries, print it."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.render.of_report import prometheus
from hosttune.terminal import metrics_file, presenting


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune check`, as given; `options` are those that `apply` has too, `textfile` "" for none."""

    options: Options
    place: Place
    format: str
    fail_on: str
    strict: bool
    verbose: bool
    textfile: str = ""


def run(asked: Asked) -> int:
    """Print the report and return the exit code, which a format may have of its own."""
    if asked.textfile and (asked.place.snapshot or asked.place.root != "/"):
        raise UsageError("--textfile: node_exporter tells of the host it runs on; leave out --snapshot and --root")
    metrics_file.check(asked.textfile)
    render.check_format("Report", asked.format)
    report = api.check(
        asked.options,
        asked.place,
        fail_on=asked.fail_on,
        strict=asked.strict,
        command=presenting.command(),
    )
    if asked.textfile:
        metrics_file.write(asked.textfile, prometheus.render(report))
    presenting.present(report, asked.format, asked.verbose)
    own = getattr(render.format_module("Report", asked.format), "exit_code", None)
    return own(report) if own else exit_codes.check(report)
