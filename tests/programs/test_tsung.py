"""Tsung stops where hosttune says and counts the error that the table says: it binds before it connects."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.capacity._logs import log_line
from hosttune.model import BindMode
from tests.programs import stage

# one server a line, so that users are spread over them; each user connects, sends a byte and stays
CONFIG = """<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">
<tsung loglevel="notice" version="1.0">
<clients><client host="localhost" maxusers="2000" use_controller_vm="true">{address}</client></clients>
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
RANGE = '<option name="ports_range" min="40000" max="40099"/>'


def carried() -> int:
    return stage.established() + stage.established(port=1884)


def on_source(address: str, options: str) -> None:
    """Two destinations, and still no more than the ports of the source address."""
    keep = [stage.listen(), stage.listen(port=1884)]
    config = stage.WORK / "tsung.xml"
    given = f'<ip value="{address}"/>' if address else ""
    config.write_text(CONFIG.format(address=given, backend=stage.BACKEND, users=230, options=options))
    # how often it writes its figures, in ms; its default of 10 s would only make this longer
    often = "ERL_FLAGS=-tsung_controller dumpstats_interval 500"
    options_of_it = ["-l", str(stage.WORK / "tsung"), "-f", str(config), "-I", stage.FRONTEND]
    stage.start("tsung", "env", often, "tsung", *options_of_it, "start")
    stage.wait_for("its port mapper", lambda: stage.ss("state", "established", "dst", "127.0.0.1:4369"))
    backends = [f"--backend={stage.BACKEND}:{port}" for port in (1883, 1884)]
    mode = ["--role", "client", "--bind-mode", "bind", "--source", address or "0.0.0.0"]
    bound = stage.ask(*mode, *backends)["ports:all"]
    predicted = bound["hard"]
    stage.wait_for(f"the {predicted} predicted", lambda: carried() >= predicted)
    log = next((stage.WORK / "tsung").glob("*/tsung.log"))
    line = log_line("tsung", "ports:all", BindMode.BIND)
    stage.wait_for(f"{line} in {log}", lambda: line in log.read_text())
    assert stage.settled(carried, 1.0) == predicted
    again = stage.ask(*mode, *backends)["ports:all"]
    assert (again["hard"], again["used"]) == (predicted, predicted)
    assert bound["fails"] == "bind: EADDRINUSE (98)"
    # 127.0.0.1 has one port of the range already, towards Erlang's port mapper: in the way of 0.0.0.0 only
    assert predicted == stage.HIGH - stage.LOW + bool(address)
    assert keep


@pytest.mark.parametrize(("address", "options"), [(stage.SOURCE, ""), (stage.SOURCE, RANGE), ("", "")])
def test_it_stops_at_the_ports_of_its_address_whatever_the_servers(address: str, options: str) -> None:
    stage.need("tsung", "erl")
    if not Path("/usr/share/tsung/tsung-1.0.dtd").exists():
        pytest.fail("tsung is installed without its DTD")
    stage.play(__file__, "on_source", address, options)
