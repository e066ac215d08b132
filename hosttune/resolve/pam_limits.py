"""What limits.conf and limits.d make of the descriptor limit of a login (limits.conf(5), pam_limits(8)).

The order of decision is that of modules/pam_limits/pam_limits.c in Linux-PAM: ranks of domains first, then the later
line; the differences between releases are the flags of `PamRules`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import Host, is_image
from hosttune.model import Origin, Reason, Unknown
from hosttune.resolve import pam_rules, systemd_limits
from hosttune.resolve.bounds import LARGEST_LIMITS, MOST_FILES, within
from hosttune.resolve.pam_domains import (
    DEFAULT,
    GROUP,
    INFINITY,
    NONE,
    SPACE,
    USER,
    Account,
    account,
    as_bytes,
    exempts,
    number,
    rank,
    strtoull,
)
from hosttune.resolve.pam_rules import PamRules

Limit = int | Unknown

_ITEMS = ("", "nofile", "maxlogins", "maxsyslogins")
_FGETS = 1023  # bytes that fgets() puts into the 1024 of LINE_LENGTH
_FEW = 4  # stdin, stdout, stderr and libpam/pam_audit.c
_SOFT_START = 1024  # FD_SETSIZE, to which Debian cuts what PID 1 has


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """Soft and hard limit in descriptors; None when the session is refused.

    An origin is None where no line decided and the start value holds. `lines` decided, `beaten` lost to them, the last
    one first. `applies` is False where no login service uses pam_limits.
    """

    soft: Limit | None
    hard: Limit | None
    refused: bool
    soft_origin: Origin | None
    hard_origin: Origin | None
    lines: tuple[Origin, ...]
    beaten: tuple[Origin, ...]
    notes: tuple[str, ...]
    applies: bool


@dataclass(frozen=True, slots=True)
class _Line:
    origin: Origin
    domain: str
    type: str
    item: str
    value: str


@dataclass(slots=True)
class _State:
    """What the lines read so far have set; ranks as LIMITS_DEF_*."""

    rank: dict[str, int] = field(default_factory=lambda: {"soft": NONE, "hard": NONE, "logins": NONE})
    value: dict[str, Limit] = field(default_factory=dict)
    origin: dict[str, Origin] = field(default_factory=dict)
    matched: list[Origin] = field(default_factory=list)
    refusal: str = ""
    stop: Origin | None = None


def resolve_login(
    host: Host, user: str, rules: PamRules | None = None, caller: tuple[Limit, Limit] | None = None
) -> LoginLimits:
    """Return what a login of `user` gets; raises HostError(ABSENT) for a user who is not in /etc/passwd.

    `caller` is soft and hard of the process that opens the session; by default those of sshd's unit.
    """
    who = account(host, user)
    rules = rules or pam_rules.choose(host)
    stack = pam_rules.login_stack(host)
    notes = [f"rules of {rules.name}", *stack.notes]
    nr_open = systemd_limits.nr_open(host)
    if is_image(host) and isinstance(nr_open, Unknown):
        # an image has no kernel that would say it: what its files make of it, as for units
        nr_open = systemd_limits.nr_open_at_boot(host)
    if caller is None:
        caller = _caller(host, nr_open)
    if not stack.applies:
        return LoginLimits(*caller, False, None, None, (), (), tuple(notes), False)
    state = _State()
    troubles = _apply_files(host, rules, stack.arguments, who, nr_open, state)
    if troubles:
        notes += troubles
        unknown = Unknown(Reason.UNREADABLE, troubles[0])
        return LoginLimits(unknown, unknown, False, None, None, (), (), tuple(notes), True)
    if state.stop is not None:
        notes.append(f"{state.stop} exempts {user}: no limit is set at all")
        return LoginLimits(*caller, False, None, None, (state.stop,), _but(state.matched), tuple(notes), True)
    if not state.refusal and state.value.get("logins") == 0 and who.uid != 0:
        state.refusal = f"{state.origin['logins']} allows no login"
    if state.refusal:
        return _refuse(state, notes)
    start = caller
    if rules.starts_from_init or "set_all" in stack.arguments:
        start = _init(host, nr_open, rules.root_exempt)
    elif state.rank["soft"] == state.rank["hard"] == NONE:
        return LoginLimits(*caller, False, None, None, (), (), tuple(notes), True)
    return _set(state, start, caller, nr_open, rules, notes)


def _set(
    state: _State,
    start: tuple[Limit, Limit],
    caller: tuple[Limit, Limit],
    nr_open: Limit,
    rules: PamRules,
    notes: list[str],
) -> LoginLimits:
    """Do what the one setrlimit() at the end does: both limits or none."""
    soft, hard = state.value.get("soft", start[0]), state.value.get("hard", start[1])
    origins = {k: state.origin[k] for k in ("soft", "hard") if k in state.origin}
    lines = tuple(dict.fromkeys(origins.values()))
    if isinstance(hard, int) and hard > _most(nr_open):
        # kernel/sys.c, do_prlimit(): a hard limit above fs.nr_open is EPERM, even for root
        by = origins.get("hard", "the start value")
        because = f"{by} asks for a hard limit of {hard}, above fs.nr_open {nr_open}"
        if rules.eperm_refuses:
            state.refusal = because
            return _refuse(state, notes)
        notes.append(f"{because}: the kernel refuses, neither limit is set")
        return LoginLimits(*caller, False, None, None, (), _but(state.matched), tuple(notes), True)
    if isinstance(hard, int) and not isinstance(nr_open, int) and hard > kernel.NR_OPEN:
        notes.append(f"a hard limit of {hard} is refused where fs.nr_open is less")
    if isinstance(soft, int) and isinstance(hard, int):
        soft = min(soft, hard)
    if isinstance(soft, int) and soft < _FEW:
        notes.append(f"a soft limit of {soft} closes the session: libpam finds no descriptor for its audit socket")
    beaten = _but(state.matched, *lines)
    return LoginLimits(soft, hard, False, origins.get("soft"), origins.get("hard"), lines, beaten, tuple(notes), True)


def _refuse(state: _State, notes: list[str]) -> LoginLimits:
    notes.append(f"session refused where pam_limits is required: {state.refusal}")
    lines = tuple(dict.fromkeys(state.origin.values()))
    return LoginLimits(None, None, True, None, None, lines, _but(state.matched, *lines), tuple(notes), True)


def _but(matched: list[Origin], *lines: Origin) -> tuple[Origin, ...]:
    return tuple(o for o in reversed(matched) if o not in lines)


def _most(nr_open: Limit) -> int:
    return nr_open if isinstance(nr_open, int) else INFINITY - 1


def _caller(host: Host, nr_open: Limit) -> tuple[Limit, Limit]:
    for name in ("ssh.service", "sshd.service"):
        unit = systemd_limits.resolve_unit(host, name, nr_open)
        if unit.exists:
            return unit.soft, unit.hard
    return systemd_limits.manager_default(host, nr_open)


def _init(host: Host, nr_open: Limit, cut: bool) -> tuple[Limit, Limit]:
    """Return the limits of PID 1; systemd gives itself fs.nr_open (src/core/main.c, bump_rlimit_nofile)."""
    try:
        soft, hard = limits_of(host.read("/proc/1/limits"))
    except HostError:
        if isinstance(nr_open, int):
            return min(_SOFT_START, nr_open), nr_open
        return _SOFT_START, Unknown(Reason.UNDECIDED, "no line sets it, and the limit of PID 1 is not seen")
    return min(soft, _SOFT_START) if cut else soft, hard


def limits_of(text: str) -> tuple[int, int]:
    """Return soft and hard nofile of a /proc/PID/limits text (proc(5)); raises HostError(MALFORMED)."""
    match = re.search(r"^Max open files +([0-9]{1,20}|unlimited) +([0-9]{1,20}|unlimited) ", text, re.M)
    if not match:
        raise HostError(Reason.MALFORMED, "no line 'Max open files'")
    soft, hard = (INFINITY if v == "unlimited" else int(v) for v in match.groups())
    return soft, hard


def files(host: Host, rules: PamRules, arguments: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the paths in the order in which the module opens them; the first may not exist."""
    for argument in arguments:
        if argument.startswith("conf="):
            return (argument[5:],)
    main = "/etc/security/limits.conf"
    more = {os.path.basename(p): p for p in host.glob("/etc/security/limits.d/*.conf")}
    if rules.vendor:
        if not host.glob(main) and host.glob(f"{rules.vendor}/limits.conf"):
            main = f"{rules.vendor}/limits.conf"
        more = {os.path.basename(p): p for p in host.glob(f"{rules.vendor}/limits.d/*.conf")} | more
    return (main, *(more[name] for name in sorted(more, key=as_bytes)))


