"""A plan as a difference for each target: literal for programs, short for a person."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hosttune.model import Change, FileState, Plan, State
from hosttune.model.document import Block, Commands, Lines, Paragraph
from hosttune.printable import clean
from hosttune.render.figures import numbers

_HEADER = ("# Written by hosttune", "# Put your own settings into another file")
"""How the header of a file of ours begins, line by line."""

_KINDS = {"sysctl": "", "prlimit": "limits of process "}
_THERE_OR_NOT = {"directory": "directory {}", "address": "address {}", "anyip": "local route {} dev lo"}


def diff(change: Change) -> list[str]:
    """Return one change as lines: a unified difference of a file, `before -> after` of anything else."""
    if change.backend != "file":
        if change.backend in _THERE_OR_NOT:
            return [clean(_there_or_not(change))]
        return [clean(f"{_kind(change)}{change.target}: {_shown(change.before)} -> {_shown(change.after)}")]
    lines = [_title(change)]
    lines += [clean(f"  {line}") for line in _unified(change)]
    mode = _mode(change.after) or _mode(change.before)
    return lines + ([f"  mode {mode}"] if mode not in ("", "0644") else [])


def text(changes: Iterable[Change]) -> str:
    """Return changes for a program, each line ended."""
    return "".join(f"{line}\n" for change in changes for line in diff(change))


def blocks(plan: Plan, units: Mapping[str, str] | None = None, *, reasons: bool = True) -> Iterator[Block]:
    """Yield all changes of a plan in order, and what it leaves alone, for a person.

    A reason is given once: beside the running value where there is one, else in the file. Without `reasons`, what
    only explains is left out of the files too. `units` are those of sysctls, by key.
    """
    given: list[str] = []
    for change in plan.changes:
        if change.backend == "file":
            yield Lines(tuple(_file(change, given, reasons)), diff=True)
            continue
        yield Paragraph(_line(change, units or {}))
        if change.why and reasons and change.why not in given:
            yield Paragraph(change.why, depth=2)
            given.append(change.why)
    if plan.reload:
        yield Lines(("systemctl daemon-reload",))
    if plan.restart and plan.restarts:
        yield Lines(tuple(f"systemctl restart {clean(unit)}" for unit in plan.restarts))
    yield from noted(notes(plan))


def noted(texts: Iterable[str]) -> Iterator[Block]:
    """Yield notes, each a paragraph; what is to be pasted in them stays whole."""
    yield from (Commands("note", tuple(text.split("\n"))) for text in texts)


def notes(plan: Plan) -> list[str]:
    """Return what the plan leaves alone, and which services have to be started again."""
    stale = (
        []
        if plan.restart
        else [
            f"{unit} keeps the descriptors that it was started with: systemctl restart {unit} (or --restart)"
            for unit in plan.restarts
        ]
    )
    return [*plan.notes, *stale]


def _line(change: Change, units: Mapping[str, str]) -> str:
    target = change.target
    if change.backend in _THERE_OR_NOT:
        return _there_or_not(change)
    unit = {"sysctl": units.get(target, ""), "prlimit": "descriptors"}.get(change.backend, "")
    if change.backend == "prlimit":
        target = target.partition(":")[0]  # the start time only tells it from a later one of that number
    unit = "" if unit in ("port", "ports") else unit  # a port is a name more than a number
    before, after = (numbers(_shown(state), target) for state in (change.before, change.after))
    return f"{_kind(change)}{target}: {before} -> {after}{f' {unit}' if unit else ''}"


def _kind(change: Change) -> str:
    return _KINDS.get(change.backend, f"{change.backend} ")


def _there_or_not(change: Change) -> str:
    return f"{_THERE_OR_NOT[change.backend].format(change.target)} ({'new' if change.after else 'removed'})"


def _file(change: Change, given: Sequence[str], reasons: bool) -> list[str]:
    """Return the difference of a file without what says nothing new: header, reasons that stand elsewhere."""
    lines = [_title(change)]
    mode = _mode(change.after)
    if mode not in ("", "0644"):
        lines[0] += f" mode {mode}"
    header = 0
    for line in _unified(change):
        sign, text = line[:1], line[1:]
        if text.startswith(_HEADER):
            header += sign == "+"
            continue
        comment = text.startswith("# ")
        # a long reason is cut in the file
        repeated = any(why.startswith(text[2:].rstrip().removesuffix(" ...")) for why in given)
        if comment and (sign != "+" or not reasons or repeated):
            continue
        lines.append(clean(f"  {line}"))
    if header and reasons:
        lines.insert(1, f"  + header of {header} line{'s' * (header != 1)}")
    return lines


def _unified(change: Change) -> list[str]:
    before, after = _lines(change.before), _lines(change.after)
    made = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    return [line for line in made if not line.startswith("@@")]


def _title(change: Change) -> str:
    what = "" if change.before and change.after else " (new)" if change.after else " (removed)"
    return clean(f"{change.target}{what}")


def _lines(state: State) -> list[str]:
    return state.text.splitlines() if isinstance(state, FileState) else []


def _mode(state: State) -> str:
    return f"{state.mode:04o}" if isinstance(state, FileState) else ""


def _shown(state: State) -> str:
    return "gone" if state is None else "(empty)" if state == "" else str(state)
