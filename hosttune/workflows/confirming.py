"""What the verbs that change a host share of `--confirm-within`: options, last lines, the wait for a command."""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hosttune.changes import confirm, journal, trial
from hosttune.changes.confirm import Confirm, left, moment, over
from hosttune.changes.record import Record, Status
from hosttune.errors import ApplyError, HostError, RefusedError, StoppedError, UsageError
from hosttune.host import Host, text
from hosttune.host.live import LiveHost
from hosttune.model import Plan
from hosttune.model.acting import Confirmed, Waiting
from hosttune.model.progress import Step
from hosttune.options import ApplyOptions, Place, SourceOptions
from hosttune.render import plan_text
from hosttune.render.figures import clock
from hosttune.workflows import damaged_records, opening, telling

_LEAST, _MOST = 5, 3600
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_ENDED = (Status.APPLIED, Status.ROLLED_BACK, Status.UNDONE, Status.PARTLY)
_AGAIN = 2.0
"""Seconds between two attempts of a command."""


@dataclass(frozen=True, slots=True)
class Within:
    """`seconds` in which an apply has to be confirmed, and the `command` that confirms it, "" for a person."""

    seconds: int
    command: str = ""


def within(how: ApplyOptions | SourceOptions, place: Place, *, script: bool = False) -> Within | None:
    """Return what --confirm-within and --confirm-if come to, None without them; raises UsageError."""
    given, command = how.confirm_within, how.confirm_if
    if not given:
        if command:
            raise UsageError("--confirm-if: it confirms what waits to be confirmed; add --confirm-within 120s")
        return None
    barred = {
        "--root": place.root != "/",
        "--snapshot": bool(place.snapshot),
        "--persist-only": how.persist_only,
        "--script": script,
    }
    wrong = next((option for option, is_given in barred.items() if is_given), "")
    if wrong:
        raise UsageError(f"--confirm-within and {wrong}: {_WHY[wrong]}; leave one of them out")
    parts = re.fullmatch(r"([0-9]{1,6})\s*([smh]?)", given.strip())
    seconds = int(parts[1]) * _UNITS[parts[2]] if parts else 0
    if not _LEAST <= seconds <= _MOST:
        raise UsageError(f"--confirm-within {given}: no time from {_LEAST} s to an hour; write 120s or 2m")
    if command and ("\0" in command or not command.strip()):
        raise UsageError("--confirm-if: no command; write one that exits 0 where all is well")
    return Within(seconds, command)


_WHY = {
    "--root": "nothing runs in an image, so there is nothing to try",
    "--snapshot": "a recording cannot be changed",
    "--persist-only": "what is written for the next boot alone cannot be tried",
    "--script": "a script knows of no confirm",
}


def adjusted(host: Host, plan: Plan, within: Within | None) -> Plan:
    """Return a plan with what --confirm-within has to say of it: what waits, and what cannot be tried."""
    if within is None or not plan.changes:
        return plan
    refusals = [
        f"{target}: the kernel does not take its old value back, so it cannot be tried; --except {target}, or "
        "leave out --confirm-within"
        for target in plan.one_way
    ]
    if moment(host) is None:
        refusals.append("--confirm-within: /proc/uptime or the boot's id cannot be read, so no deadline can be kept")
    parts = confirm.split(host, plan.changes)
    twins = [change.target for change in parts.now if change.backend == "file"]
    notes = [f"until it is confirmed, {', '.join(twins)} stands for what goes to /etc"] if twins else []
    notes += [f"until it is confirmed, {', '.join(parts.late)} waits"] if parts.late else []
    refusals = [refusal for refusal in refusals if refusal not in plan.refusals]
    return dataclasses.replace(plan, refusals=(*plan.refusals, *refusals), notes=(*plan.notes, *notes))


def begun(host: Host, seconds: int) -> Confirm:
    """Return the deadline that is `seconds` from now; raises RefusedError where the moment is unknown."""
    now = moment(host)
    if now is None:
        raise RefusedError("--confirm-within: /proc/uptime or the boot's id cannot be read, so no deadline can be kept")
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return Confirm(
        seconds=seconds,
        boot=now.boot,
        deadline=now.milliseconds + seconds * 1000,
        until=until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        timer=confirm.SYSTEMD if _systemd_here(host) else confirm.PROCESS,
    )


