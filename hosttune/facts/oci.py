"""What an OCI bundle gives its container: sysctls, limits, namespaces (runtime-spec, config.md, config-linux.md)."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.facts.containers import Kept
from hosttune.facts.kinds import nofile
from hosttune.facts.runtime_files import Document, Files, word
from hosttune.host import proc, text
from hosttune.model import Given, GivenSysctl, Origin, Reason, Unknown
from hosttune.printable import clean
from hosttune.resolve.sysctl_value import display, normalise, valid_key
from hosttune.resolve.systemd_limits import nr_open_at_boot, resolve_unit

MOST = 1000
"""Sysctls of one container."""
LONGEST = 4096
"""Characters of the value of one."""
_LIMIT = "RLIMIT_NOFILE"
Descriptors = tuple[tuple[int, int] | Unknown, Origin | None, str]
"""Soft and hard limit, the line that gives them, and what does where no line does."""


def sysctls(document: Document | None, *keys: str) -> tuple[GivenSysctl, ...]:
    """Return the sysctls of a table of a document, whose values are texts."""
    table = document.at(*keys) if document else None
    if document is None or not isinstance(table, dict):
        return ()
    return tuple(
        GivenSysctl(display(normalise(key)), value, document.origin([*keys, key], value))
        for key, value in list(table.items())[:MOST]
        if isinstance(value, str) and len(value) <= LONGEST and clean(value) == value and word(key) and valid_key(key)
    )


def limits(document: Document | None) -> Descriptors | None:
    """Return the limits of process.rlimits, None where it has none of descriptors."""
    rows = document.at("process", "rlimits") if document else None
    if document is None or not isinstance(rows, list):
        return None
    for row in rows[:MOST]:
        if isinstance(row, dict) and row.get("type") == _LIMIT:
            pair = both(row.get("soft"), row.get("hard"))
            return pair, document.origin(["rlimits", _LIMIT], shown(pair)), ""
    return None


def both(soft: object, hard: object) -> tuple[int, int] | Unknown:
    """Return soft and hard limit; Unknown for what the kernel does not take of descriptors (do_prlimit())."""
    if type(soft) is not int or type(hard) is not int or not 0 <= soft <= hard < 1 << 31:
        return Unknown(Reason.MALFORMED, "a limit of descriptors that the kernel refuses")
    return soft, hard


def shown(pair: tuple[int, int] | Unknown) -> str:
    """Return SOFT:HARD, "" where that is not known."""
    return "" if isinstance(pair, Unknown) else f"{pair[0]}:{pair[1]}"


def inherited(files: Files, kept: Kept, units: Iterable[str]) -> Descriptors:
    """Return the limits of the unit that the runtime itself runs in: of the parent of the container's first process.

    Where that is in none, those of the first of some units that this host has.
    """
    host, most = files.host, nr_open_at_boot(files.host)
    stat = proc.stat(text(host, f"/proc/{kept.pid}/stat")) if kept.pid else None
    own = nofile.unit_of(host, stat.parent) if stat and stat.parent > 1 else ""
    for unit in [own] if own else units:
        resolved = resolve_unit(host, unit, most)
        if not resolved.exists:
            continue
        if isinstance(resolved.soft, Unknown) or isinstance(resolved.hard, Unknown):
            return Unknown(Reason.UNDECIDED, f"what {unit} gives, which starts it, is not known"), resolved.origin, ""
        note = f"inherited from {unit}" + ("" if resolved.origin else ", systemd's default")
        return (resolved.soft, resolved.hard), resolved.origin, note
    return Unknown(Reason.UNDECIDED, "it inherits what its runtime was started with, which no unit says"), None, ""


def shared_network(document: Document | None) -> str:
    """Return the path of the network namespace that a container joins; "" where it has its own, or the host's."""
    rows = document.at("linux", "namespaces") if document else None
    for row in rows[:MOST] if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("type") == "network":
            return word(row.get("path"))
    return ""


def made(given: Iterable[GivenSysctl], descriptors: Descriptors, own_files: bool = False) -> Given:
    """Return what a new container gets; of a key that is given twice the first counts."""
    first: dict[str, GivenSysctl] = {}
    for each in given:
        first.setdefault(each.key, each)
    return Given(*descriptors, tuple(first.values()), own_files)
