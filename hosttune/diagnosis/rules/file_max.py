"""The open files of the whole host are at fs.file-max: ENFILE for all but CAP_SYS_ADMIN.

fs/file_table.c, alloc_empty_file(): get_nr_files() >= files_stat.max_files, checked again exactly, and
capable(CAP_SYS_ADMIN) lets pass; proc_sys_fs(5).
"""

from __future__ import annotations

from hosttune.diagnosis import kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Program

RIVALS = ("nofile", "nr-open", "memory")
_ID = "file-max"
_WHAT = "the open files of the whole host run out"
_OPEN, _KEY = "files.open", "fs.file-max"
_WHERE = "/proc/sys/fs/file-nr, fs.file-max"
_WORDS = ("file-max limit",)
_FULL, _NEAR = 0.99, 0.9  # programs close files as others open them
_ABSENT = "neither the open files nor fs.file-max could be read"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether the table is full now, or was a moment ago; else what ENFILE says, or why it is not this."""
    heard, most = clues.heard("ENFILE"), _most(clues)
    limit = clues.integer(_KEY)
    spoken = kernel_lines.fresh(clues, *_WORDS)
    if most is not None and limit is not None:
        share = most / max(limit, 1)
        if share >= _FULL or (share >= _NEAR and (spoken or heard)):
            return (_full(clues, most, limit, heard),)
        if heard or clues.hits(_ID):
            return (_by_word(clues, spoken, _far(most, limit)),)
        if heard is None and spoken:
            return (_by_word(clues, spoken, _far(most, limit)),)
        return (_excluded(clues, most, limit, heard),)
    if heard is False:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "ENFILE"), saying.met_where(clues)),)
    if heard or clues.hits(_ID) or spoken:
        return (_by_word(clues, spoken, ()),)
    return (saying.unknown(_ID, _WHAT, _ABSENT, f"cat {_WHERE.partition(',')[0]}"),)


def _most(clues: Clues) -> int | None:
    """Return the open files, the more of the two gatherings."""
    counts = [sample.counters.get(_OPEN) for sample in (clues.rates.before, clues.rates.now)]
    return max((count for count in counts if count is not None), default=None)


def _count(most: int, limit: int) -> Evidence:
    return Evidence(f"{most:,} open files of {limit:,} that the host allows", _WHERE)


def _far(most: int, limit: int) -> tuple[Evidence, ...]:
    return (Evidence(f"now {most:,} files are open of {limit:,} that the host allows", _WHERE),)


def _exempt(clues: Clues) -> list[Program]:
    """Return the programs, where they are known not to be held to it, each of them."""
    known = [one for one in clues.programs if one.exempt is not None]
    return known if known and all(one.exempt for one in known) else []


def _full(clues: Clues, most: int, limit: int, heard: bool | None) -> Cause:
    exempt = _exempt(clues)
    against: tuple[Evidence, ...] = saying.other(clues, heard, "ENFILE")
    certainty = Certainty.CERTAIN
    if heard is False:
        certainty = Certainty.POSSIBLE
    elif exempt and heard is None and not clues.hits(_ID):
        certainty = Certainty.EXCLUDED if clues.named else Certainty.POSSIBLE
    if exempt:
        text = f"{exempt[0]} has CAP_SYS_ADMIN, which exempts it"
        against = (*against, Evidence(text, f"/proc/{exempt[0].pid}/status"))
    evidence = (
        _count(most, limit),
        *kernel_lines.fresh(clues, *_WORDS),
        *saying.heard(clues),
        *saying.logged(clues, _ID),
    )
    if certainty is Certainty.EXCLUDED:
        return Cause(_ID, _WHAT, certainty, limit, "files", evidence=(*against, *evidence))
    return _cause(clues, certainty, limit, evidence, against)


def _by_word(clues: Clues, spoken: tuple[Evidence, ...], against: tuple[Evidence, ...]) -> Cause:
    """ENFILE, or the kernel's line of the last minute, with no full table to be seen now."""
    named = next((hit.numbers["limit"] for hit in clues.hits(_ID) if "limit" in hit.numbers), None)
    seen = clues.integer(_KEY) if against else named
    told = clues.heard("ENFILE") or bool(clues.hits(_ID))
    certainty = Certainty.LIKELY if told and (spoken or not against) else Certainty.POSSIBLE
    evidence = (*saying.heard(clues), *saying.logged(clues, _ID), *spoken)
    return _cause(clues, certainty, seen if spoken or named else None, evidence, against)


def _cause(
    clues: Clues, certainty: Certainty, limit: int | None, evidence: tuple[Evidence, ...], against: tuple[Evidence, ...]
) -> Cause:
    more = "sudo hosttune apply --role ROLE, for fs.file-max"
    fullest = max(clues.programs, key=lambda one: one.descriptors, default=None)
    leak = f": {fullest} has the most, {fullest.descriptors:,}" if fullest else ""
    return Cause(
        _ID,
        _WHAT,
        certainty,
        limit,
        "files",
        evidence=evidence,
        against=against,
        log="ENFILE (23), too many open files in system, from socket(), accept() or open(); root may see none of it",
        fixes=(more, f"find what keeps so many open{leak}"),
        confirm=""
        if certainty is Certainty.CERTAIN
        else "cat /proc/sys/fs/file-nr while it stalls; pipe() has ENFILE for fs.pipe-user-pages-hard too",
        strength=85,
    )


def _excluded(clues: Clues, most: int, limit: int, heard: bool | None) -> Cause:
    evidence = (*saying.other(clues, heard, "ENFILE"), _count(most, limit), *kernel_lines.old(clues, *_WORDS))
    return Cause(_ID, _WHAT, Certainty.EXCLUDED, evidence=evidence)
