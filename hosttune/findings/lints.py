"""Mistakes that tuning guides repeat: each a small function of the facts, none of them a matter of taste."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hosttune import kernel
from hosttune.findings import line_lints, too_many
from hosttune.findings.lint_facts import LintFacts, Readings, finding_of, in_force, number
from hosttune.model import Finding, Severity, Subject, Unknown
from hosttune.ports import mask_of, span, text_of


def lint(readings: Readings, facts: LintFacts) -> tuple[Finding, ...]:
    """Return one finding for each mistake found."""
    return tuple(finding for check in _CHECKS for finding in check(readings, facts))


def unasked(subject: Subject, carried: int | Unknown | None, wanted: int) -> tuple[Finding, ...]:
    """Return the finding that descriptors end what is carried, of a login or service that no role asks anything of."""
    if not isinstance(carried, int) or carried >= wanted:
        return ()
    kind, _, name = subject.name.partition("/")
    because = f"its descriptors end at {carried:,} of {wanted:,} connections, and no role asks more of {kind} {name}"
    fix = "say which program handles the connections: --service, --user or --pid"
    return (finding_of("nofile-unasked", str(subject), because, fix, Severity.ERROR),)


def _range(readings: Readings) -> tuple[int, int] | None:
    value = in_force(readings, "net.ipv4.ip_local_port_range")
    return (value[0], value[1]) if isinstance(value, tuple) and len(value) == 2 else None


def _range_shape(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    ports = _range(readings)
    if ports and ports[0] % 2 == ports[1] % 2:
        yield finding_of(
            "range-parity",
            "net.ipv4.ip_local_port_range",
            f"{ports[0]} and {ports[1]} have the same parity: the kernel may miss the last port of the range",
            "let one end be odd and the other even",
        )
    for key, text, origin in facts.assignments:
        words = text.split()
        if key != "net.ipv4.ip_local_port_range" or any(number(w) is None for w in words):
            continue
        start = in_force(readings, "net.ipv4.ip_unprivileged_port_start")
        low_end = start if isinstance(start, int) else kernel.PROT_SOCK
        if len(words) == 2 and (int(words[0]) < low_end or int(words[1]) > 65535 or int(words[0]) > int(words[1])):
            yield finding_of(
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
    reserved = mask_of(str(in_force(readings, "net.ipv4.ip_local_reserved_ports") or ""))
    open_to_theft = facts.listening & span(*ports) & ~reserved
    if open_to_theft:
        names = text_of(open_to_theft, 6)
        yield finding_of(
            "range-over-listeners",
            "net.ipv4.ip_local_reserved_ports",
            f"the range {ports[0]} to {ports[1]} holds listening ports that are not reserved: {names}; after a restart "
            "of the service an outgoing connection may have its port",
            f"add {names} to net.ipv4.ip_local_reserved_ports",
        )


def _tcp_mem(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    limits, page = in_force(readings, "net.ipv4.tcp_mem"), facts.page_size or kernel.LEAST_PAGE
    if isinstance(limits, tuple) and len(limits) == 3 and facts.memory:
        # the text of a snapshot or file may hold more digits than a float takes: cap before dividing
        pages = min(limits[2], 2**64 - 1)
        share = pages * page / facts.memory
        if share > 0.5:
            yield finding_of(
                "tcp-mem-beyond-ram",
                "net.ipv4.tcp_mem",
                f"{pages:,} pages are {pages * page / 2**30:,.1f} GiB, {share:.0%} of RAM: the OOM killer comes "
                "before TCP pushes back; the unit is pages, not bytes",
                f"keep the last number at or below {facts.memory // 2 // page:,}",
                Severity.ERROR,
            )


def _out_of_order(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for key in ("net.ipv4.tcp_mem", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"):
        limits = in_force(readings, key)
        if isinstance(limits, tuple) and list(limits) != sorted(limits):
            yield finding_of(
                "out-of-order", key, f"{' '.join(map(str, limits))}: the three must rise", "sort the three"
            )


def _negative(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for reading in readings.values():
        value = reading.runtime
        numbers = value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
        if reading.subject.kind == "sysctl" and any(n < 0 for n in numbers):
            yield finding_of(
                "negative",
                reading.subject.name,
                f"{value} now: the kernel took a negative number, which is not `no limit`",
                "set a positive value",
                Severity.ERROR,
            )


def _nofile_unlimited(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for reading in readings.values():
        origin = reading.origin
        if reading.subject.kind != "nofile" or origin is None:
            continue
        if _is_unlimited(origin.text):
            yield finding_of(
                "nofile-unlimited",
                str(reading.subject),
                f"{origin}: no limit means fs.nr_open; a program that loops over all descriptors at start stalls",
                "write the number that the connections need",
            )


def _nofile_too_high(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for reading in readings.values():
        value, written = reading.runtime, reading.origin is not None and _is_unlimited(reading.origin.text)
        if reading.subject.kind != "nofile" or not isinstance(value, tuple) or written:
            continue
        if too_many.is_too_high(value[0]):
            yield finding_of(
                "nofile-too-high",
                str(reading.subject),
                f"soft limit {value[0]:,}: a program that closes every descriptor at its start takes "
                f"{too_many.seconds(value[0]):,} s at least",
                "give it the number that the connections need",
            )


def _is_unlimited(text: str) -> bool:
    return bool({"infinity", "unlimited"} & set(text.lower().replace(":", " ").replace("=", " ").split()))


def _nofile_above_nr_open(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    now, at_boot = in_force(readings, "fs.nr_open"), readings.get("sysctl:fs.nr_open")
    for reading in readings.values():
        value = reading.boot
        # a login takes its limits today, a service when it starts after a boot
        later = at_boot.boot if at_boot and not reading.subject.name.startswith("login/") else now
        ceiling = later if isinstance(later, int) else now
        if reading.subject.kind != "nofile" or not isinstance(value, tuple) or not isinstance(ceiling, int):
            continue
        if value[1] > ceiling:
            yield finding_of(
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
        promised = number(line.text)
        # the line misleads only where the service has less than it promises
        less = isinstance(limit, tuple) and promised is not None and limit[0] < promised
        yield finding_of(
            "limits-conf-for-a-service",
            subject,
            f"{line} sets nofile, but {facts.unit} is started by systemd, which never reads it",
            f"set LimitNOFILE= in a drop-in of {facts.unit}",
            Severity.WARNING if less else Severity.INFO,
        )


_CHECKS: tuple[Callable[[Readings, LintFacts], Iterator[Finding]], ...] = (
    _range_shape,
    _range_over_listeners,
    _tcp_mem,
    _out_of_order,
    _negative,
    *line_lints.SIZES,
    _nofile_unlimited,
    _nofile_too_high,
    _nofile_above_nr_open,
    _logins_only,
    *line_lints.REST,
)
