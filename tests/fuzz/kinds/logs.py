"""Logs of programs and of the kernel, as `hosttune diagnose --log` reads them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from random import Random

from hosttune.diagnosis import log_reading
from hosttune.model.programs import ANY
from hosttune.programs import knowledge
from tests.fuzz import mutate, outcome
from tests.fuzz.part import Given, Part, Wrong

PROGRAMS = knowledge.every()
_TABLE = Path(__file__).parents[2] / "diagnosis/log_lines.toml"
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@cache
def known() -> tuple[str, ...]:
    """Return lines that programs write."""
    table = tomllib.loads(_TABLE.read_text())
    return (
        *(text for rows in table.values() for text in rows),
        *(row.line.replace(ANY, "17") for program in PROGRAMS for row in program.log if row.line),
    )


def text(random: Random) -> str:
    """Return a log, nearly right."""
    stamps = ("", "2026-01-01T00:00:00Z ", "Jan  1 00:00:00 lb haproxy[7]: ", "[12.5] ", "<6>[   12.500000] ")
    found = [random.choice(stamps) + random.choice(known()) for _ in range(random.randint(1, 6))]
    return mutate.text(random, "\n".join(found) + "\n", ("EMFILE", "99", "limit", "port"), known())


def _run(given: Given) -> bool:
    hits = log_reading.recognise(given["text"].encode("utf-8", "surrogateescape"), PROGRAMS)
    for hit in hits:
        if _UNSAFE.search(hit.line):
            raise Wrong(f"what it shows has {_UNSAFE.findall(hit.line)!r}", "unsafe character in a line that is shown")
    return True


def _verb_run(given: Given) -> bool:
    from tests.fuzz.kinds.snapshots import SAMPLES

    with outcome.folder({"x.log": given["text"]}) as root:
        return outcome.run(["diagnose", "--snapshot", str(SAMPLES[0]), "--log", f"{root}/x.log", *given["args"]]).past


def _verb_make(random: Random) -> Given:
    return {"text": text(random), "args": random.choice(([], ["-v"], ["--format", "json"], ["--errno", "emfile"]))}


PARTS = (
    Part("log", lambda random: {"text": text(random)}, _run, share=60),
    Part("diagnose --log", _verb_make, _verb_run, share=0.4),
)
