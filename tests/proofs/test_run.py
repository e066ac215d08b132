"""What is decided without a kernel: verdicts, the budget of time and memory, what cannot be proven and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.errors import UsageError
from hosttune.model import BindMode, Proof, Proven, Reason, Unknown, Workload
from hosttune.proofs import proof_setup, running
from hosttune.proofs.experiments import conntrack, epoll, memory, ports
from hosttune.proofs.proof_setup import Hold, examples
from hosttune.terminal import amounts
from tests.proofs.arena import setup
from tests.running import Running

FAILS = "bind: EADDRINUSE (98) or connect: EADDRNOTAVAIL (99)"
UNKNOWN = Unknown(Reason.UNDECIDED, "no time")


@pytest.mark.parametrize(
    ("measured", "failed", "verdict"),
    [
        (200, "", Proven.AGREES),
        (199, "connect: EADDRNOTAVAIL (99)", Proven.AGREES),
        (200, "bind: EADDRINUSE (98), connect: EADDRNOTAVAIL (99)", Proven.AGREES),
        (198, "connect: EADDRNOTAVAIL (99)", Proven.DIFFERS),
        (201, "", Proven.DIFFERS),
        (200, "connect: ETIMEDOUT (110)", Proven.DIFFERS),
        (UNKNOWN, "", Proven.COULD_NOT),
    ],
)
def test_a_proof_agrees_in_number_and_in_the_way_it_fails(
    measured: int | Unknown, failed: str, verdict: Proven
) -> None:
    proof = Proof("it", "it", "", 200, measured, "ports", (199, 200), "luck", FAILS, failed, 0.0)
    assert proof.verdict is verdict


def test_what_the_budget_has_no_time_for_is_not_begun_and_says_what_would_allow_it() -> None:
    proofs = running.prove(setup(conntrack_max=10**9, budget=3.0, memory=1 << 50), ["conntrack"], lambda *_: None)
    (proof,) = proofs
    assert isinstance(proof.measured, Unknown)
    assert (proof.predicted, proof.verdict) == (10**9, Proven.COULD_NOT)
    assert "--budget 1000" in proof.measured.detail


def test_what_the_memory_has_no_room_for_is_not_begun() -> None:
    (proof,) = running.prove(setup(conntrack_max=10**6, memory=200 << 20), ["conntrack"], lambda *_: None)
    assert isinstance(proof.measured, Unknown)
    assert "0.3 GiB" in proof.measured.detail


@pytest.mark.parametrize(
    ("forecasts", "says"),
    [
        (conntrack.predict(setup(conntrack_max=None)), "not loaded"),
        (conntrack.predict(setup(conntrack_max=0)), "no limit"),
        (epoll.predict(setup(watches=10**6, root=False)), "takes root"),
        (epoll.predict(setup(watches=None, root=True)), "cannot be read"),
    ],
)
def test_what_cannot_be_proven_says_why(forecasts: tuple[running.Forecast, ...], says: str) -> None:
    (forecast,) = forecasts
    assert says in str(forecast.predicted)


def test_a_pool_too_large_for_the_budget_is_tried_in_a_narrower_range_and_says_so() -> None:
    pairs = examples(8, 8)
    (first, *_) = ports.predict(setup(pairs=pairs, mode=BindMode.NO_PORT, budget=10.0))
    assert "instead of 32768 60999" in first.setting
    assert isinstance(first.predicted, int) and 30_000 < first.predicted <= 40_000


def test_connect_with_two_sources_towards_a_backend_takes_a_late_bind() -> None:
    (first, *_) = ports.predict(setup(pairs=examples(2, 1)))
    assert first.args["mode"] == "no-port"


def test_files_of_other_programs_are_no_memory_of_sockets() -> None:
    before = {"TCP": (10, 2520.0), "dentry": (500, 195.0), "ext4_inode_cache": (9, 1200.0)}
    after = {"TCP": (110, 2520.0), "dentry": (900, 195.0), "ext4_inode_cache": (409, 1200.0)}
    assert memory.grown(before, after, 100) == 100 * (2520 + 195)


def test_sockets_of_other_programs_spoil_the_figure_and_are_told() -> None:
    before = {"TCP": (10, 2520.0), "sock_inode_cache": (30, 860.0)}
    for more, strange in ((10_000, 0), (10_090, 0), (10_500, 500), (9_000, 1_000)):
        after = {"TCP": (10_010, 2520.0), "sock_inode_cache": (30 + more, 860.0)}
        assert memory.strangers(before, after, 10_000) == strange


@pytest.mark.parametrize(
    ("last", "held", "wanted"),
    # each measured 60 times on 6.18, the last one 20 times
    [(20002, 20002, (2, 2)), (20002, 20000, (1, 1)), (20004, 20004, (3, 4)), (20198, None, (198, 199))],
)
def test_the_last_port_of_an_odd_range_is_found_by_luck(last: int, held: int | None, wanted: tuple[int, int]) -> None:
    holds = (Hold("0.0.0.0", held, True),) if held else ()
    assert ports.foretell(ports.Case(BindMode.CONNECT, examples(1, 1), 20000, last, held=holds)) == wanted


def test_a_cgroup_leaves_less_memory_than_the_machine_has(tmp_path: Path) -> None:
    files = {
        "proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n",
        "proc/self/cgroup": "0::/a/b\n",
        "sys/fs/cgroup/a/memory.max": "100000000\n",
        "sys/fs/cgroup/a/memory.current": "60000000\n",
        "sys/fs/cgroup/a/b/memory.max": "max\n",
        "sys/fs/cgroup/a/b/memory.current": "50000000\n",
        "proc/sys/net/ipv4/ip_local_port_range": "20000\t20099\n",
        "proc/sys/net/ipv4/tcp_tw_reuse": "1\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = proof_setup.gather(Running(tmp_path), Workload(connections=1, rate=1), True, 30.0)
    assert found.memory == 40_000_000
    assert found.sysctls == {"net/ipv4/ip_local_port_range": "20000 20099", "net/ipv4/tcp_tw_reuse": "1"}
    assert (found.settings.low, found.settings.tw_reuse, found.conntrack_max) == (20000, 1, None)
    assert "held on the host is not known" in " ".join(found.notes)


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("30s", 30), ("2m", 120), ("1.5s", 1.5)])
def test_a_budget_is_a_time(text: str, seconds: float) -> None:
    assert amounts.seconds(text, "--budget", least=1.0) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "2h", "500ms", "s", "61m", "nan", "1e9"])
def test_another_budget_is_one_clear_line(text: str) -> None:
    with pytest.raises(UsageError, match="30s or 2m"):
        amounts.seconds(text, "--budget", least=1.0)
