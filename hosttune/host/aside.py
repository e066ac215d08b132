"""A thread that works for its caller and may be in another network namespace, which setns(2) changes for it alone."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

Result = TypeVar("Result")


class Aside:
    """A thread that carries out one call after another until the block ends, and ends with it.

    Whatever it does to itself, the thread that calls stays where it is. Where a call is interrupted, nobody waits for
    what it still does: it must only look.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        # a daemon: a look that waits for an answer keeps no process from its end
        self._thread = threading.Thread(target=self._work, name="hosttune-aside", daemon=True)
        self._thread.start()
        self._last: Future[Any] | None = None

    def call(self, body: Callable[[], Result]) -> Result:
        """Return what `body` returns there, or raise what it raises; it sees the context variables of the caller."""
        done: Future[Result] = Future()
        context = contextvars.copy_context()
        self._last = done
        self._calls.put((lambda: context.run(body), done))
        return done.result()

    def __enter__(self) -> Aside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.put(None)
        if self._last is None or self._last.done():
            self._thread.join()  # it has nothing to do any more

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            body, done = call
            try:
                done.set_result(body())
            except BaseException as error:
                done.set_exception(error)
            del body, done, call
