"""Metrics as Prometheus reads them: text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).

All are gauges in base units. What is unknown has no sample: it is never 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hosttune import __version__
from hosttune.printable import clean
from hosttune.render.page import MOST

Sample = tuple[Mapping[str, str], float]
"""Labels by name, and the value."""
Pool = tuple[str, str, str, int | None, int | None, int]
"""Source, destination, bind mode; capacity, knee and used in ports."""

_FULLEST = "fullest"  # the destination of a sample that stands for many
_NAME = re.compile(r"hosttune_[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name without the prefix, what it says, its samples."""

    name: str
    help: str
    samples: Sequence[Sample]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(f"hosttune_{self.name}"):
            raise ValueError(f"{self.name!r} is no name of a metric")


def text(families: Iterable[Family]) -> str:
    """Return the exposition; a metric without samples is left out, and so is a sample whose labels came before."""
    lines: list[str] = []
    for family in families:
        rows = dict.fromkeys(f"{_labels(labels)} {_number(value)}" for labels, value in _once(family.samples))
        if rows:
            name = f"hosttune_{family.name}"
            lines += [f"# HELP {name} {_escaped(family.help)}", f"# TYPE {name} gauge"]
            lines += [f"{name}{row}" for row in rows]
    return "".join(f"{line}\n" for line in lines)


def run(verb: str, success: bool, taken: float | None) -> list[Family]:
    """Return what every exposition begins with: the version, whether the host could be examined, and when."""
    labels = {"verb": verb}
    return [
        Family("build_info", "The version of hosttune, always 1.", [({**labels, "version": __version__}, 1)]),
        Family("run_success", "Whether the host could be examined at all.", [(labels, int(success))]),
        Family(
            "run_timestamp_seconds",
            "When the host was last examined, or could not be, in seconds since 1970.",
            [] if taken is None else [(labels, taken)],
        ),
    ]


def pools(verb: str, rows: Iterable[Pool]) -> list[Family]:
    """Return the families of port pools as a verb saw them.

    Of more than MOST the one of each source that has the fewest ports left.
    """
    every = [*rows]
    shown = every if len(every) <= MOST else _fullest(every)
    labelled = [({"verb": verb, "source": s, "destination": d, "bind_mode": m}, numbers) for s, d, m, *numbers in shown]

    def family(name: str, help: str, column: int) -> Family:
        samples = [(labels, n) for labels, numbers in labelled if (n := numbers[column]) is not None]
        return Family(f"port_pool_{name}", help, samples)

    return [
        family("capacity", "Local ports with which this source can reach this destination, at most.", 0),
        family("knee", "Ports in use above which each connect() scans half of the range.", 1),
        family("used", "Ports that are not available now: in use, in TIME_WAIT or otherwise reserved.", 2),
        Family(
            "port_pools_folded",
            f'Port pools without samples of their own: of more than {MOST} the "{_FULLEST}" of a source is shown.',
            [({"verb": verb}, len(every) - len(shown))] if len(every) > len(shown) else [],
        ),
    ]


def _fullest(rows: Sequence[Pool]) -> list[Pool]:
    """Return a row for each source and mode, of as many as are shown at most: each of thousands would be a series."""

    def left(row: Pool) -> int:
        return (row[3] or 0) - row[5]

    fullest: dict[tuple[str, str], Pool] = {}
    for row in sorted(rows, key=left):
        fullest.setdefault((row[0], row[2]), row)
    return [(source, _FULLEST, *row[2:]) for (source, _), row in [*fullest.items()][:MOST]]


def _once(samples: Sequence[Sample]) -> list[Sample]:
    # two of the same labels are an error for all that are scraped with them
    return list({_labels(labels): (labels, value) for labels, value in reversed(samples)}.values())[::-1]


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_escaped(clean(value), quotes=True)}"' for name, value in sorted(labels.items()))
    return f"{{{inner}}}" if inner else ""


def _escaped(text: str, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    if math.isinf(value) or math.isnan(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    return str(value)
