"""Write alert rules for Prometheus and a dashboard for Grafana."""

from __future__ import annotations

import os

from hosttune.hooks import prometheus
from hosttune.printable import clean
from hosttune.terminal import flat_files


def run(output: str) -> None:
    """Put both files into a directory, and say what takes them; raises UsageError."""
    flat_files.put("--output", output, prometheus.files(), prometheus.MARK)
    rules, dashboard = (clean(os.path.join(output, name)) for name in prometheus.files())
    print(f"{rules}: name it in rule_files of prometheus.yml, then check config and reload")
    print(f"{dashboard}: import it in Grafana")
