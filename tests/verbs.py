"""hosttune as it is run, without the start of an interpreter: a fork of one that has imported it already.

A process of its own in every respect: arguments, environment, directory, standard streams, signals, exit status. What
is about that start itself (imports, encodings of the streams, options of Python) starts `python -m hosttune`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO, Any

_PATIENCE = 120


def hosttune(
    *args: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    input: str = "",
    encoding: str | None = "utf-8",
    timeout: float = _PATIENCE,
) -> subprocess.CompletedProcess[Any]:
    """Run a verb to its end and return its exit status and what it printed, as subprocess.run() does.

    Its standard input holds `input`; `encoding` is that of the three streams, None where bytes are to be returned.
    Raises TimeoutError where it does not end.
    """
    words = ["hosttune", *map(str, args)]
    with contextlib.ExitStack() as stack:
        given, out, err = (stack.enter_context(tempfile.NamedTemporaryFile("w+b")) for _ in range(3))
        given.write(input.encode(encoding or "utf-8"))
        given.flush()
        surroundings = dict(os.environ if env is None else env)
        streams = [file.name for file in (given, out, err)]
        given_all = (words, surroundings, str(cwd or Path.cwd()), streams, encoding or "utf-8")
        process = _context().Process(target=_run, args=given_all)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{' '.join(words)} did not end within {timeout:g} s")
        return subprocess.CompletedProcess(words, process.exitcode, _read(out, encoding), _read(err, encoding))


def _read(file: IO[bytes], encoding: str | None) -> str | bytes:
    file.seek(0)
    data = file.read()
    return data if encoding is None else data.decode(encoding)


@cache
def _context() -> ForkServerContext:
    """Return the server of forks, which starts with the first of them and ends with the tests."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.imported"])
    return context


def _run(words: list[str], env: dict[str, str], cwd: str, streams: list[str], encoding: str) -> None:
    """Be hosttune: never returns."""
    code = 1
    try:
        for number, path in enumerate(streams):
            fd = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY)
            os.dup2(fd, number)
            os.close(fd)
        sys.stdin = os.fdopen(0, encoding=encoding, closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding=encoding, errors="backslashreplace", closefd=False)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        sys.argv = words
        code = _main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _main() -> int:
    from hosttune import cli

    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    return 1
