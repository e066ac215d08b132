"""The configurations of cases.toml, written into a directory."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

EVERY: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text())["case"]
NAMES = [case["name"] for case in EVERY]


def write(case: dict[str, Any], directory: Path, tail: str = "") -> Path:
    """Write its files; return the path of the first one, which ends with `tail`."""
    for number, (name, text) in enumerate(case["files"].items()):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((text.replace("@", str(directory)) + (tail if not number else "")).encode())
    return directory / next(iter(case["files"]))
