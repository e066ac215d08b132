"""Run inputs in a process of its own, under limits, so that whatever one of them does is seen and ends there."""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.fuzz.part import Given, Part, Wrong

SECONDS = 5.0
"""Of CPU that an input may take: what else runs on the machine does not count."""
PATIENCE = 60.0
"""Seconds without an end after which the process is killed: it waits for something."""
MEMORY = 500 << 20
"""Bytes that an input may take beyond what the process has before the first."""


MAKING = "making it:"
"""How the place of a failure begins that came before there was an input."""


class TooLong(BaseException):
    """An input took more than SECONDS."""


@dataclass(slots=True)
class Failed:
    """An input that broke a promise: `where` is the same for failures that are likely one."""

    part: str
    number: int
    where: str
    text: str


@dataclass(slots=True)
class Tally:
    """What a chunk of inputs came to; `slowest` in seconds, `largest` in bytes beyond what was there before."""

    done: int = 0
    past: int = 0
    slowest: float = 0.0
    largest: int = 0
    failed: list[Failed] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.done += other.done
        self.past += other.past
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)
        self.failed += other.failed


def attempt(part: Part, given: Given) -> tuple[bool, tuple[str, str] | None]:
    """Run one input; return whether it got past the schema, and where and what went wrong, if anything did."""
    for cache in _caches(len(sys.modules)):
        cache.cache_clear()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return part.run(given), None
    except Wrong as wrong:
        return False, (wrong.where, str(wrong))
    except TooLong:
        return False, ("too long", f"more than {SECONDS:g} s of CPU")
    except Exception as error:
        return False, (_place(error), f"{type(error).__name__}: {error}"[:600])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@lru_cache(1)
def _caches(modules: int) -> list[Any]:
    """Return what hosttune remembers for the length of a run, and each input is a run of its own."""
    own = [module for name, module in list(sys.modules.items()) if name.startswith("hosttune")]
    found = {id(one): one for module in own for one in vars(module).values() if hasattr(one, "cache_clear")}
    return list(found.values())


def _place(error: Exception) -> str:
    """Return the last function of hosttune that an error went through, so that one fault has one name."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f for f in frames if f"{os.sep}hosttune{os.sep}" in f.filename and f"{os.sep}tests{os.sep}" not in f.filename
    ]
    last = (own or list(frames))[-1]
    return f"{type(error).__name__} in {os.path.basename(last.filename)}:{last.name}"


def limit() -> None:
    """Bound this process for all that it does from now on."""

    def over(number: int, frame: object) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, over)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # a verb that looks at standard input finds an end there
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class Worker:
    """A process that is at work on some inputs of a part, from `first` on; it stops at `deadline`."""

    def __init__(self, part: Part, seed: str, first: int, count: int, deadline: float) -> None:
        self.part, self.seed, self.first, self.count = part, seed, first, count
        # number of the input it is at, and when that began: what is read when it has been killed
        self._at = mmap.mmap(-1, 16)
        self._note(first)
        self.pipe, writing = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            self._work(writing, deadline, parent)
        os.close(writing)

    def _note(self, number: int) -> None:
        self._at[:] = struct.pack("=qd", number, time.monotonic())

    def _work(self, writing: int, deadline: float, parent: int) -> None:
        code = 1
        try:
            os.close(self.pipe)
            limit()
            tally = Tally()
            before = _peak()
            for number in range(self.first, self.first + self.count):
                if time.monotonic() > deadline or os.getppid() != parent:
                    break
                self._note(number)
                tally.done += 1
                try:
                    given = self.part.input(self.seed, number)
                except Exception as error:
                    # what makes inputs runs verbs too, for samples
                    tally.failed.append(Failed(self.part.name, number, f"{MAKING} {_place(error)}", str(error)))
                    continue
                start = time.process_time()
                past, wrong = attempt(self.part, given)
                tally.slowest = max(tally.slowest, time.process_time() - start)
                tally.past += past
                if wrong:
                    tally.failed.append(Failed(self.part.name, number, *wrong))
            tally.largest = max(_peak() - before, 0)
            data = json.dumps(asdict(tally)).encode()
            while data:
                data = data[os.write(writing, data) :]
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def stuck(self) -> bool:
        """Say whether it has been at one input for too long."""
        return time.monotonic() - struct.unpack("=qd", self._at[:])[1] > PATIENCE

    def kill(self) -> None:
        """End it, whatever it does."""
        os.kill(self.pid, signal.SIGKILL)

    def result(self) -> Tally:
        """Return what it came to, once its pipe has an end; what it died of is a failure of the input it was at."""
        data = b""
        while block := os.read(self.pipe, 1 << 16):
            data += block
        os.close(self.pipe)
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if not code and data:
            told: dict[str, Any] = json.loads(data)
            return Tally(**{**told, "failed": [Failed(**one) for one in told["failed"]]})
        number = struct.unpack("=qd", self._at[:])[0]
        waited = code == -signal.SIGKILL and self.stuck()
        where = "hangs" if waited else f"ends with {code}"
        failed = Failed(self.part.name, number, where, f"the process {where}")
        return Tally(done=number - self.first + 1, failed=[failed])


def apart(call: Callable[[], Any], seconds: float) -> Any:
    """Return what a call comes to in a process with the same limits, None where that ends otherwise."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(reading)
            limit()
            signal.alarm(int(seconds) + 1)
            with os.fdopen(writing, "w") as file:
                json.dump(call(), file)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    try:
        return json.loads(text)
    except ValueError:
        return None
