"""Whom a line of limits.conf means, with what rank, and what number its value is (limits.conf(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Reason, Unknown

INFINITY = 2**64 - 1  # RLIM_INFINITY, getrlimit(2)

USER, GROUP, ALL_GROUP, ALL, DEFAULT, NONE = 0, 1, 2, 3, 4, 6
"""LIMITS_DEF_* of modules/pam_limits/pam_limits.c: the lower rank wins."""

SPACE = " \t\n\v\f\r"  # isspace() in the C locale


@dataclass(frozen=True, slots=True)
class Account:
    """A user as /etc/passwd and /etc/group have it; names hold one character per byte."""

    name: str
    uid: int
    gid: int
    gids: frozenset[int]
    by_name: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Range:
    """`low:high`, `low:`, or `:exact`; `form` is "mm", "min" or "one"."""

    form: str
    low: int
    high: int

    def holds(self, number: int) -> bool:
        if self.form == "min":
            return number >= self.low
        return self.low <= number <= self.high


def account(host: Host, user: str) -> Account:
    """Look a user up (passwd(5), group(5)); other databases are not asked. Raises HostError."""
    passwd = host.read("/etc/passwd")
    try:
        groups = host.read("/etc/group")
    except HostError:
        groups = ""
    record = _account(passwd, groups, user)
    if record is None:
        raise HostError(Reason.ABSENT, f"user {user} in /etc/passwd")
    return record


@lru_cache(maxsize=16)
def _account(passwd: str, groups: str, user: str) -> Account | None:
    for line in passwd.split("\n"):
        if not user or not line.startswith(f"{user}:"):
            continue
        parts = line.split(":")
        if len(parts) >= 4 and parts[0] == user and _is_number(parts[2]) and _is_number(parts[3]):
            uid, gid = int(parts[2]), int(parts[3])
            break
    else:
        return None
    gids = {gid}
    by_name: dict[str, int] = {}
    for line in groups.split("\n"):
        row = line.split(":")
        if len(row) == 4 and row[0] and _is_number(row[2]):
            by_name.setdefault(as_bytes(row[0]), int(row[2]))
            if user in row[3].split(","):
                gids.add(int(row[2]))
    return Account(as_bytes(user), uid, gid, frozenset(gids), by_name)


def as_bytes(text: str) -> str:
    """Return one character per byte, as C compares and counts them."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    except UnicodeEncodeError:  # lone surrogates that no file can give, but a snapshot can
        return text.encode("utf-8", "surrogatepass").decode("latin-1")


def rank(domain: str, who: Account, root_exempt: bool) -> int | None:
    """Return the rank of a complete line for this user, or None where it does not concern them."""
    span = _range(domain)
    if span is False:
        return None
    if domain == who.name:
        return USER
    # Debian's patch guards @, % and * for root, who then falls through to the ranges of user ids
    guarded = root_exempt and who.uid == 0
    if domain[:1] in ("@", "%") and not guarded:
        return _rank_of_group(domain, span, who)
    if span is None:
        return DEFAULT if domain == "*" and not guarded else None
    return USER if span.holds(who.uid) else None


def _rank_of_group(domain: str, span: _Range | None, who: Account) -> int | None:
    if domain == "%":
        return ALL
    if domain[0] == "%" and span is not None and span.form != "one":
        return None  # "range unsupported for %group matching"
    if not _in_group(domain[1:], span, who):
        return None
    return GROUP if domain[0] == "@" else ALL_GROUP


def exempts(domain: str, who: Account) -> bool:
    """Say whether `domain -` frees this user from all limits; the guard for root does not exist here."""
    span = _range(domain)
    if span is False:
        return False
    if domain == who.name:
        return True
    if domain[:1] == "@":
        return _in_group(domain[1:], span, who)
    return span is not None and span.holds(who.uid)


def _in_group(name: str, span: _Range | None, who: Account) -> bool:
    if span is None:
        return who.by_name.get(name) in who.gids
    if span.form == "one":
        return span.high in who.gids and span.high in who.by_name.values()
    return span.holds(who.gid)  # a range asks for the primary group only


def _range(domain: str) -> _Range | Literal[False] | None:
    """Return the range, None where there is no colon, False where it is no valid one (parse_uid_range)."""
    text = domain[1:] if domain[:1] in ("@", "%") else domain
    left, colon, right = text.partition(":")
    if not colon:
        return None
    low, high = _id(left), _id(right)
    if left == "":
        return _Range("one", high, high) if high is not None else False
    if low is None:
        return False
    if right == "":
        return _Range("min", low, 0)
    return _Range("mm", low, high) if high is not None else False


def _id(text: str) -> int | None:
    """Read as strtoul() into a uid_t, of which the low 32 bits stay."""
    number = strtoull(text, whole=True)
    return None if number is None or number[1] else number[0] & 0xFFFFFFFF


def strtoull(text: str, whole: bool = False) -> tuple[int, bool] | None:
    """Read a leading decimal number as C does: (number, overflowed), None where there is no digit (strtoull(3))."""
    match = re.match(f"[{SPACE}]*([+-]?)0*([0-9]*)", text)
    assert match is not None
    if match[0][-1:] not in "0123456789" or not match[0] or (whole and match.end() != len(text)):
        return None
    digits = match[2] or "0"
    if len(digits) > 20 or int(digits) > INFINITY:
        return INFINITY, True
    number = int(digits)
    return (-number % 2**64 if match[1] == "-" else number), False


def number(text: str, infinity: int | Unknown) -> int | Unknown | None:
    """Return the descriptors that a lower-case value means, None where it is none; `infinity` is what that becomes."""
    if text in ("-1", "-", "unlimited", "infinity"):
        return infinity
    parsed = strtoull(text)
    if parsed is None:
        return None
    return infinity if parsed[0] == INFINITY else parsed[0]


def _is_number(text: str) -> bool:
    return re.fullmatch("[0-9]{1,10}", text) is not None
