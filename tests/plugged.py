"""A plug-in from outside of the tree: one file in a test's folder, which a package takes for one of its own."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def plugged(package: str, name: str, text: str, directory: Path) -> Iterator[None]:
    """Have a package find a plug-in of this text, as long as the context lasts."""
    (directory / f"{name}.py").write_text(text)
    owner = importlib.import_module(package)
    owner.__path__.append(str(directory))
    try:
        yield
    finally:
        owner.__path__.remove(str(directory))
        sys.modules.pop(f"{package}.{name}", None)
