"""What the answers of two hosts are about: those of one thing together, so that it can be exchanged as one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hosttune.host.recorded import Recorded
from hosttune.resolve.sysctl_value import display

_TABLES = ("reads", "globs", "probes", "links")
_PROC_SYS = "/proc/sys/"
_COUNTS = ("fs/file-nr", "fs/inode-", "fs/dentry-", "net/netfilter/nf_conntrack_count", "kernel/random/", "kernel/pty/")
"""Below /proc/sys, but counts that move, and no settings (proc_sys_fs(5), proc_sys_kernel(5))."""

_NAMES = ("kernel/hostname", "kernel/domainname", "kernel/random/boot_id", "kernel/version")
"""What is another on every host, and limits nothing."""

PROGRAMS = "programs and their limits"
"""The processes, and the files of the units that start them: a process of one host is not one of another."""

_SYSCTL_FILES = re.compile(r"/(?:etc|run|lib|usr/lib|usr/local/lib)/sysctl")
_LOGINS = re.compile(r"/etc/(?:security|pam\.d)(?:/|$)")
_PROBES = {
    "ruleset": "packet filter",
    "translated": "packet filter",
    "addresses": "addresses",
    "carriers": PROGRAMS,
    "programs": PROGRAMS,
}
_MOVING = re.compile(r"/proc/(?:net/|stat$|loadavg$|uptime$|vmstat$|cpuinfo$|self/|sys/kernel/ns_last_pid)")


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that two hosts do not share; `left` and `right` are what each says of it, in short."""

    name: str
    left: str
    right: str

    def of(self, table: str, key: str) -> bool:
        """Say whether a question is about it."""
        return topic_of(table, key) == self.name


def topic_of(table: str, key: str) -> str:
    """Return what a question is about, "" where its answer moves by itself or limits nothing."""
    if table == "probes":
        return _PROBES.get(key.partition(" ")[0], "what is open now")
    if key.startswith(_PROC_SYS):
        rest = key.removeprefix(_PROC_SYS)
        if rest == "kernel/osrelease":
            return "kernel"
        return "" if rest.startswith(_COUNTS + _NAMES) else display(rest)
    if key == "/proc/version":
        return "kernel"
    if key == "/proc/meminfo":
        return "memory"
    if _MOVING.match(key):
        return ""
    return _of_file(key)


def _of_file(path: str) -> str:
    if re.match(r"/proc/(?:\d|\[)", path):
        return PROGRAMS
    if _SYSCTL_FILES.match(path):
        return "files of sysctl"
    if _LOGINS.match(path):
        return "limits of logins"
    if "/systemd/" in path:
        return PROGRAMS
    if path.startswith("/sys/class/net/"):
        return f"interface {path.split('/')[4]}"
    return PROGRAMS if path.startswith("/sys/fs/cgroup") else "other files"


def differing(left: Recorded, right: Recorded) -> list[Topic]:
    """Return what the two say otherwise of, by name; what only one of them was asked is no difference."""
    changed: dict[str, list[tuple[str, Any, Any]]] = {}
    for table in _TABLES:
        ones, others = left.answers(table), right.answers(table)
        for key in sorted({*ones, *others}):
            name = topic_of(table, key)
            if not name or _alike(table, key, ones, others):
                continue
            changed.setdefault(name, []).append((key, ones.get(key), others.get(key)))
    return [Topic(name, *_told(name, rows)) for name, rows in sorted(changed.items())]


def _alike(table: str, key: str, ones: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    one, other = ones.get(key), others.get(key)
    if table in ("reads", "probes") and (one is None or other is None):
        # a file that was met by a pattern is there, and absent on the other; a question that was not asked says nothing
        return not (table == "reads" and key.startswith(("/etc/", "/run/", "/usr/", "/lib/")))
    if key == "/proc/meminfo":
        return _total(one) == _total(other)
    return bool(one == other)


def _total(answer: Any) -> str:
    match = re.search(r"MemTotal:\s+(\d+)", str(answer.get("is", "")) if isinstance(answer, dict) else "")
    return match[1] if match else ""


def _told(name: str, rows: list[tuple[str, Any, Any]]) -> tuple[str, str]:
    """Return what the two say of a thing: a value as it stands, of files which differ."""
    if name == "memory":
        left, right = (_total(answer) for answer in rows[0][1:])
        return f"{left} KiB", f"{right} KiB"
    if name == "kernel":
        row = next((row for row in rows if row[0].endswith("osrelease")), rows[0])
        return _text(row[1]), _text(row[2])
    value = next((row for row in rows if row[0].startswith(_PROC_SYS) and isinstance(row[1] or row[2], dict)), None)
    if value:
        return _text(value[1]), _text(value[2])
    texts = [_texts(rows, side) for side in (1, 2)]
    return texts[0], texts[1]


def _texts(rows: list[tuple[str, Any, Any]], side: int) -> str:
    """Return which of the files that differ one side has, the others by number."""
    there = [row[0] for row in rows if _is_there(row[side]) and "*" not in row[0]]
    if not there:
        return "none"
    more = f" and {len(there) - 1:,} more" if there[1:] else ""
    return f"{there[0].partition(' ')[0]}{more}"


def _is_there(answer: Any) -> bool:
    return bool(answer) and not (isinstance(answer, dict) and "error" in answer)


def _text(answer: Any) -> str:
    if not isinstance(answer, dict):
        return "not recorded"
    return " ".join(str(answer["is"]).split())[:200] if "is" in answer else "not there"


def asked_of(questions: Mapping[str, Mapping[str, Any]]) -> Callable[[str], bool]:
    """Return what says whether a check asks for a thing, by the questions of one that was recorded."""
    names = set(_names(questions))
    return lambda name: name in names


def _names(questions: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for table in _TABLES:
        yield from (topic_of(table, key) for key in questions.get(table, {}))
