"""What the command line of tsung says of its configuration (tsung(1))."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hosttune.programs.command_line import Arguments


def command(argv: Sequence[str]) -> Arguments:
    """Return the file of -f, nothing without: ~/.tsung/tsung.xml is of whoever started it.

    The script hands it on to the Erlang machine, as a string of Erlang: `-tsung_controller config_file "FILE"`.
    """
    paths = [value.strip('"') for word, value in pairwise(argv) if word in ("-f", "config_file")]
    return Arguments(tuple(paths[-1:]))
