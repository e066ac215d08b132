"""Carry out a run: chunks of inputs of every part in turn, each in a process of its own, and the table at the end."""

from __future__ import annotations

import itertools
import math
import os
import select
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import keep
from tests.fuzz.part import Part
from tests.fuzz.worker import MAKING, Failed, Tally, Worker

_LEAST_PAST = 0.5
_ROUND = 25_000
"""Inputs of all parts in one round: each part has its turn in each."""
_KEPT = 2
"""Failures of one place that are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`count` inputs over all parts, and `seconds` at most where they are not 0, `jobs` at once; kept in `save`."""

    parts: tuple[Part, ...]
    seed: str
    count: int
    seconds: float
    jobs: int
    save: Path


Chunk = tuple[Part, int, int]


def carry_out(plan: Plan) -> int:
    """Run all of it, print failures as they come and the table at the end; return the exit code."""
    start = time.monotonic()
    deadline = start + plan.seconds if plan.seconds else float("inf")
    tallies = {part.name: Tally() for part in plan.parts}
    told: Counter[tuple[str, str]] = Counter()
    try:
        for part, tally in _tallies(plan, deadline):
            tallies[part.name].add(tally)
            for failed in tally.failed:
                told[part.name, failed.where] += 1
                if told[part.name, failed.where] <= _KEPT:
                    _tell(plan, part, failed, told[part.name, failed.where] == 1)
    except KeyboardInterrupt:
        print("interrupted")
    print(table(plan.parts, tallies, time.monotonic() - start))
    short = short_of(plan.parts, tallies)
    for name, share in short:
        print(f"{name}: only {share:.0%} of its inputs got past the schema")
    return int(bool(short) or any(tally.failed for tally in tallies.values()))


def _tallies(plan: Plan, deadline: float) -> Iterator[tuple[Part, Tally]]:
    """Yield what each chunk came to; where its process died the rest of it is another chunk."""
    chunks = _chunks(plan, deadline)
    # where the time is short, each part gets as much of it as any other, in three turns
    turn = plan.seconds * plan.jobs / len(plan.parts) / 3 if plan.seconds else float("inf")
    more: list[Chunk] = []
    at_work: dict[int, Worker] = {}
    try:
        while True:
            while len(at_work) < plan.jobs and (chunk := more.pop() if more else next(chunks, None)):
                part, first, count = chunk
                made = Worker(part, plan.seed, first, count, min(deadline, time.monotonic() + turn))
                at_work[made.pipe] = made
            if not at_work:
                return
            ready, _, _ = select.select(list(at_work), [], [], 1.0)
            for one in at_work.values():
                if one.pipe not in ready and one.stuck():
                    one.kill()
            for pipe in ready:
                one = at_work.pop(pipe)
                tally = one.result()
                left = one.count - tally.done
                died = tally.failed and tally.failed[-1].where.startswith(("hangs", "ends with"))
                if died and left and time.monotonic() < deadline:
                    more.append((one.part, one.first + tally.done, left))
                yield one.part, tally
    finally:
        for one in at_work.values():
            one.kill()
            os.waitpid(one.pid, 0)


def _chunks(plan: Plan, deadline: float) -> Iterator[Chunk]:
    """Yield chunks in rounds until there are `count` inputs, or the time is over."""
    whole = sum(part.share for part in plan.parts)
    per_round = min(_ROUND, plan.count)
    left, first = plan.count, dict.fromkeys((part.name for part in plan.parts), 0)
    for _ in itertools.count():
        for part in plan.parts:
            count = min(max(round(per_round * part.share / whole), 1), left)
            if not count or time.monotonic() > deadline:
                return
            yield part, first[part.name], count
            first[part.name] += count
            left -= count


def _tell(plan: Plan, part: Part, failed: Failed, kept: bool) -> None:
    where = ""
    if kept and not failed.where.startswith(MAKING):
        given = keep.small(part, part.input(plan.seed, failed.number), failed.where)
        where = f" [{keep.save(plan.save, failed, given, plan.seed)}]"
    text = failed.text.encode("unicode_escape").decode()
    print(f"FAILED {failed.part} {failed.number}: {failed.where}: {text[:400]}{where}", flush=True)


def short_of(parts: Sequence[Part], tallies: dict[str, Tally]) -> list[tuple[str, float]]:
    """Return the parts with a schema of whose inputs too few got past it, with their share.

    Of few inputs it may be chance: what counts is a share that is below by more than two standard deviations.
    """
    found = []
    for part in parts:
        one = tallies[part.name]
        if part.schema and one.done and one.past + math.sqrt(one.done) < one.done * _LEAST_PAST:
            found.append((part.name, one.past / one.done))
    return found


def table(parts: Sequence[Part], tallies: dict[str, Tally], seconds: float) -> str:
    """Return the closing table."""
    rows = [f"{'part':<28}{'inputs':>10}{'past':>7}{'failed':>8}{'slowest':>10}{'largest':>10}"]
    whole = Tally()
    for part in parts:
        one = tallies[part.name]
        whole.add(one)
        past = f"{one.past / one.done:.0%}" if part.schema and one.done else "-"
        rows.append(_row(part.name, past, one))
    rows.append(_row("all", "", whole))
    rate = whole.done / max(seconds, 0.001)
    return "\n".join([*rows, f"{seconds:,.0f} s, {rate:,.0f} inputs a second; past: of those with a schema"])


def _row(name: str, past: str, one: Tally) -> str:
    size = one.largest / (1 << 20)
    return f"{name:<28}{one.done:>10,}{past:>7}{len(one.failed):>8,}{one.slowest:>8.2f} s{size:>7.0f} MB"
