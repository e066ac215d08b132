"""TIME_WAIT: how many connections a second a pool of ports sustains when the client closes first.

tcp_twsk_unique (net/ipv4/tcp_ipv4.c) takes a tuple over after tcp_tw_reuse_delay, with timestamps and tcp_tw_reuse or
an explicit bind; else it waits TCP_TIMEWAIT_LEN (include/net/tcp.h): 60 s, whatever tcp_fin_timeout says.
"""

from __future__ import annotations

import errno
import socket
import statistics
import time
from dataclasses import dataclass
from typing import Any

from hosttune import kernel, releases
from hosttune.facts.pool import Settings, Used, compute
from hosttune.model import BindMode, Reason, Unknown
from hosttune.ports import span
from hosttune.proofs import kernel_settings, socket_pairs
from hosttune.proofs.child import Failed
from hosttune.proofs.counters import waiting
from hosttune.proofs.proof_setup import Forecast, Setup, examples
from hosttune.proofs.scene import Scene

RANK = 4
_LOW, _PORTS = 32768, 200
_ONE_PORT = 1000  # connections one after another from one port
_ROUND = 10  # ms: a shorter delay lets a pool serve faster than one program connects
_PATH = "net/ipv4/"
_PAIR = examples(1, 1)[0]


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the host's way; what tcp_tw_reuse 1 would give where it is not that; what an explicit bind gives."""
    stamps = setup.settings.timestamps
    own = setup.settings.tw_reuse
    delay = setup.number(f"{_PATH}tcp_tw_reuse_delay", 0)
    forecasts = list(host(own, stamps, delay))
    if not _reused(BindMode.CONNECT, own, stamps) and stamps:
        forecasts += host(1, stamps, delay)
    return (*forecasts, explicit(own, stamps))


def host(reuse: int, stamps: bool, delay: int) -> tuple[Forecast, ...]:
    """Return the forecasts of connect() with these settings; `delay` in ms, 0 where the kernel has no such key."""
    if _reused(BindMode.CONNECT, reuse, stamps):
        return (_rate(reuse, stamps, delay),)
    args = _args(reuse, stamps, delay, _PORTS)
    setting = f"{_PORTS} ports, 1 pair, {_settings(reuse, stamps)}"
    return (
        Forecast(
            id=f"churn:exhausted:{reuse}",
            what="TIME_WAIT, all ports",
            setting=setting,
            predicted=_PORTS,
            accepts=(_PORTS, _PORTS),
            unit="connections, each closed before the next",
            fails=kernel_settings.failure("connect", errno.EADDRNOTAVAIL),
            args=args | {"ask": "count"},
            seconds=0.5,
        ),
        Forecast(
            id=f"churn:length:{reuse}",
            what="TIME_WAIT, its length",
            setting=f"{setting}: N / {kernel.TIMEWAIT_LEN} s are sustained",
            predicted=kernel.TIMEWAIT_LEN,
            accepts=(kernel.TIMEWAIT_LEN - 1, kernel.TIMEWAIT_LEN + 1),
            tolerance="to the second",
            unit="seconds",
            fails="",
            args=args | {"ask": "length"},
            seconds=0.5,
        ),
    )


def explicit(reuse: int, stamps: bool) -> Forecast:
    """Return the forecast of one port, bound explicitly, again and again."""
    count = _ONE_PORT if _reused(BindMode.EXPLICIT, reuse, stamps) else 1
    return Forecast(
        id="churn:explicit",
        what="TIME_WAIT, explicit bind",
        setting=f"1 port, {_settings(reuse, stamps)}; {_ONE_PORT:,} are tried",
        predicted=count,
        accepts=(count, count),
        unit="connections, each closed before the next",
        fails="" if count > 1 else kernel_settings.failure("connect", errno.EADDRNOTAVAIL),
        args=_args(reuse, stamps, 0, 1) | {"ask": "explicit"},
        seconds=1.0,
    )


