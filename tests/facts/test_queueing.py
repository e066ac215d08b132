"""Where packets wait in the queue of a CPU: RPS, veth, and what was dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.facts import queueing
from tests.changes import tree

ROUTE = "\n".join(
    (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT",
        "eth0\t00000000\t0100000A\t3\t0\t0\t0\t00000000\t0\t0\t0",
    )
)
SOFTNET = "0000aaaa {:08x} 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
NAPI = {"ifindex": "2\n", "iflink": "2\n", "queues/rx-0/rps_cpus": "00000000,00000000\n"}
CASES = {
    "a card with NAPI": (NAPI, 0, ()),
    "RPS": ({**NAPI, "queues/rx-0/rps_cpus": "00000000,00000003\n"}, 0, ("RPS of eth0",)),
    "a veth": ({**NAPI, "iflink": "9\n"}, 0, ("eth0 is a veth",)),
    "a VLAN": ({**NAPI, "iflink": "9\n", "lower_ens3/x": ""}, 0, ()),
    "drops": (NAPI, 18, ("18 packets dropped (second column of /proc/net/softnet_stat)",)),
    "nothing to read": ({}, 0, ()),
}


@pytest.mark.parametrize("name", CASES)
def test_it_names_why(tmp_path: Path, name: str) -> None:
    files, dropped, reasons = CASES[name]
    made = {f"sys/class/net/eth0/{path}": text for path, text in files.items()}
    made |= {"proc/net/route": ROUTE, "proc/net/softnet_stat": SOFTNET.format(dropped)}
    for path, text in made.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert queueing.gather(tree.Host(tmp_path)) == reasons
