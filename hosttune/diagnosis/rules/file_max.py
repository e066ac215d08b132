"""The open files of the whole host are at fs.file-max: ENFILE for all but CAP_SYS_ADMIN.

fs/file_table.c, alloc_empty_file(): get_nr_files() >= files_stat.max_files, checked again exactly, and
capable(CAP_SYS_ADMIN) lets pass; proc_sys_fs(5).
"""

from __future__ import annotations

from hosttune import kernel
from hosttune.diagnosis import fixing, kernel_lines
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.model import Cause, Certainty, Evidence, Fix, Program

RULE = Rule(
    __name__,
    "the open files of the whole host run out",
    failure="ENFILE",
    errnos=("ENFILE",),
    unit="files",
    log="ENFILE (23), too many open files in system, from socket(), accept() or open(); root may see none of it",
    confirm="cat /proc/sys/fs/file-nr while it stalls; pipe() has ENFILE for fs.pipe-user-pages-hard too",
    strength=85,
    rivals=("nofile", "nr-open", "memory"),
)
_KEY, _FILE = "fs.file-max", "/proc/sys/fs/file-nr"
_WHERE = f"{_FILE}, {_KEY}"
_WORDS = ("file-max limit",)
_FULL, _NEAR = 0.99, 0.9  # programs close files as others open them


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether the table is full now, or was a moment ago; else what ENFILE says, or why it is not this."""
    met, most, limit = RULE.met(clues), clues.most("files.open"), clues.integer(_KEY)
    spoken = kernel_lines.fresh(clues, *_WORDS)
    named = bool(met or clues.hits(RULE.kind))
    if most is None or limit is None:
        if met is False:
            return (RULE.instead(clues),)
        if named or spoken:
            return (_by_word(clues, spoken, None),)
        return (RULE.unknown("neither the open files nor fs.file-max could be read", f"cat {_FILE}"),)
    share, count = most / max(limit, 1), Evidence(f"{most:,} open files of {limit:,} that the host allows", _WHERE)
    if share >= _FULL or (share >= _NEAR and (spoken or met)):
        return (_full(clues, count, limit),)
    if named or (met is None and spoken):
        far = Evidence(f"now {most:,} files are open of {limit:,} that the host allows", _WHERE)
        return (_by_word(clues, spoken, far),)
    return (RULE.excluded(RULE.other(clues), "", count, kernel_lines.old(clues, *_WORDS)),)


def _exempt(clues: Clues) -> Program | None:
    """Return a program, where all of them are known not to be held to it."""
    known = [program for program in clues.programs if program.exempt is not None]
    return known[0] if known and all(program.exempt for program in known) else None


def _full(clues: Clues, count: Evidence, limit: int) -> Cause:
    met, exempt = RULE.met(clues), _exempt(clues)
    certainty, against = Certainty.CERTAIN, RULE.other(clues)
    if met is False:
        certainty = Certainty.POSSIBLE
    elif exempt and met is None and not clues.hits(RULE.kind):
        certainty = Certainty.EXCLUDED if clues.named else Certainty.POSSIBLE
    if exempt:
        against += (Evidence(f"{exempt} has CAP_SYS_ADMIN, which exempts it", f"/proc/{exempt.pid}/status"),)
    evidence = (count, *kernel_lines.fresh(clues, *_WORDS), *RULE.words(clues))
    if certainty is Certainty.EXCLUDED:
        return RULE.excluded(against, "", evidence)
    return _cause(clues, certainty, limit, evidence, against)


def _by_word(clues: Clues, spoken: tuple[Evidence, ...], against: Evidence | None) -> Cause:
    """ENFILE, or the kernel's line of the last minute, with no full table to be observed now."""
    named = next((hit.numbers["limit"] for hit in clues.hits(RULE.kind) if "limit" in hit.numbers), None)
    limit = clues.integer(_KEY) if against else named
    reported = clues.met("ENFILE") or bool(clues.hits(RULE.kind))
    certainty = Certainty.LIKELY if reported and (spoken or not against) else Certainty.POSSIBLE
    return _cause(clues, certainty, limit if spoken or named else None, (*RULE.words(clues), *spoken), against)


def _cause(clues: Clues, certainty: Certainty, limit: int | None, evidence: Seen, against: Seen) -> Cause:
    fullest = max(clues.programs, key=lambda program: program.descriptors, default=None)
    leak = f": {fullest} has the most, {fullest.descriptors:,}" if fullest else ""
    why = "no limit, as systemd has it: it reserves no memory"
    fixes = (
        *fixing.sysctl(clues, why, (_KEY, str(kernel.LONG_MAX))),
        Fix(f"find what keeps so many open{leak}"),
    )
    return RULE.cause(clues, certainty, evidence, at=limit, against=against, words=(), fixes=fixes)
