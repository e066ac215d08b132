"""Parts of config.json of an OCI bundle, as runc and crun take it (runtime-spec: config.md, config-linux.md)."""

from __future__ import annotations

import json
from typing import Any

from hosttune.model import Shortfall

COMMENT = ""


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return both parts as one document."""
    made: dict[str, Any] = {}
    if lacks.nofile:
        soft, hard = lacks.nofile
        made["process"] = {"rlimits": [{"type": "RLIMIT_NOFILE", "hard": hard, "soft": soft}]}
    if lacks.sysctls:
        made["linux"] = {"sysctl": dict(lacks.sysctls)}
    return json.dumps(made, indent=2).split("\n") if made else []


def head(lacks: Shortfall, name: str) -> list[str]:
    """Return where it goes."""
    return ["merged into config.json of the bundle, in place of the RLIMIT_NOFILE and the keys that it has"]
