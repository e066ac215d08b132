"""Look from inside another network namespace: this thread enters it, so /proc/sys/net and netlink answer for it."""

from __future__ import annotations

import ctypes
import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from hosttune import kernel
from hosttune.errors import HostError, UsageError
from hosttune.host import mounted
from hosttune.host.aside import Aside
from hosttune.host.probes.namespaces import identity
from hosttune.model import Reason

Result = TypeVar("Result")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]*")
"""A name of a network namespace that --netns takes."""

_OWN = "/proc/thread-self/ns/net"
_FIRST_ONLY = "/proc/sys/net/core/netdev_max_backlog"  # registered for the initial one alone, sysctl_net_core.c
_SYS_ADMIN = 21  # linux/capability.h
_INHERITED = (
    # what a new namespace copies from the first one: net/ipv4/tcp_ipv4.c, tcp_sk_init()
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_congestion_control",
)


@dataclass(frozen=True, slots=True)
class Home:
    """The network namespace that this process was in before it entered another.

    `inherited` are the values there that a new namespace starts with, empty where it is not the kernel's first one.
    """

    identity: str
    inherited: tuple[tuple[str, str], ...] = ()
    descriptor: int = -1

    def forget(self) -> None:
        """Let go of it, where a thread that has left it comes to its end."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


def home() -> Home:
    """Return the network namespace that this process is in."""
    return Home(identity(_OWN), _inherited())


def enter(name: str, pid: int | None) -> tuple[Home, tuple[str, ...]]:
    """Enter a namespace by its name, else that of a process; return where from, and what cannot be looked at.

    Raises UsageError.
    """
    if name or pid is None:
        return enter_named(name), ()
    left, unseen = enter_process(pid)
    return left, (unseen,) if unseen else ()


def may_enter() -> bool:
    """Say whether this process has what setns(2) asks for: root that is shut off by a unit or a container has not."""
    try:
        with open("/proc/thread-self/status", encoding="ascii", errors="replace") as file:
            effective = next((line.split()[1] for line in file if line.startswith("CapEff:")), "0")
    except OSError:
        return False
    return bool(int(effective, 16) >> _SYS_ADMIN & 1)


def enter_named(name: str) -> Home:
    """Enter a namespace made by `ip netns add NAME` (ip-netns(8)), and return where from; raises UsageError."""
    return _enter(mounted.at(path_of(name)), f"--netns {name}", "`ip netns list` shows those there are")


def enter_new() -> Home:
    """Enter a network namespace that is made for this thread, as a runtime makes one; it ends with the thread.

    Returns where from; raises UsageError.
    """
    current = home()
    if ctypes.CDLL(None, use_errno=True).unshare(kernel.CLONE_NEWNET):
        raise UsageError(
            f"a network namespace could not be made: {os.strerror(ctypes.get_errno())}; that takes root: use sudo, or "
            "name a container that runs"
        )
    return current


def path_of(name: str) -> str:
    """Return the file of a named namespace; raises UsageError for what is no name."""
    if not NAME.fullmatch(name):
        raise UsageError(f"--netns {name!r}: not a namespace's name; `ip netns list` shows them")
    return f"/run/netns/{name}"


def enter_process(pid: int) -> tuple[Home, str]:
    """Enter the namespace of a process, and return where from, and why its network could not be looked at.

    The latter is "" where it could; raises UsageError.
    """
    if not os.path.isdir(f"/proc/{pid}"):
        raise UsageError(f"--pid {pid}: no such process; `ps -e` shows those that run")
    if not os.access(f"/proc/{pid}/ns/net", os.R_OK):
        return home(), f"the network namespace of process {pid}, which may be another than this one"
    return _enter(f"/proc/{pid}/ns/net", f"--pid {pid}", "is it running, and are you root?"), ""


def looked(inode: int, file: str, look: Callable[[], Result]) -> Result:
    """Return what a look gives from inside the network namespace with an inode, which a file leads to.

    A thread of its own enters it, and ends there. Raises HostError, as the look may.
    """

    def entered() -> Result:
        try:
            _enter_file(file, inode)
        except PermissionError as error:
            raise HostError(Reason.UNREADABLE, "entering it needs root") from error
        except OSError as error:
            gone = error.errno in (errno.ENOENT, errno.ESRCH, errno.ESTALE)
            why = "it is gone" if gone else f"entering it: {os.strerror(error.errno or 0)}"
            raise HostError(Reason.ABSENT if gone else Reason.UNREADABLE, why) from error
        return look()

    with Aside() as thread:
        return thread.call(entered)


def _enter_file(path: str, inode: int) -> None:
    """Put this thread into the network namespace of a file for good; raises OSError.

    ESTALE where the file is not that of the namespace with this inode any more.
    """
    if os.stat(_OWN).st_ino == inode:
        return
    # O_NONBLOCK: what stands there by now may be anything
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        if os.fstat(fd).st_ino != inode:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        _setns(fd)
    finally:
        os.close(fd)


def leave(left: Home) -> None:
    """Go back to where another namespace was entered from; raises OSError."""
    if left.descriptor >= 0:
        try:
            if os.fstat(left.descriptor).st_ino != os.stat(_OWN).st_ino:
                _setns(left.descriptor)
        finally:
            os.close(left.descriptor)


@contextmanager
def within(name: str) -> Iterator[None]:
    """Be inside a named namespace for a while; "" is where this process is anyhow. Raises UsageError."""
    left = enter_named(name) if name else None
    try:
        yield
    finally:
        if left is not None:
            leave(left)


def _enter(path: str, option: str, fix: str) -> Home:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{option}: {os.strerror(error.errno or 0)}; {fix}") from error
    try:
        current = home()
        if identity(fd) == current.identity:
            return current
        left = Home(current.identity, current.inherited, os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC))
        try:
            _setns(fd)
        except OSError as error:
            os.close(left.descriptor)
            raise UsageError(f"{option}: {error.strerror}; entering a namespace takes root") from error
        return left
    finally:
        os.close(fd)


def _setns(fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12
    if libc.setns(fd, kernel.CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _inherited() -> tuple[tuple[str, str], ...]:
    if not os.path.exists(_FIRST_ONLY):
        return ()
    values = []
    for key in _INHERITED:
        try:
            with open(f"/proc/sys/{key.replace('.', '/')}", encoding="ascii") as file:
                values.append((key, " ".join(file.read(4096).split())))
        except (OSError, ValueError):
            continue
    return tuple(values)
