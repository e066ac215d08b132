"""Ports that others hold, small and odd ranges, ranges of a program's own: predicted against the first failure.

All scenes are of one namespace, one after the other, on loopback, each of 200 ports or fewer. Sockets are closed by
RST, so that none leaves a TIME_WAIT to the next.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence

from hosttune.errors import HostError
from hosttune.facts import pool
from hosttune.facts.flow_pools import gather
from hosttune.host.live import LiveHost
from hosttune.model import Backend, BindMode, Flow, PortPool, Reason
from tests.netns.sandbox import inside
from tests.netns.test_pool_kernel import add_v6, listen, sysctl

A, OTHER, NEAR, FAR = "10.77.0.1", "10.77.0.11", "10.77.0.2", "10.77.0.3"
GOAL, ELSEWHERE = Backend(NEAR, 1883), Backend(FAR, 1884)
SIX = Backend("fd77::2", 1883)
NO_PORT, RANGE = 24, 51  # IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE: linux/in.h
MPTCP = 262
FULL = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
SERVERS: list[socket.socket] = []
Own = tuple[int, int]


class NoProbe(LiveHost):
    """A host whose kernel cannot be asked for a single port."""

    def probe(self, name: str, **args: object) -> object:
        if name == "bound_ports":
            raise HostError(Reason.UNREADABLE, "no IP_LOCAL_PORT_RANGE")
        return super().probe(name, **args)


def one(how: str, source: str, goal: Backend, port: int = 0, own: Own | None = None, proto: int = 0) -> socket.socket:
    """Make a connection; raises OSError. `how`: connect, no-port, bind, plain (explicit), explicit (SO_REUSEADDR)."""
    made = socket.socket(socket.AF_INET6 if ":" in goal.address else socket.AF_INET, socket.SOCK_STREAM, proto)
    try:
        made.settimeout(10)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if own:
            made.setsockopt(socket.IPPROTO_IP, RANGE, struct.pack("=I", own[0] | own[1] << 16))
        if how in ("connect", "no-port"):
            # on loopback routing would pick the backend's own address
            made.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        if how == "explicit":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((source, port))
        made.connect((goal.address, goal.port))
    except OSError:
        made.close()
        raise
    return made


def fill(
    how: str, source: str, goal: Backend, ports: Sequence[int] = (), own: Own | None = None
) -> list[socket.socket]:
    """Connect until the first failure; of ports that a program chooses itself try each."""
    made: list[socket.socket] = []
    for port in ports or range(100_000):
        try:
            made.append(one(how, source, goal, port if ports else 0, own))
        except OSError as error:
            assert error.errno in FULL, error
            if not ports:
                break
    return made


@contextlib.contextmanager
def kept(sockets: list[socket.socket]) -> Iterator[None]:
    try:
        yield
    finally:
        for each in sockets:
            each.close()
        _emptied()


def _emptied() -> None:
    """Take what waits at the servers: a full queue would let the next ones hang."""
    for server in SERVERS:
        server.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                server.accept()[0].close()


def predicted(
    mode: BindMode, source: str, goal: Backend, own: Own | None = None, host: LiveHost | None = None
) -> PortPool:
    (made,), _ = pool.pools(host or LiveHost(), (goal,), (source,), mode, own)
    return made


def holds(
    name: str, mode: BindMode, source: str = A, goal: Backend = GOAL, own: Own | None = None, wide: int = 0
) -> None:
    """Hold what is predicted against the real number: the same, or within a range that is no wider than it may be."""
    told = predicted(mode, source, goal, own)
    ports = range(own[0], own[1] + 1) if own and mode is BindMode.EXPLICIT else ()
    given = own if mode in (BindMode.CONNECT, BindMode.NO_PORT) else None
    with kept(made := fill(mode.value, source, goal, ports, given)):
        real = len(made)
        after = predicted(mode, source, goal, own)
    assert told.free <= real <= told.free_most, (name, told, real)
    assert told.free_most - told.free <= wide, (name, told, real)
    assert told.usable <= told.usable_most and after.free <= wide, (name, after)
    print(f"{name}: {told.free} to {told.free_most}, {real}")


def setting(ends: str, reserved: str = "") -> None:
    sysctl("net/ipv4/ip_local_port_range", ends)
    sysctl("net/ipv4/ip_local_reserved_ports", reserved or "\n")


def scenes() -> None:
    """In the namespace: every holder against the modes that it is in the way of, and not."""
    for address in (A, OTHER, NEAR, FAR):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    for address in ("fd77::1", "fd77::2"):
        add_v6(address)
    setting("40000 40199")
    SERVERS.extend(listen(goal.address, goal.port) for goal in (GOAL, ELSEWHERE))
    SERVERS.append(listen(SIX.address, SIX.port, socket.AF_INET6))
    connects = (BindMode.CONNECT, BindMode.NO_PORT)
    hundred, fifty = range(40000, 40100), range(40000, 40050)
    holders_of = {
        "explicit": lambda: [one("explicit", A, ELSEWHERE, port) for port in hundred],
        "bind": lambda: [one("bind", A, ELSEWHERE) for _ in hundred],
        "bind elsewhere": lambda: [one("bind", OTHER, ELSEWHERE) for _ in hundred],
        "bind here": lambda: [one("bind", OTHER, GOAL) for _ in hundred],
        "bind of IPv6": lambda: [one("bind", "fd77::1", SIX) for _ in hundred],
        "mptcp": lambda: [one("bind", OTHER, ELSEWHERE, proto=MPTCP) for _ in fifty],
    }
    for name, hold in holders_of.items():
        try:
            held = hold()
        except OSError as error:
            assert name == "mptcp", error
            continue
        with kept(held):
            for mode in connects:
                holds(name, mode)
            assert predicted(BindMode.CONNECT, A, GOAL).usable == 200 - len(held)
            if name == "explicit":
                holds(name, BindMode.CONNECT, "fd77::1", SIX)
                measured(A)
    for mode in connects:
        with kept([one("no-port", A, ELSEWHERE) for _ in hundred]):
            holds("connect leaves connect all", mode)
            assert predicted(mode, A, GOAL).usable == predicted(mode, A, GOAL).usable_most == 200
    with kept([one("no-port", OTHER, ELSEWHERE) for _ in hundred]):
        holds("connect elsewhere leaves bind all", BindMode.BIND)
    with kept([one("plain", A, ELSEWHERE, port) for port in fifty]):
        holds("plain against explicit", BindMode.EXPLICIT, own=(40000, 40199), wide=50)
        told = predicted(BindMode.EXPLICIT, A, GOAL, (40000, 40199))
        assert (told.usable, told.usable_most) == (150, 200)
    unasked()
    ranges()
    own_ranges()


def measured(source: str) -> None:
    """Hold that diagnose tells who was bound, when all ports are in use."""
    with kept(fill("connect", source, GOAL)):
        flows = [Flow(source, goal.address, goal.port, 100) for goal in (GOAL, ELSEWHERE)]
        made = gather(LiveHost(), flows)
    of = {each.backend: each for each in made.pools}
    assert (of[GOAL].mode, of[GOAL].usable, of[GOAL].blocked, of[GOAL].free) == (BindMode.CONNECT, 100, 100, 0), of
    assert of[ELSEWHERE].mode is BindMode.BIND, of
    assert "connect() may not use them" in made.basis[A, GOAL]


def unasked() -> None:
    """Where the kernel cannot be asked the ports show it, or both ends are kept."""
    host = NoProbe()
    with kept([one("bind", OTHER, ELSEWHERE) for _ in range(60)]):
        assert predicted(BindMode.CONNECT, A, GOAL, host=host).usable == 140  # all of bind()'s parity
    with kept([one("no-port", OTHER, ELSEWHERE) for _ in range(60)]):
        assert predicted(BindMode.CONNECT, A, GOAL, host=host).usable == 200
    with kept([one("bind", OTHER, ELSEWHERE) for _ in range(5)]):
        told, notes = pool.pools(host, (GOAL,), (A,), BindMode.CONNECT, None)
        assert (told[0].usable, told[0].usable_most) == (195, 200)
        assert any("not known whether bind() owns them: no IP_LOCAL_PORT_RANGE" in note for note in notes)


def ranges() -> None:
    for ends, reserved, wide in (
        ("40000 40000", "", 0),
        ("40000 40001", "", 0),
        ("40000 40002", "", 0),
        ("40001 40003", "40003", 0),
        ("40000 40004", "", 1),
        ("40000 40198", "", 1),
        ("40001 40199", "40001,40199", 0),
        ("40000 40199", "40000-40099,40050-40117", 0),
        ("40000 40199", "40000-40199", 0),
    ):
        setting(ends, reserved)
        for mode in (BindMode.CONNECT, BindMode.BIND):
            holds(f"{ends} without {reserved}", mode, wide=wide)
    setting("40000 40199", ",".join(map(str, range(40000, 40100, 2))))
    told = predicted(BindMode.CONNECT, A, GOAL)
    with kept(made := fill("connect", A, GOAL)):
        ports = [each.getsockname()[1] for each in made]
    first = next(number for number, port in enumerate(ports) if port % 2)
    assert (told.knee, told.usable, first, len(ports)) == (50, 150, 50, 150)


def own_ranges() -> None:
    setting("40000 40199", "40010-40014")
    for own in ((40000, 40049), (40150, 40249), (20000, 20049), (30000, 40020), (30000, 50000), (40000, 40002)):
        for mode in (BindMode.CONNECT, BindMode.NO_PORT):
            holds(f"own range {own}", mode, own=own)
            assert predicted(mode, A, GOAL, own).knee is None
    # port by port: no parity, and so no knee
    with kept(made := fill("connect", A, GOAL, own=(40100, 40199))):
        ports = [each.getsockname()[1] for each in made[:50]]
    assert {port % 2 for port in ports} == {0, 1}


def test_the_first_failure_is_where_it_was_predicted() -> None:
    print(inside("tests.netns.test_held_ports_kernel", "scenes"))
