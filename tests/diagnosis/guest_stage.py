"""Scenes of what is global, one after the other in one virtual machine: each restores what it set.

The machine is slow, so the command line is loaded once: each diagnosis is a process forked from there, which is given
its arguments and prints to a file, as one that a shell starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.diagnosis import made, stage

_THERE = "/opt/hosttune"
_CARRIED = ("tests/diagnosis/*.py", "tests/diagnosis/scenes/*.py")


def scenes(directory: Path) -> dict[str, dict[str, Any]]:
    """Boot a guest in an empty directory and play the scenes; return each diagnosis, or what went wrong as "failed"."""
    from tests.vm.guest import Guest  # it takes pytest, which a guest has not got

    names = stage.names("guest")
    carried = [path for pattern in _CARRIED for path in made.ROOT.glob(pattern) if path.name[:5] != "test_"]
    guest = Guest(directory, {f"{_THERE}/{path.relative_to(made.ROOT)}": path.read_text() for path in carried})
    code = f"from tests.diagnosis import guest_stage; guest_stage.play({', '.join(map(repr, names))})"
    kept = guest.boot(f"cd {_THERE} && python3 -c {json.dumps(code)} 2>&1 | keep played", timeout=300)
    guest.disk.unlink()
    lines = [json.loads(line) for line in kept["played"].splitlines() if line.startswith('{"scene"')]
    found: dict[str, dict[str, Any]] = {line["scene"]: line for line in lines}
    return {name: found.get(name, {"failed": f"not played: {kept['played'][-2000:]}"}) for name in names}


def play(*names: str) -> None:
    """Play scenes here, in the guest, and print a line of JSON for each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))  # as a shell of an operator would be given
    _warm()
    for name in names:
        # the lines and the rules of the scene before are not of this one
        subprocess.run(["dmesg", "-C"], check=True)
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        code, out, said = _forked(partial(stage.play, name, _command))
        answer = {"failed": out + said} if code else json.loads(out.splitlines()[-1])
        print(json.dumps({"scene": name, **answer}), flush=True)


def _command(options: Sequence[str]) -> stage.Answer:
    return _forked(partial(_line, options))


def _line(options: Sequence[str]) -> None:
    from hosttune.cli import main

    main(list(options))


def _warm() -> None:
    """Load all that a diagnosis imports, which it does when it runs."""
    streams = sys.stdout, sys.stderr
    with contextlib.suppress(SystemExit):
        _line(["diagnose"])
    sys.stdout, sys.stderr = streams


def _forked(act: Callable[[], object]) -> stage.Answer:
    """Do something in a forked process; return its exit code, and what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os._exit(_finish(act))
        status = os.waitpid(pid, 0)[1]
        out.seek(0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), out.read().decode(), said.read().decode()


def _finish(act: Callable[[], object]) -> int:
    try:
        act()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
        if not isinstance(end.code, int | None):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
