"""A private network namespace that dies with its processes: nothing of it has a name, so nothing can be left behind."""

from __future__ import annotations

import errno
import os
from types import TracebackType
from typing import Any

from hosttune import kernel, registry
from hosttune.proofs import kernel_settings
from hosttune.proofs.child import Child, Failed
from hosttune.proofs.scene import Scene


class Arena:
    """A child process in a namespace of its own, which measures; as a context, so that it ends in every case.

    Without root it takes a user namespace too, where the user may do as root does: user_namespaces(7).
    """

    def __init__(self) -> None:
        import pyroute2  # noqa: F401  # 150 ms: once here, not again in each child

        scene = Scene()
        uid, gid = os.geteuid(), os.getegid()

        def handle(question: dict[str, Any]) -> Any:
            if question["do"] == "enter":
                return enter(uid, gid)
            module = registry.load("hosttune.proofs.experiments", question["do"])
            with scene:
                return module.measure(scene, **question["args"])

        self._child = Child(handle)

    def __enter__(self) -> Arena:
        try:
            self._child.ask(20, do="enter")
        except BaseException:
            self._child.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.end()

    def measure(self, experiment: str, seconds: float, **args: Any) -> dict[str, Any]:
        """Return what an experiment measured; raises Late or Failed."""
        answer: dict[str, Any] = self._child.ask(seconds, do=experiment, args=args)
        return answer


def enter(uid: int, gid: int) -> None:
    """Put this process into a new network namespace, with a user namespace where it takes one; raises Failed."""
    try:
        if uid == 0:
            try:
                kernel_settings.unshare(kernel.CLONE_NEWNET)
                return
            except PermissionError:
                pass  # a root without CAP_SYS_ADMIN, as in a container, is a user like any other
        kernel_settings.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNET)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        # a change of credentials may clear it, prctl(2)
        kernel_settings.die_with(os.getppid())
    except OSError as error:
        raise Failed(_why_not(error.errno or 0)) from error


def _why_not(number: int) -> str:
    if number == errno.ENOSPC:
        return "no more namespaces may be made: user.max_net_namespaces, user.max_user_namespaces"
    return (
        "a network namespace takes root with CAP_SYS_ADMIN, or user namespaces for everybody "
        f"(kernel.apparmor_restrict_unprivileged_userns 0, or as the distribution names it): {os.strerror(number)}"
    )
