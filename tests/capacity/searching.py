"""The kernel's search for a free port of NAT (nf_nat_l4proto_unique_tuple()), run many times: `python -m` prints it."""

from __future__ import annotations

import random
import sys

WINDOW = 128  # NF_NAT_MAX_ATTEMPTS
_LEAST = 16


def first_loss(ports: int, numbers: random.Random) -> int:
    """Return how many connections get a port before one finds none."""
    used = bytearray(ports)
    for count in range(ports):
        at = _search(used, numbers)
        if at is None:
            return count
        used[at] = 1
    return ports


def _search(used: bytearray, numbers: random.Random) -> int | None:
    ports = len(used)
    window = min(ports, WINDOW)
    while True:
        start = numbers.getrandbits(16) % ports
        at = used.find(0, start, start + window)
        if at < 0 and start + window > ports:
            at = used.find(0, 0, start + window - ports)
        if at >= 0:
            return at
        if window >= ports or window < _LEAST:
            return None
        window //= 2


def shares(ports: int, runs: int, seed: int = 1) -> tuple[int, int, int]:
    """Return the first loss in 5 %, half and 95 % of so many runs."""
    numbers = random.Random(seed)
    losses = sorted(first_loss(ports, numbers) for _ in range(runs))
    low, middle, high = (losses[min(int(part * runs), runs - 1)] for part in (0.05, 0.5, 0.95))
    return low, middle, high


if __name__ == "__main__":
    for text in sys.argv[1:]:
        print(text, *shares(int(text), 300))