def _systemd_here(host: Host) -> bool:
    """Say whether a unit of systemd's would see what this run sees: its network, and its files."""
    if text(host, "/proc/1/comm") != "systemd" or not host.glob("/run/systemd/system"):
        return False
    return all(host.link(f"/proc/1/ns/{kind}") == host.link(f"/proc/self/ns/{kind}") for kind in ("net", "mnt"))


def refuse_while_unconfirmed(host: Host, records: Sequence[Record], but: int | None = None) -> None:
    """Raise RefusedError while an apply waits to be confirmed; `but` is one that may."""
    waiting = trial.unconfirmed(records)
    if waiting is None or waiting.confirm is None or waiting.id == but or over(waiting.confirm, moment(host)):
        return
    seconds = left(waiting.confirm, moment(host))
    raise RefusedError(
        f"apply {waiting.id} waits to be confirmed ({seconds:,} s left): `sudo hosttune confirm {waiting.id}` keeps "
        f"it, `sudo hosttune rollback {waiting.id}` undoes it"
    )


def waiting(host: LiveHost) -> tuple[str, str]:
    """Return a sentence on the apply that waits to be confirmed, and what keeps it; "" where none is visible."""
    try:
        record = trial.unconfirmed(journal.records(host))
    except RefusedError:
        return "", ""  # who is not root does not see the journal
    now = moment(host)
    if record is None or record.confirm is None:
        return "", ""
    if why := over(record.confirm, now):
        return f"apply {record.id} was {why}; `sudo hosttune rollback` undoes it", "sudo hosttune rollback"
    keep = f"sudo hosttune confirm {record.id}"
    return (
        f"apply {record.id} will be undone in {left(record.confirm, now):,} s, or by a reboot: `{keep}` keeps it",
        keep,
    )


def waits(record: Record) -> Waiting | None:
    """Return until when an apply can be confirmed, None where it need not be."""
    given = record.confirm
    if given is None:
        return None
    files = tuple(change.target for change in record.pending if change.backend == "file")
    return Waiting(given.seconds, given.until, given.timer, files)


def settled(host: LiveHost, record: Record, command: str) -> Record:
    """Run `command` until it exits 0, and confirm; raises ApplyError once the time is up and all is taken back.

    It runs as `sh -c` with this environment, again and again, never longer than the deadline; what it prints is
    dropped. StoppedError leaves the apply to its timer.
    """
    assert record.confirm is not None
    state = "it was not run in time"
    code: int | None = None
    try:
        with journal.stopped_by_signals():
            while not over(record.confirm, moment(host)):
                telling.step(
                    Step(f"waiting for {command}", left=_seconds(host, record.confirm), note=partial(str, state))
                )
                code = _run(host, record.confirm, command)
                if code == 0:
                    break
                state = "it still ran" if code is None else f"it exited {code}"
                if _status(host, record.id) in _ENDED:
                    break
                time.sleep(max(0.0, min(_AGAIN, _seconds(host, record.confirm))))
    except (KeyboardInterrupt, StoppedError) as stop:
        why, code = (str(stop), stop.exit_code) if isinstance(stop, StoppedError) else ("stopped", 130)
        raise StoppedError(
            f"{why}; apply {record.id} is not confirmed, and will be undone at {clock(record.confirm.until)}", code
        ) from stop
    finally:
        telling.step(None)
    if code == 0:
        return kept(host, record.id)
    return _given_up(host, record, f"--confirm-if {command}: {state}")


