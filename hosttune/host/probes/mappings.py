"""How many memory mappings processes have, which vm.max_map_count limits (proc_pid_maps(5): a line each)."""

from __future__ import annotations

from typing import BinaryIO

from hosttune.host.answers import Count, Pid

_PIECE, _LARGEST = 1 << 20, 64 << 20  # bytes of the file of a process: 65,530 mappings have about 6 MiB
_MOST = 8


def run(pids: list[int]) -> dict[Pid, Count]:
    """Return the mappings of each process that may be looked at, of the first of them."""
    counts: dict[str, int] = {}
    for pid in pids[:_MOST]:
        try:
            with open(f"/proc/{pid}/maps", "rb") as file:
                counts[str(pid)] = _lines(file)
        except OSError:
            continue
    return counts


def _lines(file: BinaryIO) -> int:
    lines = looked = 0
    while looked < _LARGEST and (piece := file.read(_PIECE)):
        lines += piece.count(b"\n")
        looked += len(piece)
    return lines
