"""A soft limit of descriptors that is far too high: programs that close or poll each number take minutes to start.

getrlimit(2), close(2): daemons of old, start-stop-daemon, Python 2 (close_fds), some scripts of packages, inits.
"""

from __future__ import annotations

from hosttune.diagnosis import limits_fixing
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.findings import too_many
from hosttune.model import Cause, Certainty, Evidence, Program

RULE = Rule(
    __name__,
    "the limit of descriptors is far too high: a program that closes each of them at its start takes minutes",
    failure="no error: it seems to hang",
    errnos=("none",),
    unit="descriptors",
    log="nothing: a start that hangs, with one CPU busy in the kernel",
    confirm="`strace -c -f -p PID` while it hangs: close(), or one poll() of a billion; or start it with a lower limit "
    "(`prlimit --nofile=65536 COMMAND`)",
    strength=35,
    rivals=("nofile",),
)
_BUSY = 0.5  # of a CPU, in the kernel: a loop of close() takes a whole one


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return the named processes with such a limit, where nothing failed; likely where one is busy in the kernel."""
    high = [program for program in clues.programs if too_many.is_too_high(program.soft)]
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    mine = [program for program in high if clues.named or _loops(clues, program)]
    if mine:
        return (_cause(clues, mine[0]),)
    most = max((program.soft or 0 for program in clues.programs), default=None)
    if most is None:
        return (RULE.unknown("no process was looked at; --pid, --service or --process-name names one"),)
    if high:
        return (
            RULE.unknown(f"{high[0]} may have {most:,}, and whether it hangs was not asked", "--pid of what hangs"),
        )
    return (RULE.excluded(f"the highest soft limit is {most:,}, which is closed in a moment", "/proc/PID/limits"),)


def _loops(clues: Clues, program: Program) -> bool:
    """Say whether a process is busy in the kernel, with next to nothing open."""
    busy = clues.busy(program)
    return busy is not None and busy[0] >= _BUSY and program.descriptors < 1024


def _cause(clues: Clues, program: Program) -> Cause:
    busy, soft = clues.busy(program), program.soft or 0
    loops = _loops(clues, program)
    text = f"{program} may have {soft:,} descriptors: to close each takes {too_many.seconds(soft):,} s at least"
    certainty = Certainty.LIKELY if loops else Certainty.POSSIBLE
    return RULE.cause(
        clues,
        certainty,
        Evidence(text, f"/proc/{program.pid}/limits"),
        Evidence(f"it takes {busy[0]:.1f} CPUs in the kernel", f"/proc/{program.pid}/stat") if loops and busy else None,
        at=soft,
        fixes=limits_fixing.lower(clues, program),
    )
