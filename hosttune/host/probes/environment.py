"""What is set in the environment of a process: those variables alone that were asked for (proc(5))."""

from __future__ import annotations

_LARGEST = 2 << 20  # bytes: the arguments and the environment of a process, fs/exec.c, for a stack of 8 MiB
_LONGEST = 4096  # letters of a value


def run(pid: int, names: list[str]) -> dict[str, str]:
    """Return the variables that are set, as they were when it started; raises OSError."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        entries = file.read(_LARGEST).decode("utf-8", "surrogateescape").split("\0")
    pairs = (entry.partition("=") for entry in reversed(entries))
    wanted = set(names)
    # of a variable that is set twice getenv(3) gives the first
    return {name: value[:_LONGEST] for name, equals, value in pairs if equals and name in wanted}
