"""Mistakes that tuning guides repeat: each a small function of the facts, none of them a matter of taste."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hosttune import kernel
from hosttune.model import Finding, Origin, Reading, Severity, Subject, Unknown, Value, Verdict
from hosttune.ports import mask_of, span, text_of


@dataclass(frozen=True, slots=True)
class LintFacts:
    """What the lints look at beside readings.

    `listening`: ports with a TCP listener, as a set of bits. `assignments`: (dotted key, text, origin) of every line
    in the order in which the boot reads them. `keys`: the keys of this kernel among those assigned, None where they
    cannot be told. `logins_raised`: lines of limits.conf(5) files that set nofile. `unit`: of the role's program.
    `raised_file_max`: what starts this system raises fs.file-max to the most there is.
    """

    listening: int = 0
    memory: int | None = None
    page_size: int | None = None
    assignments: tuple[tuple[str, str, Origin], ...] = ()
    keys: frozenset[str] | None = None
    logins_raised: tuple[Origin, ...] = ()
    unit: str = ""
    raised_file_max: bool = False


Readings = Mapping[str, Reading]


def lint(readings: Readings, facts: LintFacts) -> tuple[Finding, ...]:
    """Return one finding for each mistake found."""
    return tuple(finding for check in _CHECKS for finding in check(readings, facts))


def unasked(subject: Subject, carried: int | Unknown | None, wanted: int) -> tuple[Finding, ...]:
    """Return the finding that descriptors end what is carried, of a login or service that no role asks anything of."""
    if not isinstance(carried, int) or carried >= wanted:
        return ()
    kind, _, name = subject.name.partition("/")
    because = f"its descriptors end at {carried:,} of {wanted:,} connections, and no role asks more of {kind} {name}"
    fix = "name what carries the connections: a service with --service, a login with --user, a process with --pid"
    return (_found("nofile-unasked", str(subject), because, fix, Severity.ERROR),)


def _found(name: str, key: str, because: str, fix: str, severity: Severity = Severity.WARNING) -> Finding:
    kind, _, rest = key.partition(":")
    subject = Subject(kind, rest) if rest else Subject("sysctl", key)
    return Finding(f"lint:{name}:{key}", subject, Verdict.FAIL, severity, because, fix=fix)


def _number(text: str) -> int | None:
    """Return a line's plain number; None for anything else, also for other scripts' digits, which int() may refuse."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _now(readings: Readings, key: str) -> Value | None:
    """Return the running value, or the one of the next boot where nothing runs (an image)."""
    reading = readings.get(f"sysctl:{key}")
    if reading is None:
        return None
    for layer in (reading.runtime, reading.boot):
        if not isinstance(layer, Unknown):
            return layer
    return None


def _range(readings: Readings) -> tuple[int, int] | None:
    found = _now(readings, "net.ipv4.ip_local_port_range")
    return (found[0], found[1]) if isinstance(found, tuple) and len(found) == 2 else None


