"""k6: a command line for each host, and a script of a device, for k6 has no MQTT of its own."""

from __future__ import annotations

import json
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
    lines = [
        "#!/bin/sh",
        f"# {pieces.head(deployment, host, 'k6')}",
        f"# {SCRIPT} imports k6/x/mqtt, an extension that k6 fetches itself or is built with (xk6). Whether an",
        "# extension dials from --local-ips is its own affair: look with `ss -tn` at the first run.",
        "# To be started from the directory above hosts/.",
        "set -eu",
        f"exec {shlex.join(command)}",
    ]
    return "\n".join(lines) + "\n"


def _lives(deployment: Deployment) -> int:
    """Return the seconds that a device lives, messages and all."""
    topology = deployment.sizing.topology
    message = topology.message
    return topology.hold or (round(message.count * message.interval) + message.stay if message.stay else _FOREVER)


def _script(deployment: Deployment) -> str:
    message = deployment.sizing.topology.message
    options = {"keepalive": min(message.keepalive, 65_535) or 65_535, "clean_session": True}
    publish = json.dumps({"qos": message.qos})
    lines = [
        f"// {pieces.head(deployment, None, 'a device of k6')}",
        "// It is written against the manual of k6/x/mqtt; it has not been run.",
        'import { Client } from "k6/x/mqtt";',
        'import { setTimeout } from "k6/timers";',
        "",
        'const targets = __ENV.TARGETS.split(",");',
        f"const payload = {json.dumps('x')}.repeat({message.size});",
        "",
        "export default function () {",
        "  const client = new Client({ client_id: `${__ENV.HOST}-${__VU}-${__ITER}` });",
        "  function speak(left) {",
        f'    if (left > 0) {{ client.publish("hosttune", payload, {publish}); }}',
        f"    if (left > 1) {{ setTimeout(() => speak(left - 1), {round(message.interval * 1000)}); }}",
        "  }",
        f'  client.on("connect", () => {{ speak({message.count}); }});',
        f"  client.connect(`mqtt://${{targets[__VU % targets.length]}}`, {json.dumps(options)});",
        f"  setTimeout(() => client.end(), {_lives(deployment) * 1000});",
        "}",
    ]
    return "\n".join(lines) + "\n"
