"""What a person is to read beside the answer: a warning, what is waited for; whoever listens is given sentences."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

Tell = Callable[[str], None]
"""Takes one sentence, of one line."""

_listener: ContextVar[Tell | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def to(tell: Tell | None) -> Iterator[None]:
    """Have what is reported meanwhile go to `tell`, each sentence once; None: to nobody but who listens already."""
    if tell is None:
        yield
        return
    known: set[str] = set()

    def once(sentence: str) -> None:
        if sentence not in known:
            known.add(sentence)
            tell(sentence)

    token = _listener.set(once)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(sentence: str) -> None:
    """Tell whoever listens."""
    listener = _listener.get()
    if listener is not None:
        listener(sentence)
