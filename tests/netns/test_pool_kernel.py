"""The pools against the running kernel: counts as `ss` gives them, and free ports to the last connection."""

from __future__ import annotations

import errno
import socket
import subprocess
import time
from collections import Counter

import pytest

from hosttune.facts.pool import pools
from hosttune.host.live import LiveHost
from hosttune.model import Backend, BindMode
from tests.netns.sandbox import inside

SOURCES = ("10.77.0.1", "10.77.0.2", "10.77.0.3")
BACKENDS = (Backend("10.77.0.11", 1883), Backend("10.77.0.12", 1883))
LOW, HIGH = 20000, 21999
NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, linux/in.h
MODES = [mode.value for mode in BindMode]


def sysctl(key: str, value: str) -> None:
    with open(f"/proc/sys/{key}", "w") as file:
        file.write(value)


def listen(address: str, port: int, family: int = socket.AF_INET, v6only: bool = False) -> socket.socket:
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    server.bind((address, port))
    server.listen(4096)
    return server


def connect(mode: BindMode, source: str, backend: Backend, port: int = 0) -> socket.socket:
    """Make one connection in the way of the mode; raises OSError where there is no port."""
    client = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
    try:
        if mode in (BindMode.NO_PORT, BindMode.CONNECT):
            # connect() alone takes what routing picks; with NO_PORT the source can be chosen and the search is the same
            client.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        if mode is BindMode.EXPLICIT:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((source, port))
        client.connect((backend.address, backend.port))
    except OSError:
        client.close()
        raise
    return client


def fill(mode: BindMode, source: str, backend: Backend) -> int:
    """Return how many more connections can really be made, to the last one."""
    made = []
    ports = iter(range(LOW, HIGH + 1))
    while True:
        try:
            made.append(connect(mode, source, backend, next(ports) if mode is BindMode.EXPLICIT else 0))
        except StopIteration:
            break
        except OSError as error:
            assert error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL), error
            if mode is not BindMode.EXPLICIT:
                break
    for client in made:
        client.close()
    return len(made)


def drain(servers: list[socket.socket], keep: list[socket.socket]) -> None:
    for server in servers:
        server.setblocking(False)
        while True:
            try:
                keep.append(server.accept()[0])
            except BlockingIOError:
                break


def scene(mode: BindMode) -> list[socket.socket]:
    """Make thousands of sockets in every state; returns those to keep open."""
    for address in (*SOURCES, *(b.address for b in BACKENDS)):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    sysctl("net/ipv4/ip_local_port_range", f"{LOW} {HIGH}")
    sysctl("net/ipv4/ip_local_reserved_ports", "20100-20149,21000")
    sysctl("net/ipv4/tcp_tw_reuse", "0")
    servers = [listen(b.address, b.port) for b in BACKENDS]
    keep: list[socket.socket] = list(servers)
    keep += [listen("0.0.0.0", 20200), listen("10.77.0.2", 20201), listen("::", 20202, socket.AF_INET6)]
    keep += [listen("::", 20204, socket.AF_INET6, v6only=True)]
    bound = socket.socket()
    bound.bind(("10.77.0.3", 20203))
    keep.append(bound)
    explicit = mode is BindMode.EXPLICIT
    port = LOW + 500
    for source in SOURCES[:2]:
        for backend in BACKENDS:
            for _ in range(300):
                keep.append(connect(mode if explicit else BindMode.NO_PORT, source, backend, port if explicit else 0))
                port += 1 if explicit else 0
            closing = []
            for _ in range(80):
                closing.append(
                    connect(mode if explicit else BindMode.NO_PORT, source, backend, port if explicit else 0)
                )
                port += 1 if explicit else 0
            drain(servers, keep)
            leave(closing, keep)
    time.sleep(0.2)
    return keep


def leave(closing: list[socket.socket], keep: list[socket.socket]) -> None:
    """Close the clients; the server closes half of them too (TIME_WAIT), the rest stay in FIN_WAIT2."""
    ends = {end.getpeername(): end for end in keep if _connected(end)}
    for number, client in enumerate(closing):
        end = ends[client.getsockname()]
        client.close()
        if number % 2:
            end.close()
            keep.remove(end)


def _connected(one: socket.socket) -> bool:
    try:
        return bool(one.getpeername())
    except OSError:
        return False


