"""Tsung stops where hosttune says and counts the error that the table says: it binds before it connects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.programs import stage

pytestmark = pytest.mark.slow

# one server a line, so that users are spread over them; each user connects, sends a byte and stays
CONFIG = """<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">
<tsung loglevel="notice" version="1.0">
<clients><client host="{host}" maxusers="2000" use_controller_vm="{own}">{address}</client></clients>
<servers>
<server host="{backend}" port="1883" type="tcp"/>
<server host="{backend}" port="1884" type="tcp"/>
</servers>
<load><arrivalphase phase="1" duration="1" unit="minute">
<users maxnumber="{users}" arrivalrate="200" unit="second"/>
</arrivalphase></load>
<options>{options}</options>
<sessions><session name="stay" probability="100" type="ts_raw">
<request><raw data="x" ack="no_ack"/></request>
<thinktime value="60"/>
</session></sessions>
</tsung>
"""
LOW, HIGH = 40000, 40099
RANGE = f'<option name="ports_range" min="{LOW}" max="{HIGH}"/>'


def carried() -> int:
    return stage.established() + stage.established(port=1884)


def start(address: str, options: str = "", nofile: int | None = None, warm: int = 1, node: bool = False) -> None:
    """Start it; with `node` in two processes, one that controls and one that connects, as on several machines.

    Its figures are written often, where its default is 10 s; users come `warm` seconds after it is ready.
    """
    config = stage.WORK / "tsung.xml"
    given = f'<ip value="{address}"/>' if address else ""
    values = {"host": stage.FRONTEND if node else "localhost", "own": "false" if node else "true", "users": 230}
    config.write_text(CONFIG.format(address=given, backend=stage.BACKEND, options=options, **values))
    often = "ERL_FLAGS=-tsung_controller dumpstats_interval 500"
    of_it = ["-l", str(stage.WORK / "tsung"), "-f", str(config), "-I", stage.FRONTEND, "-w", str(warm), "start"]
    stage.start("tsung", "env", often, "tsung", *of_it, nofile=nofile)
    stage.wait_for("a launcher", lambda: "Activate launcher" in text("tsung*@*.log"))


def text(name: str) -> str:
    return "".join(path.read_text(errors="replace") for path in (stage.WORK / "tsung").glob(f"*/{name}"))


def stops(bound: dict[str, Any]) -> None:
    """Hold that as many are carried as the bound says, no more, and that it counts the error announced."""
    predicted = bound["hard"]
    stage.wait_for(f"the {predicted} predicted", lambda: carried() >= predicted)
    assert bound["log"]
    stage.wait_for(f"{bound['log']} in tsung.log", lambda: bound["log"] in text("tsung.log"))
    assert stage.settled(carried, 1.0) == predicted


def asked(mode: str, address: str) -> list[str]:
    """Ask of the process by its name; that it binds first is known of it."""
    backends = [f"--backend={stage.BACKEND}:{port}" for port in (1883, 1884)]
    given = ["--bind-mode", mode] if mode else []
    return ["--role", "client", "--process-name", "beam.smp", *given, "--source", address or "0.0.0.0", *backends]


def on_source(address: str, options: str) -> None:
    """Two destinations, and still no more than the ports of the source address."""
    keep = [stage.listen(), stage.listen(port=1884)]
    start(address, options)
    bound = stage.ask(*asked("", address))["ports:all"]
    # 127.0.0.1 has one port of the range already, towards Erlang's port mapper: in the way of 0.0.0.0 only
    assert bound["hard"] == stage.HIGH - stage.LOW + bool(address), bound
    assert bound["fails"] == "bind: EADDRINUSE (98)"
    stops(bound)
    again = stage.ask(*asked("", address))["ports:all"]
    assert (again["hard"], again["used"]) == (bound["hard"], bound["hard"])
    assert keep


# a range of ports makes no difference to the controller's own process: only nodes are given ports of it
@pytest.mark.parametrize(("address", "options"), [(stage.SOURCE, RANGE), ("", "")])
def test_it_stops_at_the_ports_of_its_address_whatever_the_servers(address: str, options: str) -> None:
    stage.need("tsung", "erl")
    stage.play(__file__, "on_source", address, options)


def on_range() -> None:
    """It binds to a port of its range without SO_REUSEADDR: two destinations, and each port is had once."""
    keep = [stage.listen(), stage.listen(port=1884)]
    start(stage.SOURCE, RANGE, node=True)
    bound = stage.ask(*asked(f"bind:{LOW}-{HIGH}", stage.SOURCE))["ports:all"]
    assert (bound["hard"], bound["knee"]) == (HIGH - LOW + 1, None), bound
    stops(bound)
    assert keep


def test_a_node_stops_at_its_range_of_ports() -> None:
    stage.need("tsung", "erl")
    stage.play(__file__, "on_range")


def on_nofile() -> None:
    keep = [stage.listen(), stage.listen(port=1884)]
    start(stage.SOURCE, nofile=150, warm=3)
    names = (path for path in Path("/proc").glob("[0-9]*/comm") if path.read_text() == "beam.smp\n")
    stage.own_descriptors(int(next(names).parent.name))
    assert carried() == 0
    bound = stage.ask("--role", "client", "--process-name", "beam.smp")["nofile"]
    stops(bound)
    assert keep


def test_descriptors_stop_it_at_one_a_user() -> None:
    stage.need("tsung", "erl")
    stage.play(__file__, "on_nofile")
