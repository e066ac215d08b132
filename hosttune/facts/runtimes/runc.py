"""runc alone, without an engine above it: state.json of each container, and the bundle that it was made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hosttune.facts import oci
from hosttune.facts.containers import Kept
from hosttune.facts.runtime_files import Files, below, process, word
from hosttune.model import Container, Given, Reason, Unknown

NAME = "runc"
_STATE = "/run/runc"
_LABELS = 1000


def listed(files: Files, id: str) -> Iterator[Kept]:
    """Yield the containers that there are; of one that has ended the process is gone."""
    for path in files.glob(f"{_STATE}/{id or '*'}/state.json"):
        state = files.json(path)
        name = word(state.at("id")) if state else ""
        if state and re.fullmatch(r"[A-Za-z0-9_+.-]{1,128}", name):
            started = state.at("init_process_start")
            yield Kept(
                runtime=NAME,
                id=name,
                pid=process(state.at("init_process_pid")),
                container=Container(name=name),
                made_from=_bundle(state.tables),
                started=str(started) if type(started) is int and started > 0 else "",
            )


def _bundle(state: Mapping[str, Any]) -> str:
    """Return the config.json of the directory that runc was started in, or was given (libcontainer's labels)."""
    labels = below(state, "config", "labels")
    words = [label for label in labels[:_LABELS] if isinstance(label, str)] if isinstance(labels, list) else []
    place = next((label.removeprefix("bundle=") for label in words if label.startswith("bundle=/")), "")
    return f"{place.rstrip('/')}/config.json" if place and "\0" not in place else ""


def given(files: Files, kept: Kept) -> Given | Unknown:
    """Return what the bundle gives as it is now, which is what the next one is made from."""
    own = files.json(kept.made_from) if kept.made_from else None
    if own is None:
        return Unknown(Reason.UNREADABLE, f"{kept.made_from or 'the bundle'}, which says what it gets")
    return oci.made(oci.sysctls(own, "linux", "sysctl"), oci.limits(own) or oci.inherited(files, kept, ()))
