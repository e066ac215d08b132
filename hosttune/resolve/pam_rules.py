"""Which pam_limits a host runs: releases differ in grammar, root, start values and in what refuses a login."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.resolve import os_release
from hosttune.resolve.bounds import LARGEST, LONGEST_LINE


@dataclass(frozen=True, slots=True)
class PamRules:
    """How one family of pam_limits releases behaves.

    `name` is a sentence for the report. `old_grammar`: fields end at any blank, further fields are ignored, lines of
    more than 1023 bytes fall apart (modules/pam_limits/pam_limits.c up to 1.6). `root_exempt`: `*`, `@group` and `%`
    do not count for uid 0 (a patch of Debian). `starts_from_init`: limits nobody configured come from PID 1, soft
    cut to 1024, and not from the caller. `eperm_refuses`: a limit the kernel refuses closes the session.
    `missing_refuses`: so does a missing or dangling file. `infinity_is_nr_open`: `unlimited` becomes fs.nr_open,
    else RLIM_INFINITY, which the kernel refuses. `vendor` is a second directory, "" for none.
    """

    name: str
    old_grammar: bool
    root_exempt: bool
    starts_from_init: bool
    eperm_refuses: bool
    missing_refuses: bool
    infinity_is_nr_open: bool = True
    vendor: str = ""


DEBIAN_11 = PamRules("pam_limits 1.4 with the patches of Debian 11", True, True, True, False, True, False)
DEBIAN_12 = PamRules("pam_limits 1.5 with the patches of Debian 12", True, True, True, False, True)
DEBIAN_13 = PamRules("pam_limits 1.7 with the patches of Debian 13", False, True, False, False, False)
UPSTREAM_OLD = PamRules("pam_limits before 1.5 without patches", True, False, False, True, True, False)
UPSTREAM_15 = PamRules("pam_limits 1.5 or 1.6 without patches", True, False, False, True, True)
UPSTREAM = PamRules("pam_limits 1.7 without patches", False, False, False, True, False)
SUSE = PamRules("pam_limits 1.7 of SUSE", False, False, False, True, False, vendor="/usr/etc/security")

_CODENAMES = {
    "buster": DEBIAN_11, "bullseye": DEBIAN_11, "bookworm": DEBIAN_12, "trixie": DEBIAN_13,
    "bionic": DEBIAN_11, "focal": DEBIAN_11, "jammy": DEBIAN_11, "noble": DEBIAN_12, "plucky": DEBIAN_12,
}  # fmt: skip

# distribution -> ((highest VERSION_ID, rules), ...); a higher or no VERSION_ID takes the last
_RELEASES: dict[str, tuple[tuple[float, PamRules], ...]] = {
    "debian": ((11, DEBIAN_11), (12, DEBIAN_12), (13, DEBIAN_13)),
    "ubuntu": ((22.04, DEBIAN_11), (25.04, DEBIAN_12), (99, DEBIAN_13)),
    "rhel": ((8.99, UPSTREAM_OLD), (10.99, UPSTREAM_15), (99, UPSTREAM)),
    "centos": ((8.99, UPSTREAM_OLD), (10.99, UPSTREAM_15), (99, UPSTREAM)),
    "amzn": ((2, UPSTREAM_OLD), (2023, UPSTREAM_15)),
    "fedora": ((40, UPSTREAM_15), (999, UPSTREAM)),
    "sles": ((15.99, UPSTREAM_OLD), (99, SUSE)),
    "opensuse-leap": ((15.99, UPSTREAM_OLD), (99, SUSE)),
    "suse": ((999, SUSE),),
    "arch": ((999, UPSTREAM),),
}


def choose(host: Host) -> PamRules:
    """Return the rules that fit /etc/os-release (os-release(5)); those of upstream 1.7 where it names none."""
    release = os_release.read(host)
    for key in ("VERSION_CODENAME", "UBUNTU_CODENAME", "DEBIAN_CODENAME"):
        if release.get(key) in _CODENAMES:
            return _CODENAMES[release[key]]
    own = release.get("ID", "")
    for name in (own, *release.get("ID_LIKE", "").split()):
        releases = _RELEASES.get(name)
        if releases is None:
            continue
        # of Fedora's children only those of RHEL count as RHEL does, and a child of Debian has numbers of its own
        same_numbers = name == own or name in ("rhel", "centos")
        number = re.match(r"[0-9]{1,6}(\.[0-9]{1,6})?", release.get("VERSION_ID", "")) if same_numbers else None
        version = float(number[0]) if number else float("inf")
        return next((rules for most, rules in releases if version <= most), releases[-1][1])
    return UPSTREAM


@dataclass(frozen=True, slots=True)
class Stack:
    """What the PAM files of sshd and login say of pam_limits: `arguments` are those of the first line found."""

    applies: bool
    arguments: tuple[str, ...]
    notes: tuple[str, ...]


def login_stack(host: Host) -> Stack:
    """Look for pam_limits in the session stacks of sshd and login (pam.d(5)).

    A host without any of the two files is taken to use the module, with a note.
    """
    arguments: list[tuple[str, ...]] = []
    notes: list[str] = []
    services = 0
    for service in ("sshd", "login"):
        lines = _session_lines(host, service, 0, [0])
        if lines is None:
            continue
        services += 1
        if lines:
            arguments += lines[:1]
        else:
            notes.append(f"PAM service {service} has no pam_limits: its logins ignore limits.conf")
        if len(lines) > 1:
            notes.append(f"PAM service {service} has pam_limits {len(lines)} times; only the first is looked at")
    if not services:
        return Stack(True, (), ("no PAM service sshd or login here; pam_limits is taken to be in use",))
    if _pam_is_off(host):
        notes.append("sshd_config says UsePAM no: logins by ssh ignore limits.conf")
    return Stack(bool(arguments), arguments[0] if arguments else (), tuple(notes))


def _session_lines(host: Host, service: str, depth: int, count: list[int]) -> list[tuple[str, ...]] | None:
    """Return the arguments of each pam_limits line; None where there is no such service."""
    count[0] += 1
    # files may include each other in circles, or fan out without end
    if depth > 16 or count[0] > 200 or "/" in service:
        return []
    for directory in ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"):
        try:
            text = host.read(f"{directory}/{service}")
            break
        except HostError:
            continue
    else:
        return None
    lines: list[tuple[str, ...]] = []
    for service_too, arguments in _session(text):
        lines += (_session_lines(host, service_too, depth + 1, count) or []) if service_too else [arguments]
    return lines


@lru_cache(maxsize=256)
def _session(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the session lines that count, each as the service that it includes, or "" and pam_limits' arguments."""
    entries: list[tuple[str, tuple[str, ...]]] = []
    for line in text[:LARGEST].replace("\\\n", " ").split("\n"):
        # a bracket that nothing closes takes the rest, and is not looked for again at each one
        words = re.findall(r"\[[^\]]*(?:\]|$)|\S+", line.split("#", 1)[0])
        if len(words) >= 2 and words[0] == "@include":
            entries.append((words[1], ()))
        elif len(words) >= 3 and words[0].lstrip("-").lower() == "session":
            if words[1] in ("include", "substack"):
                entries.append((words[2], ()))
            elif words[2].rsplit("/", 1)[-1] == "pam_limits.so":
                entries.append(("", tuple(words[3:])))
    return tuple(entries)


def _pam_is_off(host: Host) -> bool:
    """The first value counts (sshd_config(5)); upstream's default is no, but every distribution's file says yes."""
    for path in (*host.glob("/etc/ssh/sshd_config.d/*.conf"), "/etc/ssh/sshd_config"):
        try:
            text = host.read(path)
        except HostError:
            continue
        setting = _use_pam(text)
        if setting:
            return setting == "no"
    return False


@lru_cache(maxsize=256)
def _use_pam(text: str) -> str:
    """Return what the first UsePAM before any Match says, in small letters; "" where there is none."""
    for line in text[:LARGEST].split("\n"):
        small = line[:LONGEST_LINE].lower()
        if "match" not in small and "usepam" not in small:
            continue
        words = _words(small)
        if words and words[0] == "match":
            break
        if len(words) == 2 and words[0] == "usepam":
            return words[1]
    return ""


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line.replace("=", " ", 1), comments=True)
    except ValueError:
        return []
