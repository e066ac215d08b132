"""Every network namespace of a host on a real kernel: found, entered, counted to the last port, and left as it was."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.netns import crowd
from tests.netns.sandbox import ROOT, inside

pytestmark = pytest.mark.slow

MODULE = "tests.netns.test_node_kernel"
CHECK = [sys.executable, "-m", "hosttune", "check", "--all-namespaces"]
MANY, SOCKETS = 200, 500


def checked(*args: str, code: int = 0) -> dict[str, Any]:
    """Return what a check of all namespaces prints as JSON."""
    done = subprocess.run([*CHECK, "--format", "json", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code and not done.stderr, (done.returncode, done.stderr, done.stdout[:2000])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def by_name(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["names"][0]: row for row in answer["namespaces"] if row["names"]}


@contextlib.contextmanager
def process(body: Callable[[], object]) -> Iterator[int]:
    """Have a process of one's own that does something, and then waits."""
    ready = os.pipe()
    child = os.fork()
    if not child:
        try:
            kept = body()
            os.write(ready[1], b"1")
            while kept is not ready:
                signal.pause()
        finally:
            os._exit(1)
    os.close(ready[1])
    assert os.read(ready[0], 1)
    os.close(ready[0])
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def ports(low: int, high: int, reserved: str = "") -> None:
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{low} {high}")
    if reserved:
        Path("/proc/sys/net/ipv4/ip_local_reserved_ports").write_text(reserved)


def filled(name: str, connections: int, listener: int = 0) -> list[socket.socket]:
    """Have a namespace of 100 ports, of which ten are reserved, with so many connections, and a listener in it."""
    crowd.unshared(name)
    ports(20000, 20099, "20000-20009")
    more = [socket.create_server(("127.0.0.1", listener))] if listener else []
    return [*more, *crowd.connected(2 * connections + 1)]


def full() -> None:
    """Fill the ports of a namespace to the last one; the next connection is refused as the check says it is."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()

    def refused() -> list[socket.socket]:
        held = filled("full", 89, listener=20050)
        with socket.socket() as client, pytest.raises(OSError, match="Cannot assign"):
            client.connect(crowd.GOAL)
        return held

    with process(refused) as pid, process(lambda: filled("slow", 50)), process(lambda: filled("idle", 0)):
        answer = checked(code=1)
        print(json.dumps([answer, pid]))
        program = [sys.executable, "-m", "hosttune"]
        watch = [*program, "watch", "--once", "--interval", "200ms", "--all-namespaces", "--json"]
        for command in (CHECK, [*program, "diagnose"], watch):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            print(json.dumps(done.stdout))


def test_the_one_that_is_full_is_first_with_what_to_type() -> None:
    lines = inside(MODULE, "full", alone=True).splitlines()
    (answer, pid), table, diagnosis, watched = map(json.loads, lines[:4])
    rows = by_name(answer)
    assert [next(iter(row["names"]), "") for row in answer["namespaces"]] == ["full", "slow", "", "idle"]
    # 100 ports without ten that are reserved and the listener's
    pool = rows["full"]["uses"][0]
    assert (pool["id"], pool["used"], pool["limit"]) == ("ports:127.0.0.1->127.0.0.1:1883", 89, 89)
    assert (rows["full"]["severity"], rows["slow"]["severity"], rows["idle"]["severity"]) == ("error", "warning", None)
    assert rows["full"]["process"] == pid and rows["full"]["processes"] == 1
    assert rows["full"]["ports"] == [20000, 20099] and rows["full"]["reserved"] == 10
    assert rows["full"]["sockets"] == 2 * 89 + 2 and rows["idle"]["sockets"] == 1
    assert "NOT READY: 1 of 4 network namespaces at a limit" in table
    assert "sudo hosttune check --netns full" in table.replace(sys.executable + " -m hosttune", "sudo hosttune")
    uses = {use["id"]: use for use in json.loads(watched)["uses"]}
    assert uses["namespace-ports:full->127.0.0.1->127.0.0.1:1883"]["used"] == 89
    assert "--netns full" in diagnosis and "89 of 89 ports" in " ".join(diagnosis.split())


def unnamed() -> None:
    """A namespace that a process keeps, one that a mount keeps, one that nobody may enter, one whose file is none."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()
    Path("/run/netns/nothing").touch()
    Path("/run/netns/a b").touch()
    place = Path("/run/kept here")
    place.touch()
    before = [Path("/proc/self/mountinfo").read_text(), sorted(os.listdir("/proc/self/fd")), threading.active_count()]
    with process(lambda: crowd.unshared("gone")) as pid:
        subprocess.run(["umount", "/run/netns/gone"], check=True)
        with process(lambda: crowd.unshared("moved")):
            subprocess.run(["mount", "--bind", "/run/netns/moved", str(place)], check=True)
            subprocess.run(["umount", "/run/netns/moved"], check=True)
            print(json.dumps([checked(), pid]))
        subprocess.run(["umount", str(place)], check=True)
    import hosttune

    network = os.readlink("/proc/thread-self/ns/net")
    found = hosttune.node()
    after = [Path("/proc/self/mountinfo").read_text(), sorted(os.listdir("/proc/self/fd")), threading.active_count()]
    print(json.dumps([before == after, network == os.readlink("/proc/thread-self/ns/net"), len(found.namespaces)]))


