"""Whose files root takes orders from: refused where something is to be written, named in a warning where not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from enum import Enum
from pathlib import Path

from hosttune import printable
from hosttune.errors import RefusedError
from hosttune.host.owners import Doubt
from hosttune.profile import load
from hosttune.workflows import telling

LOCAL = Path("/etc/hosttune/profiles")
_OF_ROOT = "/etc/hosttune"


class _Policy(Enum):
    WARN = "a verb that only reads"
    REFUSE = "a verb that writes what a file asks for"
    PASS_OVER = "a verb that undoes, which no file of others may keep from it"


_policy: ContextVar[_Policy] = ContextVar("policy", default=_Policy.WARN)


@contextlib.contextmanager
def writing(really: bool = True) -> Iterator[None]:
    """Refuse within: this verb writes what a file asks for."""
    with _set(_Policy.REFUSE if really else _policy.get()):
        yield


@contextlib.contextmanager
def undoing() -> Iterator[None]:
    """Do within without a profile that others can write: the one that ships will do, and an undo is not to fail."""
    with _set(_Policy.PASS_OVER):
        yield


@contextlib.contextmanager
def _set(policy: _Policy) -> Iterator[None]:
    token = _policy.set(policy)
    try:
        yield
    finally:
        _policy.reset(token)


def passed_over(doubts: Iterable[Doubt]) -> bool:
    """Say whether files with these doubts are to be done without, which is warned of then."""
    doubted = tuple(doubts)
    passes = bool(doubted) and _policy.get() is _Policy.PASS_OVER
    if passes:
        weigh(doubted)
    return passes


def weigh(doubts: Iterable[Doubt]) -> None:
    """Raise RefusedError for a file that others can write; where nothing is written only warn of it."""
    doubted = list(dict.fromkeys(doubts))
    if not doubted or os.geteuid() != 0:
        return
    why = line(doubted)
    if _policy.get() is _Policy.REFUSE:
        raise RefusedError(why)
    telling.tell(f"warning: {why}")


def line(doubted: list[Doubt]) -> str:
    """Return what others can write, and the command that ends it."""
    seen = {doubt.path: doubt for doubt in doubted}
    named = "; ".join(doubt.sentence for doubt in list(seen.values())[:3])
    more = f"; and {len(seen) - 3} more" if len(seen) > 3 else ""
    through = next((doubt.file for doubt in doubted if doubt.file and doubt.file not in seen), "")
    leads = f" (it leads to {through})" if through else ""
    return f"{named}{more}{leads}: users other than root can change what root does there. {_fix(list(seen.values()))}"


def _of_root(doubt: Doubt) -> bool:
    return Path(doubt.path).is_relative_to(_OF_ROOT)


def _fix(doubted: list[Doubt]) -> str:
    ours = load.shipped()
    if any(Path(doubt.path).is_relative_to(ours) or ours.is_relative_to(doubt.path) for doubt in doubted):
        return "Install hosttune where only root can write, such as /opt/hosttune, or have its owner run it with sudo"
    away = next((doubt for doubt in doubted if doubt.file and doubt.path != doubt.file and not _of_root(doubt)), None)
    if away:
        # a home or a shared directory is not to be taken from its owner
        copy = printable.words(["sudo", "install", "-D", "-m", "0644", away.file, f"{_OF_ROOT}/{Path(away.file).name}"])
        return f"Read it, then keep a copy where only root can write, and name that one: {copy}"
    paths = " ".join(printable.word(doubt.path) for doubt in doubted)
    owned = any(doubt.owned for doubt in doubted)
    # of an access control list chmod takes the write bits too, for they are its mask (acl(5))
    steps = [f"sudo chown root {paths}"] * owned + [f"sudo chmod go-w {paths}"]
    return f"Read it, then: {' && '.join(steps)}"
