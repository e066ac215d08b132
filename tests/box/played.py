"""One run of the box: emit, build, start, drive, count. A step is what was predicted beside what was measured.

    python -m tests.box.played one|all [TIER.KEY=VALUE ...]

Prints each step as a line of JSON when it is there; `one` takes the source addresses away. Only within hosts.apart().
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from tests.box import asked, counted, hosts
from tests.box.step import Step, written

DIRECTORY = hosts.WORK / "emitted"
TSUNG = hosts.WORK / "tsung"
TOPIC = "hosttune"
NO_PORTS = "Connect() failed for backend brokers: no free ports."


def main(which: str, *overrides: str) -> None:
    given = asked.changes(which, *overrides)
    plan = asked.plan(given)
    hosts.raise_stage()
    asked.emit(given, DIRECTORY)
    try:
        for step in _stalls(plan) if which == "one" else _carries(plan):
            print(written(step), flush=True)
    except Exception:
        for log in (*hosts.WORK.glob("*.log"), *TSUNG.glob("*/*.log")):
            print(f"--- {log}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
        raise


def _stalls(plan: dict[str, Any]) -> Iterator[Step]:
    """Without the source addresses: it stops where the plan says, and HAProxy says why."""
    place = next(place for place in plan["bottlenecks"] if not place["knee"])
    predicted, hop = place["connections"], _hop(plan)
    brokers = _build()
    bound = asked.least("lb-1", DIRECTORY / "profiles" / "lb-1.toml", "haproxy")
    yield _of_host(predicted, bound)
    wanted = plan["topology"]["connections"]
    _drive()
    hosts.wait_for(f"{wanted} devices that try", lambda: counted.tsung("users_count", TSUNG) >= wanted, 180)
    count = hosts.settled(lambda: _carried(brokers), predicted)
    at = f"devices at the {len(brokers)} brokers, of {_n(wanted)} that try"
    yield Step(at, f"stalls at {_n(predicted)}: {place['bound']['name']}", _n(count), count == predicted)
    yield _connected(predicted)
    yield _pools(hop, hop["ports"], hop["ports"])
    yield _said(bound["log"], hosts.log_of("haproxy"))
    yield _diagnosed(predicted)


def _carries(plan: dict[str, Any]) -> Iterator[Step]:
    """With them: every device is connected, its messages arrive, and each pool is as full as the plan says."""
    wanted, hop = plan["topology"]["connections"], _hop(plan)
    brokers = _build()
    places = (place for place in plan["bottlenecks"] if place["tier"] == "lb" and not place["knee"])
    bound = asked.least("lb-1", DIRECTORY / "profiles" / "lb-1.toml", "haproxy")
    yield _of_host(next(places)["connections"], bound)
    subscriber = counted.Subscriber([address for name, address in asked.names(DIRECTORY) if name in brokers], TOPIC)
    _drive()
    count = hosts.settled(lambda: _carried(brokers), wanted)
    at = f"devices at the {len(brokers)} brokers, of {_n(wanted)} that try"
    yield Step(at, f"carries {_n(wanted)}", _n(count), count == wanted)
    yield _connected(wanted)
    messages = wanted * plan["topology"]["message"]["count"]
    arrived = hosts.settled(lambda: subscriber.messages, messages)
    yield Step("messages at the brokers", _n(messages), _n(arrived), arrived == messages)
    yield _pools(hop, hop["each"] - 1, hop["each"])
    log = hosts.log_of("haproxy")
    yield Step("HAProxy's log", "no failure", f"{_n(log.count(NO_PORTS))} times no free ports", not log.strip())


def _of_host(predicted: int, bound: dict[str, Any]) -> Step:
    """Hold what the plan says of the load balancer against what is read there, of the running program too."""
    found = bound["hard"]
    what = "hosttune capacity on lb-1, before the load"
    return Step(what, f"stalls at {_n(predicted)}", f"{_n(found)}: {bound['name']}", found == predicted)


def _hop(plan: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(tier for tier in plan["tiers"] if tier["tier"]["name"] == "lb")["hops"][0]
    return found


def _build() -> list[str]:
    """Build every host as the plan has it and start its servers; return the brokers."""
    hosts.know((DIRECTORY / "hosts/etc-hosts").read_text())
    for name, address in asked.names(DIRECTORY):
        hosts.add(name, address)
        hosts.tune(name, asked.settings(DIRECTORY, name))
    for name, _ in asked.names(DIRECTORY):
        words = asked.additions(DIRECTORY, name)
        if words:
            hosts.on(name, sys.executable, "-m", "hosttune", *words, "--runtime-only", "--yes")
    brokers = [name for name, _ in asked.names(DIRECTORY) if name.startswith("broker-")]
    for name in brokers:
        hosts.start(name, name, "mosquitto", "-c", str(DIRECTORY / "hosts" / name / "mosquitto.conf"))
    hosts.start("lb-1", "haproxy", "haproxy", "-db", "-f", str(DIRECTORY / "hosts/lb-1/haproxy.cfg"))
    for name in (*brokers, "lb-1"):
        hosts.wait_for(f"a listener of {name}", lambda name=name: _listens(name))
    return brokers


def _listens(name: str) -> bool:
    return bool(hosts.on(name, "ss", "-tnH", "state", "listening", "src", f":{counted.PORT}").strip())


def _drive() -> None:
    """Start Tsung's controller here; it starts its nodes on the clients, through what stands for ssh."""
    often = {"ERL_FLAGS": "-tsung_controller dumpstats_interval 1000"}
    options = ["-r", str(hosts.REACH), "-l", str(TSUNG), "-f", str(DIRECTORY / "tsung-1.7.xml"), "-n", "start"]
    hosts.start(hosts.CONTROLLER, "tsung", "tsung", *options, environment=often)


