"""When a line of a log was written at the latest, as its own time stamp tells."""

from __future__ import annotations

import calendar
import re
import time

_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?\s?(Z|UTC|[+-]\d\d:?\d\d)?(?!\d)"
)
_SYSLOG = re.compile(r"(?<!\w)(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)\b")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_WEST = 12 * 3600  # the zone that is furthest behind UTC: a clock there shows a moment that is so much later
_DAY = 86_400
_HEAD = 200  # characters: a stamp stands at the begin of a line


def latest(line: str, by: int | None) -> int | None:
    """Return the seconds since 1970 by which a line was written, no more than `by`; None where neither says.

    A stamp without a zone is of any; one without a year of the last year that is not after `by`, else it says nothing.
    """
    head = line[:_HEAD]
    stamped = _iso(head)
    if stamped is None and by is not None:
        stamped = _syslog(head, by)
    known = [at for at in (stamped, by) if at is not None]
    return min(known, default=None)


def _iso(head: str) -> int | None:
    match = _ISO.search(head)
    if not match:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    zone = match[7]
    at = _seconds(year, month, day, hour, minute, second)
    if at is None or zone is None:
        return None if at is None else at + _WEST
    if zone in ("Z", "UTC"):
        return at
    digits = zone[1:].replace(":", "")
    offset = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return at - offset if zone[0] == "+" else at + offset


def _syslog(head: str, by: int) -> int | None:
    match = _SYSLOG.search(head)
    if not match:
        return None
    month, (day, hour, minute, second) = _MONTHS.index(match[1]) + 1, map(int, match.groups()[1:])
    year = time.gmtime(min(by, 2**35)).tm_year
    known = (_seconds(one, month, day, hour, minute, second) for one in (year, year - 1))
    # a clock that is ahead of UTC may show tomorrow
    return next((at + _WEST for at in known if at is not None and at <= by + _DAY), None)


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    if year < 1970 or not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return None
    return calendar.timegm((year, month, day, hour, minute, second))
