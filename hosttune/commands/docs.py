"""Show the pages."""

from __future__ import annotations

from hosttune import docs
from hosttune.terminal import presenting, streams


def run(topic: str) -> None:
    """Print a page, or without a topic a line for each; raises UsageError where there is no such page."""
    if topic:
        streams.put(docs.page(topic, presenting.width(0)))
        return
    known = docs.topics()
    widest = max(map(len, known))
    for name, title in known.items():
        streams.put(f"{name:<{widest}}  {title}\n")
