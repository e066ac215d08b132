"""List the applies of this host, and which are in force."""

from __future__ import annotations

import json

from hosttune.changes import journal
from hosttune.commands import _open
from hosttune.host.live import LiveHost
from hosttune.render._figures import clean

SCHEMA = "hosttune/history/1"


def run(root: str, format: str) -> None:
    """Print a line for each, oldest first."""
    _open.check_format(format)
    records = journal.records(LiveHost(root))
    if format == "json":
        print(json.dumps({"schema": SCHEMA, "applies": [journal.encode(record) for record in records]}, indent=1))
        return
    if not records:
        print("no apply is recorded here")
    for record in records:
        count = len(record.changes)
        print(f"{record.id:>4}  {clean(record.when)}  {record.status:<12}  {count:>3} changes  {clean(record.command)}")