def test_one_without_a_name_is_found_by_its_process_or_its_mount() -> None:
    (answer, pid), left = map(json.loads, inside(MODULE, "unnamed", alone=True).splitlines()[:2])
    own, *others = sorted(answer["namespaces"], key=lambda row: not row["own"])
    assert own["own"] and own["initial"] is False and len(others) == 2
    assert {row["process"] for row in others} > {pid} and all(row["ports"] for row in others)
    assert sorted(row["files"] for row in others) == [[], ["/run/kept here"]]
    assert left == [True, True, 1]


def hidden() -> None:
    """Check as nobody: in a user namespace without a map there is no capability over any other."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()
    with process(lambda: crowd.unshared("other")):
        for more in ([], ["--format", "json"], ["--strict"]):
            command = ["unshare", "--user", *CHECK, *more]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            print(json.dumps([done.returncode, done.stdout, done.stderr]))


def test_not_root_says_in_one_line_what_it_cannot_see() -> None:
    table, answer, strict = map(json.loads, inside(MODULE, "hidden", alone=True).splitlines())
    assert table[0] == 0 and not table[2]
    said = " ".join(table[1].split())
    assert "UNKNOWN whether ready: 1 of 2 network namespaces unknown" in said
    assert "UNKNOWN other: unreadable: entering it needs root" in said
    assert "root would add: the network namespaces of " in said
    rows = {row["own"]: row for row in json.loads(answer[1])["namespaces"]}
    assert rows[True]["ports"] and rows[False]["unknown"] == {
        "unknown": "UNREADABLE",
        "detail": "entering it needs root",
    }
    assert strict[0] == 3


def many(count: str, sockets: str) -> None:
    """Print how long a check of so many namespaces takes at best, what it finds, and its peak memory in KiB."""
    with crowd.made(int(count), int(sockets)):
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            answer = checked()
            seconds.append(time.perf_counter() - start)
        rows = by_name(answer)
        every = [row["sockets"] for row in rows.values()]
        pools = [next(use for use in row["uses"] if use["kind"] == "ports") for row in rows.values()]
        counted, rest = ([use["used"] for use in pools if bool(use["of"]) is one] for one in (True, False))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps([min(seconds), len(rows), sorted({*every}), sorted({*counted}), sorted({*rest}), len(rest), peak]))


def test_two_hundred_of_five_hundred_sockets_take_less_than_two_seconds_and_no_more_memory() -> None:
    seconds, rows, every, counted, rest, left, peak = json.loads(
        inside(MODULE, "many", str(MANY), str(SOCKETS), alone=True)
    )
    each = (SOCKETS - 1) // 2
    assert rows == MANY and every == [2 * each + 1] and counted == [each]
    # where the machine is busy with something else, some have so few sockets that they need not be counted
    assert rest in ([], every) and left < MANY
    assert seconds < 2.0
    *_, least = json.loads(inside(MODULE, "many", "10", str(SOCKETS), alone=True))
    # a row of each is what is more: nothing is kept of its sockets
    assert peak - least < 12 << 10


def ended_and_mapped() -> None:
    """Fill a pool with sockets of both families, and one with what has ended, and is in TIME_WAIT."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()

    def mapped() -> list[socket.socket]:
        held = filled("mapped", 20)
        for _ in range(10):
            held.append(client := socket.socket(socket.AF_INET6))
            client.connect(("::ffff:127.0.0.1", crowd.GOAL[1]))
        return held

    def ended(name: str, reuse: int) -> object:
        crowd.unshared(name)
        ports(20000, 20099)
        Path("/proc/sys/net/ipv4/tcp_tw_reuse").write_text(str(reuse))
        with socket.create_server(crowd.GOAL) as server:
            for _ in range(30):
                with socket.create_connection(crowd.GOAL):
                    near, _far = server.accept()
                near.close()
        return True

    with process(mapped), process(lambda: ended("ended", 0)), process(lambda: ended("free", 2)):
        print(json.dumps(by_name(checked())))