def _range_shape(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    ports = _range(readings)
    if ports and ports[0] % 2 == ports[1] % 2:
        yield _found(
            "range-parity",
            "net.ipv4.ip_local_port_range",
            f"{ports[0]} and {ports[1]} have the same parity: the kernel may miss the last port of the range",
            "let one end be odd and the other even",
        )
    for key, text, origin in facts.assignments:
        words = text.split()
        if key != "net.ipv4.ip_local_port_range" or any(_number(w) is None for w in words):
            continue
        start = _now(readings, "net.ipv4.ip_unprivileged_port_start")
        low_end = start if isinstance(start, int) else kernel.PROT_SOCK
        if len(words) == 2 and (int(words[0]) < low_end or int(words[1]) > 65535 or int(words[0]) > int(words[1])):
            yield _found(
                "range-refused",
                key,
                f"{origin}: the kernel refuses {text}: it must lie within {low_end} and 65535",
                f"write {max(low_end, 1024)} 65535",
                Severity.ERROR,
            )


def _range_over_listeners(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    ports = _range(readings)
    if not ports:
        return
    reserved = mask_of(str(_now(readings, "net.ipv4.ip_local_reserved_ports") or ""))
    open_to_theft = facts.listening & span(*ports) & ~reserved
    if open_to_theft:
        names = text_of(open_to_theft, 6)
        yield _found(
            "range-over-listeners",
            "net.ipv4.ip_local_reserved_ports",
            f"the range {ports[0]} to {ports[1]} holds listening ports that are not reserved: {names}; after a restart "
            "of the service an outgoing connection may have its port",
            f"add {names} to net.ipv4.ip_local_reserved_ports",
        )


def _tcp_mem(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    found, page = _now(readings, "net.ipv4.tcp_mem"), facts.page_size or kernel.LEAST_PAGE
    if isinstance(found, tuple) and len(found) == 3 and facts.memory:
        # the text of a snapshot or file may hold more digits than a float takes: cap before dividing
        pages = min(found[2], 2**64 - 1)
        share = pages * page / facts.memory
        if share > 0.5:
            yield _found(
                "tcp-mem-beyond-ram",
                "net.ipv4.tcp_mem",
                f"{pages:,} pages are {pages * page / 2**30:,.1f} GiB, {share:.0%} of RAM: the OOM killer comes "
                "before TCP pushes back; the unit is pages, not bytes",
                f"keep the last number at or below {facts.memory // 2 // page:,}",
                Severity.ERROR,
            )


def _out_of_order(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for key in ("net.ipv4.tcp_mem", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"):
        found = _now(readings, key)
        if isinstance(found, tuple) and list(found) != sorted(found):
            yield _found("out-of-order", key, f"{' '.join(map(str, found))}: the three must rise", "sort the three")


def _negative(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for reading in readings.values():
        value = reading.runtime
        numbers = value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
        if reading.subject.kind == "sysctl" and any(n < 0 for n in numbers):
            yield _found(
                "negative",
                reading.subject.name,
                f"{value} now: the kernel took a negative number, which is not `no limit`",
                "set a positive value",
                Severity.ERROR,
            )


def _negative_lines(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for key, text, origin in facts.assignments:
        # sizes only: elsewhere, as in kernel.perf_event_paranoid, -1 has a meaning
        if key.startswith(("net.core.", "net.ipv4.tcp_")) and any(_number(w[1:]) for w in text.split() if w[0] == "-"):
            said = f"{origin}: {text.strip()[:60]} is negative: refused or, where the kernel takes it, not `no limit`"
            yield _found("negative-line", key, said, "write a positive value", Severity.ERROR)


def _triples(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    page = facts.page_size or kernel.LEAST_PAGE
    for key, text, origin in facts.assignments:
        if key not in ("net.ipv4.tcp_mem", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"):
            continue
        numbers = [number for word in text.split() if (number := _number(word)) is not None]
        if len(numbers) != 3:
            continue
        if numbers != sorted(numbers):
            yield _found("out-of-order-line", key, f"{origin}: {text.strip()}: the three must rise", "sort the three")
        # where the line is what runs, _tcp_mem has said so already
        said = _now(readings, key) == tuple(numbers)
        if key == "net.ipv4.tcp_mem" and not said and facts.memory and numbers[2] * page > facts.memory // 2:
            yield _found(
                "tcp-mem-in-bytes",
                key,
                f"{origin}: {numbers[2]:,} pages are {numbers[2] * page / 2**30:,.1f} GiB; the unit is not bytes",
                f"keep the last number at or below {facts.memory // 2 // page:,}",
                Severity.ERROR,
            )


def _nofile_unlimited(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for reading in readings.values():
        origin = reading.origin
        if reading.subject.kind != "nofile" or origin is None:
            continue
        if {"infinity", "unlimited"} & set(origin.text.lower().replace(":", " ").replace("=", " ").split()):
            yield _found(
                "nofile-unlimited",
                str(reading.subject),
                f"{origin}: no limit means fs.nr_open; a program that loops over all descriptors at start stalls",
                "write the number that the connections need",
            )


def _nofile_above_nr_open(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    now, at_boot = _now(readings, "fs.nr_open"), readings.get("sysctl:fs.nr_open")
    for reading in readings.values():
        value = reading.boot
        # a login takes its limits today, a service when it starts after a boot
        later = at_boot.boot if at_boot and not reading.subject.name.startswith("login/") else now
        ceiling = later if isinstance(later, int) else now
        if reading.subject.kind != "nofile" or not isinstance(value, tuple) or not isinstance(ceiling, int):
            continue
        if value[1] > ceiling:
            yield _found(
                "nofile-above-nr-open",
                str(reading.subject),
                f"hard limit {value[1]:,} is above fs.nr_open {ceiling:,}: EPERM, logins may fail",
                f"raise fs.nr_open to {value[1]} first",
                Severity.ERROR,
            )


def _logins_only(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    if facts.unit and facts.logins_raised:
        subject = f"nofile:unit/{facts.unit}"
        line = facts.logins_raised[0]
        reading = readings.get(subject)
        limit = reading.boot if reading and isinstance(reading.runtime, Unknown) else reading and reading.runtime
        number = _number(line.text)
        # the line misleads only where the service has less than it promises
        less = isinstance(limit, tuple) and number is not None and limit[0] < number
        yield _found(
            "limits-conf-for-a-service",
            subject,
            f"{line} sets nofile, but {facts.unit} is started by systemd, which never reads it",
            f"set LimitNOFILE= in a drop-in of {facts.unit}",
            Severity.WARNING if less else Severity.INFO,
        )


_SPECIAL: dict[str, tuple[str, str, str]] = {
    "net.ipv4.tcp_tw_recycle": (
        "tw-recycle",
        "broke clients behind NAT and is gone since Linux 4.12",
        "delete the line",
    ),
}


def _lines(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for key, text, origin in facts.assignments:
        number = _number(text)
        if key in _SPECIAL:
            name, why, fix = _SPECIAL[key]
            yield _found(name, key, f"{origin}: {why}", fix)
        elif key.startswith("net.core.tcp_"):
            # every key of TCP is registered below net/ipv4: net/ipv4/sysctl_net_ipv4.c
            right = "net.ipv4." + key.removeprefix("net.core.")
            yield _found("no-such-key", key, f"{origin}: there is no such key; TCP's are in net.ipv4", f"write {right}")
        elif facts.keys is not None and key not in facts.keys and key.startswith(("net.", "fs.", "vm.", "kernel.")):
            near = difflib.get_close_matches(key, facts.keys, 1, 0.8)
            hint = f"did you mean {near[0]}?" if near else "is its module loaded at boot?"
            yield _found("no-such-key", key, f"{origin}: this kernel has no such key now; {hint}", hint, Severity.INFO)
        if key == "fs.file-max" and facts.raised_file_max and number is not None and number < 1_000_000:
            yield _found("file-max-lowered", key, f"{origin}: {number:,} lowers what systemd sets", "delete the line")
        if key == "net.ipv4.tcp_fin_timeout" and number is not None and number < 60:
            yield _found(
                "fin-timeout",
                key,
                f"{origin}: {number} s ends FIN_WAIT2 early; it does not shorten TIME_WAIT, which is 60 s",
                "use tcp_tw_reuse, or more source addresses",
                Severity.INFO,
            )
        if key == "net.ipv4.ip_autobind_reuse" and number:
            yield _found("autobind-reuse", key, f"{origin}: it gives no ports back, it fails at random", "delete it")
        if key in ("net.core.rmem_max", "net.core.wmem_max") and number is not None and number < 65536:
            yield _found("buffer-ceiling", key, f"{origin}: {number:,} bytes for the whole host", "delete the line")


def _set_twice(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    seen: dict[str, tuple[int, Origin]] = {}
    for key, text, origin in facts.assignments:
        number = _number(text)
        if number is None:
            continue
        before = seen.get(key)
        if before and number < before[0]:
            yield _found(
                "set-twice",
                key,
                f"{origin} sets {number:,} and beats {before[1]}, which had {before[0]:,}",
                "delete one of the two lines",
            )
        seen[key] = (number, origin)


_CHECKS: tuple[Callable[[Readings, LintFacts], Iterator[Finding]], ...] = (
    _range_shape,
    _range_over_listeners,
    _tcp_mem,
    _out_of_order,
    _negative,
    _negative_lines,
    _triples,
    _nofile_unlimited,
    _nofile_above_nr_open,
    _logins_only,
    _lines,
    _set_twice,
)
