"""Read a TOML file that somebody wrote by hand: its tables, or one line that says where it is wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from hosttune.errors import HosttuneError, UsageError

LARGEST = 1 << 20


def tables(path: Path, kind: str, wrong: type[HosttuneError]) -> dict[str, Any]:
    """Return the tables of a file of some kind ("profile"), at most 1 MiB of UTF-8.

    Raises UsageError where it cannot be read, `wrong` where it is not TOML: FILE:LINE:COLUMN and what is wrong.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path}: a directory; name a {kind} in TOML")
        if not path.is_file():
            raise UsageError(f"{path}: no such file; name a {kind} in TOML")
        if path.stat().st_size > LARGEST:
            raise wrong(f"{path}: larger than {LARGEST >> 20} MiB, not a {kind}")
        text = path.read_bytes().decode("utf-8")
        return tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a {kind} that you may read") from error
    except UnicodeDecodeError as error:
        raise wrong(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise wrong(_syntax(path, text, str(error))) from error
    except (RecursionError, ValueError) as error:
        raise wrong(f"{path}: cannot be read as TOML: {type(error).__name__}") from error


def _syntax(path: Path, text: str, said: str) -> str:
    where = re.search(r"\(at line (\d+), column (\d+)\)", said)
    # without a place it is the end of the document
    at = f":{where[1]}:{where[2]}" if where else f":{max(len(text.splitlines()), 1)}"
    what = said.partition(" (at ")[0].replace("\n", "\\n")
    return f"{path}{at}: not TOML: {what}"