def test_both_families_are_one_pool_and_what_has_ended_counts_as_the_kernel_counts_it() -> None:
    rows = json.loads(inside(MODULE, "ended_and_mapped", alone=True))
    pools = {name: [use for use in row["uses"] if use["kind"] == "ports"] for name, row in rows.items()}
    assert [(use["id"], use["used"]) for use in pools["mapped"]] == [("ports:127.0.0.1->127.0.0.1:1883", 30)]
    assert rows["ended"]["time_wait"] == rows["free"]["time_wait"] == 30 and rows["ended"]["sockets"] == 0
    # on loopback tcp_tw_reuse = 2 has connect() take them over
    assert [use["used"] for use in pools["ended"]] == [30] and [use["used"] for use in pools["free"]] == [0]


def tracked() -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()

    def tracking() -> list[socket.socket]:
        crowd.unshared("tracking")
        rules = "table inet t { chain c { type filter hook input priority 0; ct state established accept; }; }"
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
        return crowd.connected(61)

    with process(tracking), process(lambda: filled("plain", 5)):
        print(json.dumps([checked(), Path("/proc/sys/net/netfilter/nf_conntrack_max").read_text()]))


def test_entries_of_conntrack_are_those_of_each_namespace_and_the_limit_is_the_hosts() -> None:
    needs.need("nft")
    answer, most = json.loads(inside(MODULE, "tracked", alone=True))
    rows = by_name(answer)
    assert (rows["tracking"]["conntrack"], rows["plain"]["conntrack"]) == (30, 0)
    assert answer["conntrack_max"] == int(most)
    use = next(use for use in rows["tracking"]["uses"] if use["kind"] == "conntrack")
    assert (use["used"], use["limit"]) == (30, int(most))


def too_many(count: str) -> None:
    from hosttune.host.probes import network_namespaces

    network_namespaces._MOST = int(count)
    import hosttune

    with crowd.made(30, 1):
        found = hosttune.node()
        print(json.dumps([len(found.namespaces), list(found.notes)]))


def test_a_hostile_number_is_bounded() -> None:
    assert json.loads(inside(MODULE, "too_many", "20", alone=True)) == [
        20,
        ["11 more network namespaces are not checked: at most 20 are"],
    ]


def replayed() -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()
    with process(lambda: filled("blue", 40)):
        live = checked()
        command = [sys.executable, "-m", "hosttune", "snapshot", "-o", "/run/host.json"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    again = checked("--snapshot", "/run/host.json")
    print(json.dumps([by_name(live), by_name(again)]))


def test_a_recording_has_them() -> None:
    live, again = json.loads(inside(MODULE, "replayed", alone=True))
    assert live == again and live["blue"]["uses"][0]["used"] == 40
