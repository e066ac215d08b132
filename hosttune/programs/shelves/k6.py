"""k6: a command line for each host, and a script of a device, for k6 has no MQTT of its own."""

from __future__ import annotations

import shlex

from hosttune.model import Deployment, PlannedHost
from hosttune.programs import pieces

SCRIPT = "k6/device.js"
_FOREVER = 86_400  # seconds: k6 wants an end


def files(deployment: Deployment) -> dict[str, str]:
    """Return k6.sh of each load generator, and the script that all of them run."""
    hosts = [host for host in pieces.running(deployment, "k6") if host.pairs]
    if not hosts:
        return {}
    return {SCRIPT: _script(deployment), **{f"hosts/{host.name}/k6.sh": _text(deployment, host) for host in hosts}}


def _text(deployment: Deployment, host: PlannedHost) -> str:
    count = host.workload.connections
    ramp = max(-(-count // host.workload.rate), 1)
    targets = dict.fromkeys(str(pair.backend) for pair in host.pairs)
    command = ["k6", "run", f"--local-ips={','.join(host.sources)}"]
    # all come in the ramp and then stay; a device that is done begins again, so none is done before the end
    command += [f"--stage={ramp}s:{count}", f"--stage={_lives(deployment)}s:{count}"]
    command += ["-e", f"HOST={host.name}", "-e", f"TARGETS={','.join(targets)}", SCRIPT]
    head = pieces.head(deployment, host, "k6")
    return pieces.filled(__file__, "k6.sh.in", head=head, script=SCRIPT, command=shlex.join(command))


def _lives(deployment: Deployment) -> int:
    """Return the seconds that a device lives, messages and all."""
    topology = deployment.sizing.topology
    message = topology.message
    return topology.hold or (round(message.count * message.interval) + message.stay if message.stay else _FOREVER)


def _script(deployment: Deployment) -> str:
    message = deployment.sizing.topology.message
    return pieces.filled(
        __file__,
        "k6.js.in",
        head=pieces.head(deployment, None, "a device of k6"),
        size=message.size,
        qos=message.qos,
        interval=round(message.interval * 1000),
        count=message.count,
        keepalive=min(message.keepalive, 65_535) or 65_535,
        lives=_lives(deployment) * 1000,
    )
