"""Alert rules for Prometheus and a dashboard for Grafana, on the metrics of `check` and `watch`."""

from __future__ import annotations

from importlib.resources import files as resources

MARK = "hosttune"
"""What a file has in it that may be replaced."""

_NAMES = ("hosttune.rules.yml", "hosttune-dashboard.json")


def files() -> dict[str, str]:
    """Return both files by name."""
    folder = resources("hosttune.hooks") / "_prometheus"
    return {name: (folder / name).read_text(encoding="utf-8") for name in _NAMES}
