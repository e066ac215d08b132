"""The main job: compare this host with its role, count what it carries, print it."""

from __future__ import annotations

from typing import Any

from hosttune import api, render
from hosttune.errors import UsageError
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.terminal import presenting


def run(options: Options, place: Place, fail_on: str, strict: bool, format: str, textfile: str, verbose: bool) -> int:
    """Print the report, write its metrics to a file where one is named, and return the exit code."""
    render.check_format("Report", format)
    _check(textfile, "Report", place)
    report = api.check(options, place, fail_on=fail_on, strict=strict, command=presenting.command())
    _put(report, format, textfile, verbose)
    return exit_codes.check(report, format)


def node(options: Options, place: Place, fail_on: str, strict: bool, format: str, textfile: str, verbose: bool) -> int:
    """Print every network namespace of the host, the same way."""
    render.check_format("Node", format)
    _check(textfile, "Node", place)
    node = api.node(options, place, fail_on=fail_on, strict=strict)
    _put(node, format, textfile, verbose)
    return exit_codes.node(node)


def _check(textfile: str, noun: str, place: Place) -> None:
    if textfile and (place.snapshot or place.root != "/"):
        raise UsageError("--textfile: node_exporter tells of the host it runs on; leave out --snapshot and --root")
    if textfile:
        from hosttune.terminal import metrics_file

        metrics_file.check(textfile, render.format_module(noun, "prometheus").VERB)


def _put(noun: Any, format: str, textfile: str, verbose: bool) -> None:
    if textfile:
        from hosttune.terminal import metrics_file

        metrics_file.write(textfile, render.render(noun, "prometheus"))
    presenting.present(noun, format, verbose)
