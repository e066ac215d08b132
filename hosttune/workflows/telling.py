"""What a person is to read beside the answer: a warning, how far it is; whoever listens is given it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # no noun is imported for what most verbs do not need
    from hosttune.model.progress import Progress, Step

Tell = Callable[[str], None]
"""Takes one sentence, of one line."""

_PAUSE = 0.2
"""Seconds after which a wait looks whether it shall go on."""

_listener: ContextVar[Tell | None] = ContextVar("listener", default=None)
_progress: ContextVar[Progress | None] = ContextVar("progress", default=None)


@contextlib.contextmanager
def to(tell: Tell | None, progress: Progress | None = None) -> Iterator[None]:
    """Have what is reported meanwhile go to `tell`, each sentence once, and each step of the work to `progress`.

    None: to nobody but who listens already.
    """
    known: set[str] = set()

    def once(sentence: str) -> None:
        if tell is not None and sentence not in known:
            known.add(sentence)
            tell(sentence)

    told = _listener.set(once if tell is not None else _listener.get())
    shown = _progress.set(progress if progress is not None else _progress.get())
    try:
        yield
    finally:
        _progress.reset(shown)
        _listener.reset(told)


def tell(sentence: str) -> None:
    """Tell whoever listens."""
    listener = _listener.get()
    if listener is not None:
        listener(sentence)


def step(now: Step | None) -> bool:
    """Tell how far it is, None where nothing is waited for; returns False where what is done so far shall do."""
    progress = _progress.get()
    return progress is None or progress(now)


@contextlib.contextmanager
def during(now: Step) -> Iterator[None]:
    """Tell a step that lasts as long as the block."""
    step(now)
    try:
        yield
    finally:
        step(None)


def wait(until: float, what: str, note: Callable[[], str] = str) -> bool:
    """Wait for a moment of `time.monotonic`; returns False where it was ended before.

    `what` and `note` are those of the step.
    """
    from hosttune.model.progress import Step

    try:
        while (left := until - time.monotonic()) > 0:
            if not step(Step(what, left=left, note=note, ends_early=True)):
                return False
            time.sleep(min(left, _PAUSE))
    finally:
        step(None)
    return True
