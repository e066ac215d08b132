"""What the command line of envoy says of its configuration (its manual: Command line options)."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.programs.command_line import Arguments


def command(argv: Sequence[str]) -> Arguments:
    """Return the file of -c or --config-path; what --config-yaml gives beside it is kept as it is written."""
    paths: list[str] = []
    more: list[str] = []
    words = iter(argv[1:])
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("-c", "--config-path"):
            paths = [value if equals else next(words, "")]
        elif name == "--config-yaml":
            more.append(value if equals else next(words, ""))
    return Arguments(tuple(path for path in paths if path), overrides=tuple(more))