def hard_limits(host: Host) -> list[tuple[int, Origin]]:
    """Return every hard limit that a line asks for, whoever's login it is; files that cannot be read count for none."""
    rules = pam_rules.choose(host)
    limits: list[tuple[int, Origin]] = []
    for path, text in within(
        _readable(host, files(host, rules, pam_rules.login_stack(host).arguments)), "limits.d", LARGEST_LIMITS
    ):
        for line in _lines(path, text, rules.old_grammar):
            value = number(line.value, 0) if line.item == "nofile" and line.type in ("hard", "-") else None
            limits += [(value, line.origin)] if isinstance(value, int) else []
    return limits


def _readable(host: Host, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        with contextlib.suppress(HostError):
            yield path, host.read(path)


def _apply_files(
    host: Host, rules: PamRules, arguments: tuple[str, ...], who: Account, nr_open: Limit, state: _State
) -> list[str]:
    """Read all files into `state`; returns sentences on files that would have to be seen to decide."""
    troubles: list[str] = []
    for path, text in within(_texts(host, rules, arguments, state, troubles), "limits.d", LARGEST_LIMITS):
        for line in _lines(path, text, rules.old_grammar):
            _act(line, rules, who, nr_open, state)
            if state.stop is not None:
                return []
    return troubles


def _texts(
    host: Host, rules: PamRules, arguments: tuple[str, ...], state: _State, troubles: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield the files up to one that closes the session, or that would have to be seen: that goes to `troubles`."""
    for path in files(host, rules, arguments):
        try:
            yield path, host.read(path)
        except HostError as error:
            if error.reason is Reason.ABSENT:
                if rules.missing_refuses:
                    state.refusal = f"{path} cannot be opened"
                    return
                continue
            if error.detail.endswith(os.strerror(errno.EISDIR)):
                continue  # fopen() takes a directory, and reading it gives nothing
            troubles.append(f"{path}: {error}")
            return


@lru_cache(maxsize=MOST_FILES)
def _lines(path: str, text: str, old_grammar: bool) -> tuple[_Line, ...]:
    """Return the lines that may decide: those of nofile, of the number of logins, and those that exempt a user."""
    return tuple(line for line in _all_lines(path, text, old_grammar) if line.item in _ITEMS)


def _all_lines(path: str, text: str, old_grammar: bool) -> Iterator[_Line]:
    for at_line, raw in enumerate(as_bytes(text).split("\n"), 1):
        pieces = [raw]
        if old_grammar and len(raw) >= _FGETS:
            pieces = [(raw + "\n")[at : at + _FGETS] for at in range(0, len(raw) + 1, _FGETS)]
        for piece in pieces:
            body = piece.split("\0", 1)[0].lstrip(SPACE).split("#", 1)[0]
            if old_grammar:
                fields = re.findall(f"[^{SPACE}]+", body)[:4]
            else:
                fields = re.split("[ \t]+", body.rstrip(" \t"), maxsplit=3) if body.strip(" \t") else []
            if len(fields) not in (2, 4):
                continue
            domain, kind, item, value = (*fields, "", "")[:4]
            text_of = value.encode("latin-1").decode("utf-8", "surrogateescape")
            yield _Line(Origin(path, at_line, text_of), domain, _lower(kind), _lower(item), _lower(value))


def _lower(text: str) -> str:
    return re.sub("[A-Z]+", lambda match: match[0].lower(), text)


def _act(line: _Line, rules: PamRules, who: Account, nr_open: Limit, state: _State) -> None:
    if not line.item:
        if line.type.startswith("-") and exempts(line.domain, who):
            state.stop = line.origin
        return
    of = rank(line.domain, who, rules.root_exempt)
    if of is None:
        return
    if line.item in ("maxlogins", "maxsyslogins"):
        _act_on_logins(line, of, state)  # of any type
    elif line.item == "nofile" and line.type in ("soft", "hard", "-") and of in (USER, GROUP, DEFAULT):
        value = number(line.value, nr_open if rules.infinity_is_nr_open else INFINITY)
        if value is None:
            return
        state.matched.append(line.origin)
        for kind in ("soft", "hard") if line.type == "-" else (line.type,):
            if state.rank[kind] < of:
                return  # of "-" the soft half comes first, and losing it loses the hard half too
            state.rank[kind], state.value[kind], state.origin[kind] = of, value, line.origin


def _act_on_logins(line: _Line, of: int, state: _State) -> None:
    parsed = (2**64 - 1, False) if line.value in ("-1", "-", "unlimited", "infinity") else strtoull(line.value)
    if parsed is not None and of <= state.rank["logins"]:
        state.rank["logins"], state.value["logins"], state.origin["logins"] = of, parsed[0], line.origin
