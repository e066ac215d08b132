"""The words that a timer runs are plain: no quoting of systemd's, and no shell's, makes others of them."""

from __future__ import annotations

import re
import subprocess
import sys

from hosttune.workflows import expire


def test_they_are_plain_words() -> None:
    words = expire.command(7)
    assert words[-1] == "7"
    # a path of this machine may have other characters, the rest may not
    rest = [word for word in words if not word.startswith("PYTHONPATH=") and word != sys.executable]
    assert all(re.fullmatch(r"[A-Za-z0-9_./-]+", word) for word in rest), rest


def test_they_start_it_from_anywhere() -> None:
    done = subprocess.run([*expire.command(7), "x"], cwd="/", env={}, capture_output=True, text=True, check=False)
    assert "invalid literal" in done.stderr  # it was found, and read its words
