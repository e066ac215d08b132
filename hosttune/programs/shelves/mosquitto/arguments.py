"""What the command line of mosquitto says of its configuration (mosquitto(8))."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.programs.command_line import Arguments


def command(argv: Sequence[str]) -> Arguments:
    """Return the file of -c, and each -p as the line `port N`; it reads no file where none is named."""
    paths: list[str] = []
    ports: list[str] = []
    words = iter(argv[1:])
    for word in words:
        if word in ("-c", "--config-file"):
            paths = [next(words, "")]
        elif word in ("-p", "--port"):
            ports.append(f"port {next(words, '')}")
    return Arguments(tuple(path for path in paths if path), overrides=tuple(ports))
