"""Which source a program has, and whether it can connect from it: what is said beside what connections do.

Every scene has 200 ports and a server behind a veth; it connects until the first call that fails.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from hosttune.errors import UsageError
from hosttune.facts import backends, caller, pool
from hosttune.host.live import LiveHost
from hosttune.model import Backend, BindMode, Caller
from tests.netns.sandbox import inside

MODULE = "tests.netns.test_routing_kernel"
SERVER, PORT = "10.77.0.2", 1883
MARK, DEVICE, NO_PORT = 36, 25, 24  # SO_MARK, SO_BINDTODEVICE, IP_BIND_ADDRESS_NO_PORT
NOBODY = 65534
SERVERS: list[subprocess.Popen[str]] = []


def _ip(line: str) -> None:
    subprocess.run(["ip", *line.split()], check=True)


def _lab() -> None:
    """Make a veth whose far end is in a namespace of its own, with a server that never accepts, and ends with us."""
    code = (
        "import os,socket,sys,subprocess\n"
        "print(os.getpid(),flush=True); sys.stdin.readline()\n"
        "for line in sys.argv[1:]: subprocess.run(['ip',*line.split()],check=True)\n"
        "l=socket.socket(socket.AF_INET6); l.setsockopt(1,2,1); l.bind(('::',1883)); l.listen(4096)\n"
        "print('up',flush=True); sys.stdin.readline()\n"
    )
    far: tuple[str, ...] = (
        "link set lo up",
        "addr add 10.77.0.2/24 dev s0",
        "addr add fe80::2/64 dev s0 nodad",
        "link set s0 up",
    )
    far = (
        *far,
        "route add 10.77.9.0/24 via 10.77.0.1",
        "addr add 10.99.0.1/32 dev lo",
        "addr add 10.78.0.2/24 dev r0",
        "link set r0 up",
        "addr add 10.99.0.2/32 dev lo",
    )
    server = subprocess.Popen(
        ["unshare", "-n", sys.executable, "-c", code, *far], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin and server.stdout
    pid = server.stdout.readline().strip()
    for near, there in (("c0", "s0"), ("d0", "r0")):
        _ip(f"link add {near} type veth peer name {there} netns {pid}")
    _ip("link set c0 addrgenmode none")
    _ip("addr add 10.77.0.1/24 dev c0")
    _ip("addr add fe80::1/64 dev c0 nodad")
    _ip("addr add 10.77.0.11/24 dev c0")
    _ip("addr add 10.78.0.1/24 dev d0")
    _ip("link set c0 up")
    _ip("link set d0 up")
    _ip("route add 10.77.0.0/24 dev c0 src 10.77.0.11 table 7")
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write("40000 40199")
    server.stdin.write("\n")
    server.stdin.flush()
    assert server.stdout.readline() == "up\n"
    SERVERS.append(server)


Set = Callable[[socket.socket], object]


def _nothing(_: socket.socket) -> None:
    """Leave a socket as it is."""


def _connect(to: tuple[Any, ...], prepare: Set = _nothing, most: int = 1000) -> tuple[list[socket.socket], str]:
    """Connect until a call fails; return the sockets, and the call and errno of the failure."""
    made: list[socket.socket] = []
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    while len(made) < most:
        one = socket.socket(family)
        one.settimeout(5)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        call = "bind"
        try:
            prepare(one)
            call = "connect"
            one.connect(to)
        except OSError as error:
            one.close()
            return made, f"{call}: {errno.errorcode[error.errno or 0]} ({error.errno})"
        made.append(one)
    return made, ""


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _source(address: str) -> Set:
    def prepare(one: socket.socket) -> None:
        one.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        one.bind((address, 0))

    return prepare


@contextlib.contextmanager
def _rule(line: str) -> Iterator[None]:
    _ip(f"rule add {line} lookup 7")
    try:
        yield
    finally:
        _ip(f"rule del {line} lookup 7")


def _pools(text: str = f"{SERVER}:{PORT}", sources: tuple[str, ...] = (), given: Caller | None = None) -> pool.Survey:
    host = LiveHost()
    to = backends.parse(host, text, device=(given.device if given else None) or "")
    return pool.survey(host, (to,), sources, BindMode.CONNECT, None, given or Caller())


def _free(survey: pool.Survey) -> list[tuple[str, int]]:
    return [(each.source, each.free) for each in survey.pools()]


def _as_user(number: int, to: tuple[str, int], most: int) -> int:
    """Connect as a user, in a child whose sockets end with it, until a call fails; return how many there were."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.setresuid(number, number, number)
        made, _ = _connect(to, most=most)
        os.write(write, str(len(made)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    count = int(os.read(read, 10))
    os.close(read)
    os.close(write)
    return count


def rules() -> None:
    """Rules by port, user, mark and device: 150 ports of the source of table 7 are taken."""
    _lab()
    to = (SERVER, PORT)
    held, _ = _connect(to, _source("10.77.0.11"), 150)
    assert len(held) == 150
    with _rule("ipproto tcp dport 1883"):
        assert _free(_pools()) == [("10.77.0.11", 50)]
        made, why = _connect(to)
        assert (len(made), why) == (50, "connect: EADDRNOTAVAIL (99)")
        _close(made)
        assert _free(_pools(f"{SERVER}:1884"))[0][0] == "10.77.0.1"
    both = [("10.77.0.1", 200), ("10.77.0.11", 50)]
    with _rule(f"uidrange {NOBODY}-{NOBODY}"):
        survey = _pools()
        assert _free(survey) == both and "--user" in " ".join(survey.notes)
        (one,) = survey.carried()
        assert (one.free, one.usable, one.usable_most) == (50, 200, 200)
        assert _free(_pools(given=Caller(uid=NOBODY))) == [("10.77.0.11", 50)]
        assert _free(_pools(given=Caller(uid=0))) == [("10.77.0.1", 200)]
        assert _as_user(NOBODY, to, 1000) == 50
        program = caller.Program((os.getpid(),))
        assert caller.gather(LiveHost(), Caller(), lambda: program, (Backend(*to),)).uid == os.geteuid()
        assert caller.gather(LiveHost(), Caller(), lambda: caller.Program(user="nobody"), ()).uid == NOBODY
    for line, mark, without in (("fwmark 9", 9, 0), ("not fwmark 9", 0, 9), ("fwmark 0x10/0xf0", 0x13, 0)):
        with _rule(line):
            assert sorted(_free(_pools())) == both
            assert _free(_pools(given=Caller(mark=mark))) == [("10.77.0.11", 50)], line
            assert _free(_pools(given=Caller(mark=without))) == [("10.77.0.1", 200)], line
            made, _ = _connect(to, lambda one, mark=mark: one.setsockopt(1, MARK, mark))  # type: ignore[misc]
            assert len(made) == 50, line
            _close(made)
    with _rule("fwmark 9"):
        made, _ = _connect(to, lambda one: one.setsockopt(1, MARK, 9), 1)
        _close(held)
        mine = caller.gather(LiveHost(), Caller(), lambda: caller.Program((os.getpid(),)), (Backend(*to),))
        assert mine.mark == 9
        _close(made)
        held, _ = _connect(to, _source("10.77.0.11"), 150)
    with _rule("oif c0"):
        assert _free(_pools()) == both
        assert _free(_pools(given=Caller(device="c0"))) == [("10.77.0.11", 50)]
        made, _ = _connect(to, lambda one: one.setsockopt(1, DEVICE, b"c0"))
        assert len(made) == 50
        _close(made)
    with _rule("iif d0"), _rule("fwmark 9 to 10.1.0.0/16"), _rule("ipproto udp fwmark 9"):
        assert _free(_pools()) == [("10.77.0.1", 200)]  # none of them is about these connections
    print("ok")


def devices() -> None:
    """Sockets that are bound to a device are not in the way of one that is not; the other way round they are."""
    _lab()
    to = (SERVER, PORT)
    bound, _ = _connect(to, lambda one: one.setsockopt(1, DEVICE, b"c0"), 150)
    assert _free(_pools()) == [("10.77.0.1", 200)]
    assert _free(_pools(given=Caller(device="c0"))) == [("10.77.0.1", 50)]
    made, _ = _connect(to)
    assert len(made) == 200
    _close(bound + made)
    plain, _ = _connect(to, most=150)
    made, _ = _connect(to, lambda one: one.setsockopt(1, DEVICE, b"c0"))
    assert len(made) == 50
    _close(made)
    assert _free(_pools(given=Caller(device="c0"))) == [("10.77.0.1", 50)]
    _close(plain)
    listeners = []
    for port in range(40000, 40020):
        one = socket.socket()
        one.setsockopt(1, DEVICE, b"d0")
        one.bind(("0.0.0.0", port))
        one.listen()
        listeners.append(one)
    assert _free(_pools(given=Caller(device="c0"))) == [("10.77.0.1", 180)]
    assert _free(_pools()) == [("10.77.0.1", 180)]
    try:
        _pools(given=Caller(device="nope"))
    except UsageError as error:
        assert "no interface nope" in str(error)
    print("ok")


def addresses() -> None:
    """Every spelling of an address is one pool; a source counts only if bind() takes it and it has a way."""
    _lab()
    to = (SERVER, PORT)
    held, _ = _connect(to, most=150)
    for text in (f"[::ffff:{SERVER}]:{PORT}", f"[::FFFF:0A4D:0002]:{PORT}", f"10.77.2:{PORT}", f"0x0a4d0002:{PORT}"):
        assert _free(_pools(text)) == [("10.77.0.1", 50)], text
    made, _ = _connect((f"::ffff:{SERVER}", PORT))
    assert len(made) == 50
    _close(held + made)
    held, _ = _connect(("fe80::2", PORT, 0, socket.if_nametoindex("c0")), most=150)
    assert _free(_pools(f"[fe80::2%c0]:{PORT}")) == [("fe80::1", 50)]
    made, _ = _connect(("fe80::2", PORT, 0, socket.if_nametoindex("c0")))
    assert len(made) == 50
    _close(held + made)
    assert _free(_pools(f"0.0.0.0:{PORT}")) == [("127.0.0.1", 200)]
    for text in ("224.0.0.1", "10.77.0.255"):
        (one,) = _pools(f"{text}:{PORT}").pools()
        assert (one.usable, one.free, one.fails) == (0, 0, _connect((text, PORT))[1]), text
    sources = ("10.80.9.9", "127.0.0.2", "224.0.0.1", "10.77.0.11", "10.77.0.255", "10.77.0.0")
    for source in sources:
        (one,) = _pools(sources=(source,)).pools()
        made, why = _connect(to, _source(source), 201)
        assert (one.free, one.fails if not one.free else "") == (len(made), why if not made else ""), source
        _close(made)
    _ip("route add local 10.77.9.0/24 dev lo")
    survey = _pools(sources=("all",))
    assert [row for row in _free(survey) if row[0].startswith("10.77.")] == [("10.77.0.1", 200), ("10.77.0.11", 200)]
    notes = " ".join(survey.notes)
    assert "every address of 10.77.9.0/24 is a source too" in notes and "if the peer can answer" in notes
    assert _free(_pools(sources=("10.77.9.5",))) == [("10.77.9.5", 200)]
    made, _ = _connect(to, _source("10.77.9.5"))
    assert len(made) == 200
    _close(made)
    _ip("-6 route add local 2001:db8:9::/64 dev lo")
    (one,) = _pools(f"[2001:db8:9::1]:{PORT}", ("2001:db8:9::5",)).pools()
    assert one.fails == "bind: EADDRNOTAVAIL (99)"
    print("ok")


def hops() -> None:
    """Several next hops: with the hash of addresses one source, with that of ports each connection draws one."""
    _lab()
    _ip("route add 10.99.0.0/24 nexthop via 10.77.0.2 dev c0 nexthop via 10.78.0.2 dev d0")
    path = "/proc/sys/net/ipv4/fib_multipath_hash_policy"
    for address in ("10.99.0.1", "10.99.0.2"):
        (one,) = _pools(f"{address}:{PORT}").pools()
        made, _ = _connect((address, PORT))
        assert {s.getsockname()[0] for s in made} == {one.source} and len(made) == one.free == 200
        _close(made)
    with open(path, "w", encoding="ascii") as file:
        file.write("1")
    survey = _pools(f"10.99.0.1:{PORT}")
    (one,) = survey.carried()
    assert (one.usable, one.usable_most) == (200, 400) and "2 next hops" in " ".join(survey.notes)
    made, _ = _connect(("10.99.0.1", PORT))
    assert one.free <= len(made) <= one.free_most
    print("ok")


def command() -> None:
    """The command line: marks in both spellings, what is refused, and nothing that is a bug."""
    _lab()
    _ip("rule add fwmark 9 lookup 7")
    line = [sys.executable, "-m", "hosttune", "check", "--role", "client", "--connections", "150", "--format", "json"]

    def pools(*more: str) -> tuple[int, Any]:
        done = subprocess.run([*line, *more], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in (0, 1, 2), done.stderr
        if done.returncode == 2 and not done.stdout:
            return 2, done.stderr
        found = json.loads(done.stdout)
        bound = next(b for b in found["bounds"] if b["id"].startswith("ports"))
        return bound["hard"], ([p["source"] for p in found["pools"]], bound["fails"])

    to = ("--backend", f"{SERVER}:{PORT}")
    assert pools(*to, "--mark", "0x9") == (200, (["10.77.0.11"], "connect: EADDRNOTAVAIL (99)"))
    assert pools(*to, "--source", "10.80.9.9") == (0, (["10.80.9.9"], "bind: EADDRNOTAVAIL (99)"))
    assert "name the interface" in pools("--backend", "[fe80::2]:1883")[1]
    print("ok")


def test_the_route_is_that_of_the_program() -> None:
    assert inside(MODULE, "rules") == "ok\n"


def test_devices_have_tuples_of_their_own() -> None:
    assert inside(MODULE, "devices") == "ok\n"


def test_an_address_counts_if_the_kernel_takes_it() -> None:
    assert inside(MODULE, "addresses") == "ok\n"


def test_next_hops_are_named_where_each_connection_draws_one() -> None:
    assert inside(MODULE, "hops") == "ok\n"


def test_the_command_line_takes_what_routing_goes_by() -> None:
    assert inside(MODULE, "command") == "ok\n"
