"""Lines of the benchmark, all of them text from numbers that were read."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from hosttune.capacity.footprint import SOCKET
from tests.bench.million.predict import SOCKETS, Limit
from tests.bench.million.ramp import Held
from tests.bench.million.stage import memory

ALLOWED = 0.05
"""How far the devices that are held may be from those that were predicted, as a share."""


def machine(nofile: int) -> str:
    return (
        f"Machine: {os.cpu_count()} cores, {memory()['MemTotal'] / 2**30:.1f} GiB, Linux {platform.release()}, "
        f"nofile {nofile:,} for each process.\n"
        f"A device is {SOCKETS} sockets here: its own, two of HAProxy, one of the broker."
    )


def before(trial: Held, bounds: Sequence[Limit], wanted: int) -> str:
    """Return what the trial showed, and what follows from it."""
    lines = [
        f"Trial: {trial.devices:,} devices, {trial.new / max(trial.seconds, 0.001):,.0f}/s; "
        f"HAProxy takes {trial.application:,} bytes a device.",
        f"hosttune: {SOCKETS} x {SOCKET:,} bytes of the kernel and {trial.application:,} of HAProxy a device; bounds:",
    ]
    for bound in bounds:
        lines.append(f"  {bound.name:<24} {'none' if bound.hard is None else f'{bound.hard:,}':>12}  {bound.why}")
    first = bounds[0]
    least = predicted(bounds, wanted)
    lines.append(
        f"Predicted: all {wanted:,} devices; {first.name} would stop it at {first.hard:,}."
        if least == wanted
        else f"Predicted: {least:,} devices of {wanted:,}; {first.name} stops it."
    )
    return "\n".join(lines)


def after(held: Held, answered: int, took: float, bounds: Sequence[Limit], wanted: int) -> str:
    """Return the record: predicted against measured."""
    least, count = predicted(bounds, wanted), max(held.devices, 1)
    total, counted = SOCKETS * count, sum(held.sockets)
    devices, balancers, brokers = held.sockets
    kernel, of_slab = held.taken - held.private, held.slab
    return "\n".join(
        (
            f"Stopped: {held.stopped}.",
            f"Held:      {held.devices:,} devices at the same time; the brokers have {held.at_brokers:,}; "
            f"PINGRESP to {answered:,} of {held.devices:,} PINGREQ in {took:,.0f} s.",
            f"Predicted: {least:,}; measured {held.devices:,}, {100 * (held.devices - least) / least:+.1f} %.",
            f"Sockets:   {counted:,}: {devices:,} of the devices, {balancers:,} of HAProxy, "
            f"{brokers:,} of the brokers.",
            f"Memory:    {held.taken / 2**30:.2f} GiB, {held.taken // count:,} bytes a device: "
            f"{held.application:,} of HAProxy, {kernel // count:,} beside it.",
            f"           {kernel // total:,} bytes a socket, {of_slab // total:,} of them slab; predicted {SOCKET:,}. "
            f"{held.free >> 20:,} MiB are left.",
            *([_looked_at(held)] if held.looked_at > held.taken // 100 else []),
            f"Setup:     {held.new:,} devices in {held.seconds:,.0f} s, {held.new / max(held.seconds, 0.001):,.0f}/s.",
        )
    )


def _looked_at(held: Held) -> str:
    left = f"{held.looked_at / 2**30:.2f} GiB more"
    return f"           {left} are inodes of /proc/PID/fd, which other programs listed; the kernel takes them back."


def predicted(bounds: Sequence[Limit], wanted: int) -> int:
    """Return the devices that will be held, of those that are wanted."""
    return min(wanted, *(bound.hard for bound in bounds if bound.hard is not None))


def agrees(held: Held, answered: int, bounds: Sequence[Limit], wanted: int) -> bool:
    """Say whether the prediction was right, and every device that is held has its broker."""
    least = predicted(bounds, wanted)
    whole = answered == held.devices == held.at_brokers
    return whole and abs(held.devices - least) <= ALLOWED * least
