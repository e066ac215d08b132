"""How many MQTT devices this machine holds at once through HAProxy, against what hosttune says it can.

    python -m tests.bench.million [DEVICES] [--trial N] [--floor MIB] [--lanes N] [--patience S]

Devices, balancers and brokers are processes of this machine, in three network namespaces that veth joins; a lane is
one process of each, and carries what nofile lets one HAProxy carry. A trial measures what HAProxy takes for a device;
from that and the machine's limits hosttune says where it will stop; then devices come until there are as many as
wanted, one is refused, or memory is down to the floor. In the end every device that is held says PINGREQ. Takes root,
gcc and haproxy. Ctrl-C ends the ramp, the end of its process ends all: nothing stays. Fails where the prediction does.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.million import predict, report
from tests.bench.million.ramp import Ramp
from tests.bench.million.stage import BALANCER, BROKERS, Stage, within

_ROOT = Path(__file__).resolve().parents[3]
# all of a lane that counts for its descriptors
_LIKE_A_LANE = "global\n    nbthread 1\nlisten lane\n    bind 127.0.0.1:1\n    server broker 127.0.0.1:1\n"
_MOUNT_POINTS = (Path("/mnt"), Path("/media"))  # for what is mounted for a while, Filesystem Hierarchy Standard 3.0
_ALONE = ("--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.million")
    parser.add_argument("devices", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--trial", type=int, default=5_000, help="devices of the trial")
    parser.add_argument("--floor", type=int, default=1_024, help="MiB of memory that stay free")
    parser.add_argument("--lanes", type=int, default=0, help="processes of each kind; by default as many as it takes")
    parser.add_argument("--patience", type=int, default=20, help="seconds without a new device that end it")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    missing = [tool for tool in ("unshare", "nsenter", "ip", "haproxy", "gcc") if not shutil.which(tool)]
    if os.geteuid() or missing or asked.devices < 1:
        print(f"takes root and one device or more; missing: {', '.join(missing) or 'no program'}")
        return 2
    if not asked.inside:
        os.chdir(_ROOT)
        # in the place of this process: whoever ends it ends the pid namespace, and all that runs there
        command = ("unshare", *_ALONE, sys.executable, "-m", "tests.bench.million", "--inside", *sys.argv[1:])
        sys.stdout.flush()
        os.execvp("unshare", command)
    # should memory run out after all, then one of these goes, and nothing else of the machine
    Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # files in the memory of this mount namespace: they go with it, however it ends
    folder = next(path for path in _MOUNT_POINTS if path.is_dir() and path not in _ROOT.parents)
    subprocess.run(["mount", "-t", "tmpfs", "million", folder], check=True)
    return _measure(folder, asked)


def _measure(folder: Path, asked: argparse.Namespace) -> int:
    nofile, floor = resource.getrlimit(resource.RLIMIT_NOFILE)[1], asked.floor << 20
    sample = folder / "haproxy.cfg"
    sample.write_text(_LIKE_A_LANE)
    each = predict.of_balancer(sample, nofile)
    lanes = asked.lanes or -(-asked.devices // each)
    print(report.machine(nofile), flush=True)
    began = time.monotonic()
    stage = Stage(folder, lanes)
    try:
        print(f"{3 * lanes:,} processes of {lanes:,} lanes run after {time.monotonic() - began:.1f} s.", flush=True)
        facts = predict.gather(stage.configuration(0), nofile, predict.towards(BROKERS, lanes))
        ramp = Ramp(stage, each, floor, asked.patience)
        trial = ramp.to(min(asked.trial, asked.devices))
        bounds = predict.limits(facts, lanes, _ports_of_devices(stage), trial.application, floor)
        print(report.before(trial, bounds, asked.devices), flush=True)
        held = ramp.to(asked.devices, say=True)
        answered, took = ramp.ping()
        print(report.after(held, answered, took, bounds, asked.devices), flush=True)
    finally:
        began = time.monotonic()
        stage.close()
        print(f"All processes are gone after {time.monotonic() - began:.1f} s.", flush=True)
    return 0 if report.agrees(held, answered, bounds, asked.devices) else 1


def _ports_of_devices(stage: Stage) -> int:
    command = (*within(stage.clients).split(), sys.executable, "-m", "tests.bench.million.predict")
    told = subprocess.run((*command, BALANCER, str(stage.lanes)), check=True, capture_output=True, text=True)
    return int(told.stdout)


if __name__ == "__main__":
    sys.exit(main())
