"""What the traffic and programs probes count equals what was made, and what ss counts."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
from typing import Any

from hosttune.facts import counters, traffic
from hosttune.host import sock_diag
from hosttune.host.live import LiveHost
from hosttune.host.probes import programs, sockets
from hosttune.host.probes import traffic as probe
from hosttune.host.recorded import Recorded
from hosttune.model import Flow, Traffic
from tests.diagnosis import made
from tests.netns.sandbox import inside

NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, linux/in.h
SILENT = ("192.0.2.9", 80)


def from_address(address: str) -> Any:
    def prepare(client: socket.socket, number: int) -> None:
        client.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        client.bind((address, 0))

    return prepare


def silent_host() -> None:
    """Have an address that swallows what is sent to it: a dummy neighbour behind a virtual pair without its peer."""
    for command in (
        "ip link add here type veth peer name there",
        "ip addr add 192.0.2.1/24 dev here",
        "ip link set here up",
        "ip link set there up",
        "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev here nud permanent",
    ):
        subprocess.run(command.split(), check=True)


def mixed() -> None:
    silent_host()
    server, other = made.listener(("127.0.0.1", 1883), 200), made.listener(("127.0.0.1", 1884), 50)
    clients: list[socket.socket] = []
    assert not made.dial(clients, ("127.0.0.1", 1883), 30, from_address("127.0.0.2"))
    assert not made.dial(clients, ("127.0.0.1", 1884), 20, from_address("127.0.0.3"))
    accepted = [server.accept()[0] for _ in range(12)]
    for client in clients[:3]:
        client.sendall(b"unread")
    for one in clients[25:30]:
        one.close()  # the server's ends wait for its close(): CLOSE_WAIT, and FIN_WAIT2 here
    # the answer to a FIN may be delayed (net/ipv4/tcp_input.c, __tcp_ack_snd_check())
    made.until(lambda: not subprocess.run(["ss", "-tnH", "state", "fin-wait-1"], capture_output=True).stdout, "FIN")
    for _ in range(7):
        opening = socket.socket()
        opening.setblocking(False)
        opening.connect_ex(SILENT)
        clients.append(opening)
    host = LiveHost()
    found = traffic.gather(host, counters.gather(host)).traffic
    assert isinstance(found, Traffic) and found.whole
    listeners = {one.port: one for one in found.listeners}
    assert (listeners[1883].queue, listeners[1883].backlog) == (30 - 12, 200)
    assert (listeners[1884].queue, listeners[1884].backlog, listeners[1884].accepted) == (20, 50, 20)
    assert (listeners[1883].accepted, listeners[1883].closing) == (25, 5)
    flows = {(f.source, f.port): f for f in found.flows}
    assert flows["127.0.0.2", 1883] == Flow("127.0.0.2", "127.0.0.1", 1883, established=25, time_wait=5)
    assert flows["127.0.0.3", 1884].established == 20
    assert flows["192.0.2.1", 80].opening == 7
    assert found.states == {"CLOSE_WAIT": 5, "SYN_SENT": 7}
    counted = subprocess.run(["ss", "-tanH"], capture_output=True, text=True, check=True).stdout
    for state, name in (("SYN-SENT", "SYN_SENT"), ("CLOSE-WAIT", "CLOSE_WAIT")):
        assert counted.count(state) == found.states[name]
    assert found.uids == {0: counted.count("ESTAB")}
    # three messages wait unread, of 90 ends that are established
    assert round(found.unread * counted.count("ESTAB")) == 3
    # the ports are those that the sockets probe finds on a look of its own
    kept = probe.run()
    again = sockets.run([["127.0.0.1", 1883], ["127.0.0.1", 1884], list(SILENT)])
    assert (kept["tuples"], kept["held"]) == (again["tuples"], again["held"])
    rows = programs.run([os.getpid()], [one.inode for one in found.listeners])["programs"]
    assert rows[0]["descriptors"] == len(os.listdir("/proc/self/fd")) - 1  # less the one that lists
    assert sorted(rows[0]["listens"]) == sorted(one.inode for one in found.listeners)
    made.close(accepted, clients, server, other)


def sampled() -> None:
    made.sysctl("net/core/somaxconn", "10000")
    server, other = made.listener(("127.0.0.1", 1883), 10000), made.listener(("127.0.0.1", 1884), 10000)
    clients: list[socket.socket] = []
    for source in ("127.0.0.2", "127.0.0.3"):
        assert not made.dial(clients, ("127.0.0.1", 1883), 3000, from_address(source))
    assert not made.dial(clients, ("127.0.0.1", 1884), 1500, from_address("127.0.0.2"))
    answer = probe.run(most=3000)
    # what goes out is counted whole, of what was accepted a part
    counts = {(row["source"], row["port"]): row["established"] for row in answer["flows"]}
    assert counts == {("127.0.0.2", 1883): 3000, ("127.0.0.3", 1883): 3000, ("127.0.0.2", 1884): 1500}
    assert not answer["whole"] and 3000 <= answer["sampled"] < 5000
    host = Recorded({"reads": {}, "globs": {}, "probes": {"traffic {}": {"is": answer}}})
    found = traffic.gather(host, counters.gather(LiveHost())).traffic
    assert isinstance(found, Traffic)
    listeners = {one.port: one.accepted for one in found.listeners}
    assert sum(n or 0 for n in listeners.values()) == 7500
    assert abs((listeners[1883] or 0) - 6000) < 300, listeners
    made.close(clients, server, other)


def six() -> None:
    """Count a family of which nothing is open but what waits after its end."""
    assert not sock_diag.in_use(socket.AF_INET6)
    server = socket.socket(socket.AF_INET6)
    server.bind(("::1", 1883))
    server.listen(5)
    client = socket.create_connection(("::1", 1883))
    accepted, _ = server.accept()
    (flow,) = probe.run()["flows"]
    assert (flow["address"], flow["established"], sock_diag.in_use(socket.AF_INET6)) == ("::1", 1, True)
    assert not sock_diag.in_use(socket.AF_INET)
    for one in (client, accepted, server):
        one.close()
    made.until(lambda: not sock_diag.in_use(socket.AF_INET6), "the end of what was open")
    (flow,) = probe.run()["flows"]
    assert (flow["address"], flow.get("established", 0), flow["time_wait"]) == ("::1", 0, 1)


def test_descriptors_are_counted_where_the_kernel_does_not() -> None:
    before = len(os.listdir("/proc/self/fd")) - 1
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1500)]
    try:
        assert programs._estimate(str(os.getpid())) == before + 1500 + 1  # and the one that lists
        few = programs._LOOKS
        held += [os.dup(held[0]) for _ in range(2 * few)]
        # beyond that the table is sampled: each of its slots that is looked at stands for its neighbours
        close = programs._estimate(str(os.getpid()))
        assert abs(close - (before + 1500 + 2 * few)) <= 20, close
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def test_states_flows_and_listeners_are_what_was_made() -> None:
    inside("tests.netns.test_traffic_kernel", "mixed")


def test_a_large_table_is_sampled_fairly() -> None:
    inside("tests.netns.test_traffic_kernel", "sampled")


def test_a_family_of_which_nothing_is_open_is_counted_after_its_end() -> None:
    inside("tests.netns.test_traffic_kernel", "six")
