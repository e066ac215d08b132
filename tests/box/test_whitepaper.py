"""The white paper in a box, at small size: it stops where the plan says, and with source addresses reaches the target.

What differs from the box itself is numbers only: 480 devices, 32 ports.
"""

from __future__ import annotations

import pytest

from tests.box.__main__ import said, steps
from tests.programs import stage

SMALL = (
    "connections=480",
    "rate=160",
    "message.count=2",
    "message.interval=0.5",
    "client.connections_max=320",
    "lb.port_range=[20000,20031]",
    "lb.connections_max=960",
    "broker.connections_max=96",
)
# what each run must have compared, and a number that has to be in it
WANTED = {
    "one": {
        "hosttune capacity on lb-1, before the load": "192",
        "devices at the 6 brokers, of 480 that try": "192",
        "devices that Tsung has connected": "192",
        "pools (source, broker)": "6 pools, 32 of 32 ports each",
        "HAProxy's log": "no free ports",
        "hosttune diagnose on lb-1": "ports",
    },
    "all": {
        "hosttune capacity on lb-1, before the load": "768",
        "devices at the 6 brokers, of 480 that try": "480",
        "devices that Tsung has connected": "480",
        "messages at the brokers": "960",
        "pools (source, broker)": "24 pools, 20 of 32 ports each",
        "HAProxy's log": "no failure",
    },
}


@pytest.mark.parametrize("which", WANTED)
def test_the_white_paper_stops_and_goes_on_as_planned(which: str) -> None:
    stage.need("tsung", "erl", "haproxy", "mosquitto")
    found = {step.what: step for step in steps(which, *SMALL)}
    assert set(found) == set(WANTED[which])
    for what, step in found.items():
        assert step.holds, said(step)
        assert WANTED[which][what] in step.predicted, said(step)