def confirm_apply(host: LiveHost, id: int | None, *, dry_run: bool = False) -> Confirmed:
    """Keep an apply, None for the one that waits, or say what its confirm writes; raises RefusedError, ApplyError."""
    read = journal.read(host)
    damaged_records.refuse_unsafe(host, read)
    waiting = trial.unconfirmed(read.records)
    id = id if id is not None else waiting.id if waiting else None
    if id is None:
        raise RefusedError("nothing to confirm: no apply waits for it; `hosttune history` lists them")
    if any(record.id == id and record.status is Status.APPLIED for record in read.records):
        return Confirmed(id=id, dry_run=dry_run)
    record = confirmable(read.records, id)
    if not dry_run:
        lasts = kept(host, id).request.persist
    elif why := over(record.confirm, moment(host)) if record.confirm else "":
        raise RefusedError(f"too late: apply {id} was {why}; `sudo hosttune rollback` undoes it")
    else:
        lasts = record.request.persist
    return Confirmed(
        id=id,
        dry_run=dry_run,
        changed=True,
        files=tuple(change.target for change in record.pending if change.backend == "file"),
        diff=plan_text.text(record.pending),
        changes=record.pending,
        lasts=lasts,
    )


def kept(host: LiveHost, id: int) -> Record:
    """Confirm an apply under the lock and return its record; raises RefusedError, ApplyError, UsageError."""
    with journal.locked(host, opening.teller()):
        read = journal.read(host)
        damaged_records.refuse_unsafe(host, read)
        records = read.records
        applied = next((each for each in records if each.id == id and each.status is Status.APPLIED), None)
        if applied is not None:
            return applied
        record = confirmable(records, id)
        why = over(record.confirm, moment(host)) if record.confirm else ""
        if why:
            healed = trial.heal(host, [record])
            rest = "; ".join(healed.notes) or f"apply {id} was {why}"
            raise RefusedError(f"too late: {rest}")
        changed = trial.differs(host, record)
        if changed:
            raise RefusedError(
                f"apply {id} is not confirmed, it was planned on other files: {'; '.join(changed)}; "
                f"`sudo hosttune rollback {id}`, then apply again"
            )
        return trial.confirm(host, record)


def confirmable(records: Sequence[Record], id: int) -> Record:
    """Return the record that a confirm is about; raises UsageError, or RefusedError where it does not wait for one."""
    record = next((each for each in records if each.id == id), None)
    if record is None:
        raise UsageError(f"confirm {id}: no such apply; `hosttune history` lists them")
    if record.confirm is None or record.status is not Status.UNCONFIRMED:
        ended = record.confirm.ended if record.confirm else ""
        was = f"was {ended}" if ended else f"is {record.status.value}"
        raise RefusedError(f"apply {id} cannot be confirmed: it {was}; `hosttune history` says more")
    return record


def _given_up(host: LiveHost, record: Record, why: str) -> Record:
    """Take an apply back at its deadline; the timer may do it at the same time, one of the two finds it done."""
    with journal.locked(host, opening.teller()):
        now = next((each for each in journal.records(host) if each.id == record.id), record)
        if now.status is Status.APPLIED:
            return now
        done = trial.heal(host, [now])
        status = _status(host, record.id)
    if not done.whole or status not in _ENDED:
        raise ApplyError(f"{why}; apply {record.id} is only partly undone: {'; '.join(done.notes)}")
    but = " but for what others changed, see `hosttune history`" if status is Status.PARTLY else ""
    raise ApplyError(f"{why}; apply {record.id} is undone{but}")


def _run(host: LiveHost, until: Confirm, command: str) -> int | None:
    """Return the exit code of a command, None where the deadline came first."""
    null = subprocess.DEVNULL
    running = subprocess.Popen(["sh", "-c", command], stdin=null, stdout=null, stderr=null, start_new_session=True)
    try:
        return running.wait(_seconds(host, until))
    except subprocess.TimeoutExpired:
        return None
    finally:
        if running.poll() is None:
            # the whole group: what it has started would otherwise run on
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def _seconds(host: LiveHost, until: Confirm) -> float:
    now = moment(host)
    return max(0.0, (until.deadline - now.milliseconds) / 1000) if now else 0.0


def _status(host: LiveHost, id: int) -> Status | None:
    try:
        return next((each.status for each in journal.records(host) if each.id == id), None)
    except (RefusedError, HostError):
        return None
