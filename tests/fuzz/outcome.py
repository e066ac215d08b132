"""Run whole verbs in this process, and hold what they do against what is promised of every verb."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hosttune.manual import exits
from tests.fuzz.part import Wrong

LONGEST_LINE = 20_000
_BUG = re.compile(r"this is a bug of hosttune.*?(\w+\.py):\d+: (\w+)", re.S)
# control and format characters, private ones, surrogates, separators of lines (Unicode's Cc, Cf, Co, Cs, Zl, Zp), but
# for the line end and the tabulator of a shell script
_RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\uf8ff\ufeff\ufff9-\ufffb\U000110bd\U000e0001-\U000e007f\U000f0000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb came to: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def past(self) -> bool:
        """Say whether what was given was taken: a plugin of Nagios has exit code 2 for something else."""
        return self.code != 2 or not self.err.startswith("hosttune: ")


def run(args: Sequence[str]) -> Answer:
    """Run `hosttune ARGS` here; raises Wrong where it breaks a promise."""
    answer = _called([str(one) for one in args])
    judge(args, answer)
    return answer


def judge(args: Sequence[str], answer: Answer) -> None:
    """Raise Wrong where an answer breaks what is promised of every verb."""
    verb = args[0] if args else ""
    both = answer.out + answer.err
    if bug := _BUG.search(answer.err):
        raise Wrong(answer.err.strip()[-600:], f"bug {bug[1]} {bug[2]}")
    if "Traceback (most recent call last)" in both:
        raise Wrong(f"a traceback: {both[-300:]}", "traceback")
    if answer.code not in exits.below(verb):
        raise Wrong(f"exit {answer.code}: {answer.err[-200:]!r}", f"{verb} exit {answer.code}")
    if raw := _RAW.search(both):
        around = both[max(raw.start() - 40, 0) : raw.end() + 20]
        where = "standard output" if raw.start() < len(answer.out) else "standard error"
        raise Wrong(f"U+{ord(raw[0]):04X} on {where}: {around!r}", f"{verb} raw character on {where}")
    # of a plugin of Nagios 2 is an answer
    plugin = "nagios" in str(list(args)) and answer.out.startswith("HOSTTUNE")
    if answer.code in (2, 5) and not plugin and not answer.err.startswith("hosttune: "):
        raise Wrong(f"exit {answer.code} without a reason: {answer.err[:200]!r}", f"{verb} no reason")
    if answer.code in (2, 5) and len(answer.err) > LONGEST_LINE:
        raise Wrong(f"a reason of {len(answer.err):,} letters", f"{verb} long reason")


def _called(args: list[str]) -> Answer:
    from hosttune import cli
    from hosttune.terminal import streams as output

    out, err = _sink("out"), _sink("err")
    for sink in (out, err):
        os.ftruncate(sink, 0)
        os.lseek(sink, 0, os.SEEK_SET)
    output._done.clear()
    streams, argv = (sys.stdout, sys.stderr), sys.argv
    kept = os.dup(1), os.dup(2)
    sys.argv = ["hosttune", *args]
    cli.app = _built()
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        cli.main(args)
        code: Any = "main returned"
    except SystemExit as end:
        code = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        sys.stdout, sys.stderr = streams
        sys.argv = argv
        for number, saved in enumerate(kept, 1):
            os.dup2(saved, number)
            os.close(saved)
    if not isinstance(code, int):
        raise Wrong(f"it ended with {code!r}", "no exit code")
    return Answer(code, _text(out), _text(err))


@cache
def _built() -> Any:
    """Return the command line as typer makes it of the signatures: once, for that takes longer than most verbs."""
    import typer

    from hosttune.cli.application import app

    return typer.main.get_command(app)


@cache
def _sink(name: str) -> int:
    return os.memfd_create(f"fuzz-{name}")


def _text(sink: int) -> str:
    return os.pread(sink, os.fstat(sink).st_size, 0).decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def folder(files: Mapping[str, str]) -> Iterator[str]:
    """Make a directory with some files, in memory where there is such a place; a value "-> X" is a link to X."""
    within = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    root = tempfile.mkdtemp(prefix="hosttune-fuzz-", dir=within)
    try:
        for name, text in files.items():
            put(Path(root), name, text)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def put(root: Path, name: str, text: str) -> None:
    """Write one file below a directory; what no file system takes as a name is left out."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    path = root.joinpath(*parts)
    with contextlib.suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            if name.startswith("/var/lib/hosttune/"):
                path.chmod(0o600)