def _carried(brokers: list[str]) -> int:
    return sum(counted.at(name) for name in brokers)


def _connected(predicted: int) -> Step:
    """Hold what Tsung itself says of devices that a broker has taken; it says so once a second."""
    got = hosts.settled(lambda: counted.tsung("mqtt_connected", TSUNG), predicted, quiet=1.5)
    return Step("devices that Tsung has connected", _n(predicted), _n(got), got == predicted)


def _pools(hop: dict[str, Any], least: int, most: int) -> Step:
    """Hold that all pools are used evenly, as full as predicted, and on the predicted side of the knee."""
    found = counted.pools("lb-1")
    fullest, emptiest = max(found.values(), default=0), min(found.values(), default=0)
    ports = _n(hop["ports"])
    return Step(
        "pools (source, broker)",
        f"{_n(hop['pairs'])} pools, {_n(most)} of {ports} ports each{_side(most, hop['knee'])}",
        f"{_n(len(found))} pools, {_n(emptiest)} to {_n(fullest)} of {ports} ports{_side(emptiest, hop['knee'])}",
        len(found) == hop["pairs"] and emptiest >= least and fullest <= most,
    )


def _side(count: int, knee: int | None) -> str:
    return "" if knee is None else f", {'beyond' if count > knee else 'below'} the knee of {_n(knee)}"


def _said(announced: str, log: str) -> Step:
    lines = [line for line in log.splitlines() if NO_PORTS in line]
    same = bool(lines) and re.fullmatch(re.escape(announced).replace("…", ".*"), lines[0]) is not None
    return Step("HAProxy's log", announced, f"{lines[0] if lines else 'nothing'} ({_n(len(lines))} times)", same)


def _diagnosed(predicted: int) -> Step:
    said = asked.diagnose("lb-1", DIRECTORY / "hosts/lb-1/haproxy.cfg", hosts.WORK / "haproxy.log")
    cause = next(iter(said["causes"]), {"kind": "no cause", "certainty": said["conclusion"], "at": None})
    same = (cause["kind"], cause["certainty"], cause["at"]) == ("ports", "certain", predicted)
    measured = f"{cause['kind']}, {cause['certainty']}, at {_n(cause['at'] or 0)}: {said['text']}"
    return Step("hosttune diagnose on lb-1", f"ports, certain, at {_n(predicted)}", measured, same)


def _n(count: int) -> str:
    return f"{count:,}"


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except RuntimeError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