def count(mode_text: str) -> None:
    """In the namespace: counts equal those of ss, and free equals what can be made."""
    mode = BindMode(mode_text)
    keep = scene(mode)
    found, _ = pools(LiveHost(), BACKENDS, SOURCES, mode, (LOW, HIGH) if mode is BindMode.EXPLICIT else None)
    assert len(found) == 6
    listed = subprocess.run(["ss", "-tnaH"], capture_output=True, text=True, check=True).stdout
    counted: Counter[tuple[str, str, str]] = Counter()
    for line in listed.splitlines():
        state, _, _, local, peer = line.split()[:5]
        name = {"ESTAB": "established", "TIME-WAIT": "time_wait"}.get(state, "other")
        counted[(local.rpartition(":")[0], peer, name)] += 1
    for pool in found:
        for name in ("established", "time_wait", "other"):
            assert getattr(pool, name) == counted[(pool.source, str(pool.backend), name)], (pool, name)
    assert sum(pool.used for pool in found) > 1000
    for pool in (found[0], found[4], found[2]):
        expected = pool.free
        made = fill(mode, pool.source, pool.backend)
        if mode is BindMode.EXPLICIT and pool.source == SOURCES[2]:
            # somebody's bound socket is in the way, or not, by its SO_REUSEADDR, which the kernel does not show
            assert (made, pool.free_most - pool.free) == (pool.free, 1), (pool, made)
        else:
            assert made == expected, (pool, made)
    assert keep


@pytest.mark.parametrize("mode", MODES)
def test_counts_equal_ss_and_free_is_exact(mode: str) -> None:
    inside("tests.netns.test_pool_kernel", "count", mode)


def add_v6(address: str) -> None:
    """Give lo an address, and wait until it is this namespace's own.

    The kernel adds the local route from a queue of work (addrconf_dad_work, net/ipv6/addrconf.c), the route of the
    prefix at once. Between the two a connect() is sent, answered with "no route", and fails a second later.
    """
    subprocess.run(["ip", "address", "add", f"{address}/128", "dev", "lo", "nodad"], check=True)
    local = ["ip", "-6", "route", "show", "table", "local", address]
    until = time.monotonic() + 60
    while not subprocess.run(local, stdout=subprocess.PIPE, check=True).stdout:
        assert time.monotonic() < until, f"{address} has no local route"
        time.sleep(0.01)


def count_v6(mode_text: str) -> None:
    """In the namespace: the same over IPv6, with a v4 listener, a v6-only one and a bound socket in the range."""
    mode = BindMode(mode_text)
    for address in ("fd77::1", "fd77::11"):
        add_v6(address)
    sysctl("net/ipv4/ip_local_port_range", f"{LOW} {HIGH}")
    backend = Backend("fd77::11", 1883)
    servers = [listen(backend.address, backend.port, socket.AF_INET6)]
    held = [listen("0.0.0.0", 20200), listen("::", 20201, socket.AF_INET6, v6only=True)]
    keep = [connect(mode, "fd77::1", backend, LOW + 500 + n if mode is BindMode.EXPLICIT else 0) for n in range(300)]
    span = (LOW, HIGH) if mode is BindMode.EXPLICIT else None
    ((pool,), _) = pools(LiveHost(), (backend,), ("fd77::1",), mode, span)
    assert (pool.established, pool.time_wait, pool.other) == (300, 0, 0)
    made = fill(mode, pool.source, backend)
    assert made == pool.free, (pool, made)
    assert servers and held and keep


@pytest.mark.parametrize("mode", MODES)
def test_ipv6_is_exact_too(mode: str) -> None:
    inside("tests.netns.test_pool_kernel", "count_v6", mode)


def count_any_address(source: str) -> None:
    """In the namespace: bind() to no address in particular, which sockets on any address are in the way of."""
    keep = scene(BindMode.BIND)
    backend = BACKENDS[0]
    if source == "::":
        backend = Backend("fd77::11", 1883)
        add_v6("fd77::11")
        keep.append(listen(backend.address, backend.port, socket.AF_INET6))
    else:
        keep.append(listen("::1", 20205, socket.AF_INET6))  # of the other family: not in the way
    (pool,) = pools(LiveHost(), (backend,), (source,), BindMode.BIND, None)[0]
    assert pool.used > 0 or source == "::"
    made = fill(BindMode.BIND, source, backend)
    assert made == pool.free < pool.usable - 500, (pool, made)
    assert keep


@pytest.mark.parametrize("source", ["0.0.0.0", "::"])
def test_no_address_in_particular_is_exact(source: str) -> None:
    inside("tests.netns.test_pool_kernel", "count_any_address", source)


def count_routed() -> None:
    """In the namespace: plain connect() from the address that routing picks, to the last port."""
    sysctl("net/ipv4/ip_local_port_range", f"{LOW} {HIGH}")
    backend = Backend("127.0.0.1", 1883)
    keep = [listen(backend.address, backend.port), listen("0.0.0.0", 20200)]
    ((pool,), _) = pools(LiveHost(), (backend,), (), BindMode.CONNECT, None)
    made: list[socket.socket] = []
    while True:
        client = socket.socket()
        try:
            client.connect((backend.address, backend.port))
        except OSError as error:
            assert error.errno == errno.EADDRNOTAVAIL
            break
        made.append(client)
    assert (pool.source, pool.free) == ("127.0.0.1", len(made)) == ("127.0.0.1", HIGH - LOW)
    assert keep


def test_a_plain_connect_is_exact() -> None:
    inside("tests.netns.test_pool_kernel", "count_routed")
