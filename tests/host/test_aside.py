"""A thread that works for its caller: what it returns and raises comes back, what it does to itself does not."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar

import pytest

from hosttune.host.aside import Aside

NAME: ContextVar[str] = ContextVar("NAME", default="nobody")


def test_it_is_one_thread_and_another_than_the_callers() -> None:
    before = threading.active_count()
    with Aside() as thread:
        names = {thread.call(threading.get_ident) for _ in range(3)}
    assert len(names) == 1 and threading.get_ident() not in names
    assert threading.active_count() == before


def test_it_sees_the_callers_context_and_leaves_that_alone() -> None:
    with Aside() as thread:
        token = NAME.set("somebody")
        try:
            assert thread.call(NAME.get) == "somebody"
            thread.call(lambda: NAME.set("another"))
            assert NAME.get() == "somebody"
        finally:
            NAME.reset(token)


def test_what_it_raises_is_raised_and_the_next_call_is_made() -> None:
    with Aside() as thread:
        with pytest.raises(ZeroDivisionError):
            thread.call(lambda: 1 // 0)
        assert thread.call(lambda: 5) == 5


def test_a_caller_that_is_interrupted_does_not_wait() -> None:
    begun, done = threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        done.wait(30)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Aside() as thread:
        # as where Ctrl-C comes while the caller waits for the answer
        threading.Thread(target=thread.call, args=(long,), daemon=True).start()
        begun.wait(10)
        raise KeyboardInterrupt
    assert time.monotonic() - start < 10
    done.set()