def _rate(reuse: int, stamps: bool, delay: int) -> Forecast:
    # no more ports than the client can use up in a small part of the delay
    ports = min(_PORTS, max(2, delay // 2 & ~1)) if delay else _PORTS
    rounds = max(1, min(5, 3000 // (delay or 1000)))
    rate = ports * 1000 // (delay or 1000)
    tenth = max(rate // 10, 1)
    change = releases.named("time-wait-delay")
    fast = Unknown(Reason.UNDECIDED, "with so short a delay the program, not its ports, is the limit")
    return Forecast(
        id=f"churn:rate:{reuse}",
        what="TIME_WAIT, taken over",
        setting=f"{ports} ports, 1 pair, {_settings(reuse, stamps)}, after {delay or 1000:,} ms",
        predicted=fast if 0 < delay < _ROUND else rate,
        accepts=(rate - tenth, rate + tenth),
        tolerance="within 10 %" if delay else f"within 10 %; {releases.older(change, False)}",
        unit="connections a second",
        fails="",
        # by a clock of whole seconds the first round comes after anything above 0 s, and is not counted
        args=_args(reuse, stamps, delay, ports) | {"ask": "rate", "rounds": rounds, "passed": 1 if delay else 2},
        seconds=0.5 + (rounds + 2) * (delay or 1000) / 1000,
    )


def _args(reuse: int, stamps: bool, delay: int, ports: int) -> dict[str, Any]:
    sysctls = {
        f"{_PATH}tcp_tw_reuse": str(reuse),
        f"{_PATH}tcp_timestamps": str(int(stamps)),
        f"{_PATH}ip_local_port_range": f"{_LOW} {_LOW + ports - 1}",
        f"{_PATH}ip_local_reserved_ports": "",
    }
    sysctls |= {f"{_PATH}tcp_tw_reuse_delay": str(delay)} if delay else {}
    return {"ports": ports, "sysctls": sysctls}


def _settings(reuse: int, stamps: bool) -> str:
    return f"tcp_tw_reuse {reuse}, tcp_timestamps {int(stamps)}"


def _reused(mode: BindMode, reuse: int, stamps: bool) -> bool:
    """Say what facts/pool.py says: whether a tuple in TIME_WAIT is free."""
    settings = Settings(_LOW, _LOW, 0, reuse, stamps)
    return compute(*_PAIR, mode, settings, (), Used(time_wait=span(_LOW, _LOW)), stamps=stamps).free == 1


def measure(
    scene: Scene, ask: str, ports: int, sysctls: dict[str, str], rounds: int = 0, passed: int = 1
) -> dict[str, Any]:
    """Connect and close, again and again, and answer what is asked."""
    scene.write(sysctls)
    source, backend = _PAIR
    # both ends in this process: nothing waits for another one, however busy the machine is
    scene.reach([source, backend.address], [(backend.address, backend.port)])
    ends = Ends(source, backend.address, backend.port, scene.keep[-1])
    if ask == "explicit":
        made, failed = _again(ends, BindMode.EXPLICIT, _ONE_PORT, _LOW)
        return {"measured": made, "failed": failed}
    if ask == "rate":
        return _timed(ends, ports, rounds, passed)
    made, failed = _again(ends, BindMode.CONNECT, ports * 2, 0)
    if ask == "count":
        return {"measured": made, "failed": failed}
    return {"measured": round(max(waiting(), default=0)), "failed": ""}


@dataclass(frozen=True, slots=True)
class Ends:
    """Where connections come from and go to, and the listener there."""

    source: str
    address: str
    port: int
    server: socket.socket

    def once(self, mode: BindMode, local: int = 0) -> int:
        """Connect, close on the client's side first, then on the other, and return the port; raises Refused."""
        client = socket_pairs.client(mode, self.source, self.address, self.port, local=local, reset=False)
        other, _ = self.server.accept()
        client.shutdown(socket.SHUT_WR)
        other.recv(1)
        other.close()
        client.recv(1)
        port: int = client.getsockname()[1]
        client.close()
        return port


def _again(ends: Ends, mode: BindMode, most: int, local: int) -> tuple[int, str]:
    """Return how many were made before the first was refused, and how."""
    for number in range(most):
        try:
            ends.once(mode, local)
        except socket_pairs.Refused as error:
            return number, str(error)
    return most, ""


def _timed(ends: Ends, ports: int, rounds: int, passed: int) -> dict[str, Any]:
    """Use up the pool `passed` times, then so many rounds of it: the rate is what a port's usual wait allows.

    A machine that is held up by other work makes single waits longer, and the rest as before. Raises Failed where
    making the connections takes so long that the pool is not what limits them.
    """
    last: dict[int, float] = {}
    waits: list[float] = []
    refused = 0
    while len(waits) < ports * (rounds + passed - 1):
        try:
            port = ends.once(BindMode.CONNECT)
        except socket_pairs.Refused as error:
            if error.number != errno.EADDRNOTAVAIL:
                return {"measured": len(last) + len(waits), "failed": str(error)}
            refused += 1
            time.sleep(0.0005)
            continue
        now = time.monotonic()
        if port in last:
            waits.append(now - last[port])
        last[port] = now
    if not refused:
        alone = ports / statistics.median(waits)
        raise Failed(
            f"one program makes {alone:,.0f} connections a second on this machine: source ports do not limit it"
        )
    rate = ports / statistics.median(waits[ports * (passed - 1) :])
    return {"measured": round(rate), "failed": "", "notes": [f"refused {refused:,} times in between"]}
