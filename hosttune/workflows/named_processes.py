"""Which processes the options name, on a host that answers now and in a recording."""

from __future__ import annotations

from hosttune.errors import HostError, UsageError
from hosttune.facts import process, traffic
from hosttune.facts.kinds import nofile
from hosttune.host import Host, proc, text
from hosttune.host.recorded import Recorded
from hosttune.model import Program, Reason, Sample, Unknown
from hosttune.options import Options

_MOST = 100_000


def pids(host: Host, options: Options) -> list[int] | None:
    """Return the processes of what was named, its workers too; None where nothing was."""
    if options.service:
        pids = nofile.processes(host, options.service)
        if not pids:
            recorded = isinstance(host, Recorded)
            why = "the snapshot has no process of it" if recorded else "no process of it runs here"
            look = (
                "--process-name finds those that it has"
                if recorded
                else f"`systemctl status {options.service}` shows why"
            )
            raise UsageError(f"--service {options.service}: {why}; {look}")
        return pids
    if isinstance(host, Recorded):
        return _recorded_pids(host, options)
    pid = process.by_name(host, options.process_name) if options.process_name else options.pid
    if pid is None:
        return None
    if within := _of_container(host, pid):
        return within
    try:
        workers = [int(row["pid"]) for row in host.probe("workers", pids=[pid])]
    except HostError:
        workers = []
    return sorted({pid, *workers})


def _of_container(host: Host, pid: int) -> list[int]:
    """Return all processes of a container whose first process is named, as a look from inside has them.

    [] for any other process: the first one has the number 1 in a PID namespace of its own (proc_pid_status(5), NSpid).
    """
    own = host.link(f"/proc/{pid}/ns/pid")
    if not own or proc.status(text(host, f"/proc/{pid}/status")).get("NSpid", "").split()[1:][-1:] != ["1"]:
        return []
    paths = [f"{path.removesuffix('/stat')}/ns/pid" for path in host.glob("/proc/[0-9]*/stat")[:_MOST]]
    return sorted(int(path.split("/")[2]) for path in paths if host.link(path) == own)


def _recorded_pids(host: Recorded, options: Options) -> list[int] | None:
    """Return the same of a snapshot, which has the processes that held the most; its workers are those of one name."""
    if not options.process_name and options.pid is None:
        return None
    moments = [host, *([host.again] if host.again else [])]
    # what was there at the second moment only has begun meanwhile
    held = [program for moment in moments for program in _recorded_programs(moment)]
    name = next((program.name for program in held if program.pid == options.pid), options.process_name)
    pids = sorted({program.pid for program in held if program.name == name})
    if not pids and options.process_name:
        raise UsageError(f"--process-name {name}: the snapshot has none; it keeps those that held the most descriptors")
    return pids or [options.pid or 0]


def _recorded_programs(host: Recorded) -> tuple[Program, ...]:
    """Return the processes of one moment of a snapshot, which asked for them with the listeners that it had read."""
    seen = traffic.gather(host, Sample(0.0, {})).traffic
    for known in (Unknown(Reason.UNDECIDED), seen):
        programs = traffic.listed(traffic.programs(host, None, known))
        if programs:
            return programs
    return ()
