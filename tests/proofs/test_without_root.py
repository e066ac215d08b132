"""A user who is not root proves what root does, in a user namespace, or says what it would take."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from typing import Any

import pytest
from pyroute2 import IPRoute, NetlinkError  # noqa: F401  # the user may not be able to read the files of this library

from hosttune.model import BindMode
from hosttune.proofs import arena
from hosttune.proofs.arena import Arena
from hosttune.proofs.child import Child, Failed
from hosttune.proofs.experiments import ghosts, ports, syn
from hosttune.proofs.proof_setup import examples
from tests import needs

pytestmark = pytest.mark.slow

NOBODY = 65534
PR_SET_DUMPABLE = 4  # prctl(2)
FORECASTS = {
    "ports": ports.forecast(ports.Case(BindMode.BIND, examples(2, 2), 20000, 20199, "20010"), "it", "it"),
    "syn": syn.forecast("it", 64, 4096, 1, 512),
    "ghosts": ghosts.forecast(200, 64, 4096, 1, 512),
}


def _as_nobody(question: dict[str, Any]) -> Any:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        # a process that was root's has its /proc files belong to root, until it runs another program
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    with Arena() as here:
        return here.measure(question["name"], 60, **FORECASTS[question["name"]].args)


@pytest.mark.parametrize("name", FORECASTS)
def test_a_user_proves_it_too(name: str) -> None:
    needs.need("user namespaces")
    child = Child(_as_nobody)
    try:
        assert child.ask(60, name=name)["measured"] == FORECASTS[name].predicted
    finally:
        child.end()


@pytest.mark.parametrize(("number", "says"), [(errno.EPERM, "takes root"), (errno.ENOSPC, "user.max_net_namespaces")])
def test_what_it_would_take_is_said(number: int, says: str) -> None:
    assert says in arena._why_not(number)


def test_a_child_that_fails_says_why_and_one_that_is_slow_is_given_up() -> None:
    def broken(question: dict[str, Any]) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "net.ipv4.tcp_mem")

    child = Child(broken)
    with pytest.raises(Failed, match="Read-only file system: net"):
        child.ask(5)
    child.end()
    slow = Child(lambda _: os.read(os.pipe()[0], 1))
    with pytest.raises(Failed, match="no result within"):
        slow.ask(0.2)
    slow.end()
    gone = Child(lambda _: os._exit(1))
    with pytest.raises(Failed, match="ended before its time"):
        gone.ask(5)
    gone.end()


def test_where_no_namespace_can_be_made_one_reason_is_told_once() -> None:
    """The limit is that of a user namespace made for it, namespaces(7): the host's stays as it is."""
    needs.need("user namespaces")
    command = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$0" -m hosttune prove --only ports,syn --strict'
    done = subprocess.run(
        ["unshare", "-r", "sh", "-c", command, sys.executable], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.count("could not: no more namespaces may be made: user.max_net_namespaces") == 1
    assert "12 could not be proven" in done.stdout
