"""The verbs by purpose, and the options by what they are for."""

from __future__ import annotations

from collections.abc import Iterable

VERBS = {
    "Find out": ("check", "diagnose", "capacity", "watch", "diff"),
    "Fix": ("apply", "confirm", "rollback", "history", "sources"),
    "Prove and plan": ("prove", "plan", "report"),
    "Automate and look up": ("hook", "snapshot", "profile", "explain", "resolve", "docs"),
}
"""The verbs of each group, in the order of the help; one that is named nowhere is of the last."""

PANELS = {
    "Target": (
        *("role", "profile", "connections", "rate", "hold", "bytes-in-flight", "message-size", "throughput", "rtt"),
        *("backend", "backends-from", "source", "bind-mode", "mark", "device", "set", "solve", "headroom"),
        *("defaults", "required", "boot", "planned", "from", "sha256", "no-sha256"),
        *("python", "arch", "libc", "every", "image", "namespace", "exporter", "memory"),
    ),
    "Symptoms": ("errno", "call", "stalled-at", "log"),
    "Where to look": (
        *("service", "user", "unit", "pid", "process-name", "container", "interface", "netns", "all-namespaces"),
        *("root", "snapshot"),
        *("reports", "for", "interval", "once", "budget"),
    ),
    "What to change": (
        *("key", "only", "except", "allow-key", "add-address", "anyip", "runtime-only", "persist-only", "live"),
        *("restart", "reserve-listeners", "force", "node"),
    ),
    "How to proceed": ("dry-run", "yes", "confirm-within", "confirm-if", "reason", "script"),
    "Output": (
        *("format", "json", "output", "verbose", "svg", "markdown", "textfile", "record", "max-size", "sort"),
        *("redact", "emit", "example", "fail-on", "strict", "version", "help", "color"),
    ),
}
"""The options of each panel by their long names, in the order of the help; one that is named nowhere is of the last."""


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the verbs that there are by their groups, each in its order."""
    return _sorted(VERBS, names)


def panels(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the options that there are by their panels, long names without dashes, each in its order."""
    return _sorted(PANELS, names)


def _sorted(table: dict[str, tuple[str, ...]], names: Iterable[str]) -> dict[str, list[str]]:
    left = list(names)
    known = {name for row in table.values() for name in row}
    made = {title: [name for name in row if name in left] for title, row in table.items()}
    made[[*table][-1]] += [name for name in left if name not in known]
    return {title: row for title, row in made.items() if row}
