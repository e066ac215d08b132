"""Run hosttune and hold its answer against what it promises: what is no whole answer fails the task."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import typing as t

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PLACES = ["/usr/local/bin", "/opt/hosttune/bin"]
"""Where hosttune is looked for beside PATH, which sudo and ssh may shorten."""
NAMED = 6
"""How many findings a message names."""
GRACE = 60
"""Seconds that a run which was told to stop has to take back what it has written."""
REPORT = {"findings": list, "bounds": list, "pools": list, "workload": dict, "roles": list, "warnings": list}
REPORT |= {"where": dict, "fix": list}
"""What is read of a report, and its types."""

_WORDS = {
    "roles": "--role",
    "profiles": "--profile",
    "connections": "--connections",
    "rate": "--rate",
    "hold": "--hold",
    "backends": "--backend",
    "backends_from": "--backends-from",
    "sources": "--source",
    "bind_mode": "--bind-mode",
    "service": "--service",
    "users": "--user",
}


def options(**more: t.Any) -> dict[str, t.Any]:
    """Return the argument spec of every module, with `more` options of its own."""
    shared = {
        "roles": {"type": "list", "elements": "str", "aliases": ["role"]},
        "profiles": {"type": "list", "elements": "path", "aliases": ["profile"]},
        "connections": {"type": "int"},
        "rate": {"type": "int"},
        "hold": {"type": "int"},
        "backends": {"type": "list", "elements": "str", "aliases": ["backend"]},
        "backends_from": {"type": "list", "elements": "path"},
        "sources": {"type": "list", "elements": "str", "aliases": ["source"]},
        "bind_mode": {"type": "str"},
        "service": {"type": "str"},
        "users": {"type": "list", "elements": "str", "aliases": ["user"]},
        "root": {"type": "path", "default": "/"},
        "executable": {"type": "path", "default": "hosttune"},
        "timeout": {"type": "int", "default": 600},
    }
    return dict(shared, **more)


def aim(params: dict[str, t.Any]) -> list[str]:
    """Return the words of the options that say what the host shall be, and where it is."""
    return words(params, _WORDS) + where(params)


def where(params: dict[str, t.Any]) -> list[str]:
    """Return the words that name the tree, none for the host itself."""
    return [] if params["root"] == "/" else ["--root=" + params["root"]]


def words(params: dict[str, t.Any], names: dict[str, str]) -> list[str]:
    """Return options as words, each in one, so that no value is taken for an option."""
    arguments = []
    for name, option in names.items():
        value = params[name]
        if value is True:
            arguments.append(option)
        elif value is not None and value is not False:
            arguments += [f"{option}={each}" for each in (value if isinstance(value, list) else [value])]
    return arguments


class Answer(t.NamedTuple):
    """What hosttune answered: its exit code, its document, what it wrote on standard error."""

    code: int
    document: dict[str, t.Any]
    stderr: str


def ask(module: AnsibleModule, line: list[str], schema: str, codes: t.Sequence[int], keys: dict[str, t.Any]) -> Answer:
    """Run a verb with --format json; fail the task where it gives no document of `schema` with `keys`, or ends
    with none of `codes`."""
    code, out, stderr = _run(module, [*line, "--format", "json"])
    try:
        document = json.loads(out)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        if code and stderr:
            fail(module, _first(stderr), code, stderr)
        fail(module, f"it answered with no JSON, but {_shown(out) or 'nothing'}", code, stderr)
    if document.get("schema") != schema:
        fail(
            module,
            f"it answers as {_shown(str(document.get('schema')))} has it, and this collection reads {schema}: "
            "install both at the same version",
            code,
            stderr,
        )
    for key, kind in keys.items():
        if not isinstance(document.get(key), kind):
            fail(module, f"its answer is not as {schema} has it: {key}", code, stderr)
    if code not in codes:
        fail(module, _first(stderr) or f"it ended with {code}", code, stderr)
    return Answer(code, document, stderr)


def finish(module: AnsibleModule, work: t.Callable[[AnsibleModule], dict[str, t.Any]]) -> None:
    """End the task with what `work` returns; an answer that it cannot read fails it."""
    try:
        result = work(module)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        fail(module, f"its answer is not as its schema has it: {type(error).__name__}: {error}", 0, "")
    module.exit_json(**result)


def version(module: AnsibleModule) -> str:
    """Return the version of hosttune on the host."""
    code, out, stderr = _run(module, ["--version"])
    name, number = [*out.split(), "", ""][:2]
    if code or name != "hosttune" or not number[:1].isdecimal():
        fail(module, f"it prints no version, but {_shown(out or stderr) or 'nothing'}", code, stderr)
    return number


def fail(module: AnsibleModule, why: str, code: int, stderr: str, **more: t.Any) -> t.NoReturn:
    """Fail the task: `why` names what is wrong with what hosttune did or wrote."""
    # one line of hosttune's own is what `why` says already
    if len(stderr.splitlines()) > 1:
        more["stderr"] = stderr
    module.fail_json(msg=why if why.startswith("hosttune: ") else f"hosttune: {why}", rc=code, **more)
    raise AssertionError("fail_json returns")


def findings(report: dict[str, t.Any]) -> dict[str, list[dict[str, t.Any]]]:
    """Return the findings of a report by verdict, each with what a person needs."""
    by_verdict: dict[str, list[dict[str, t.Any]]] = {"FAIL": [], "DRIFT": [], "UNKNOWN": []}
    names = ("id", "subject", "verdict", "severity", "because", "fix")
    for finding in report["findings"]:
        if finding["verdict"] in by_verdict:
            by_verdict[finding["verdict"]].append({name: finding[name] for name in names})
    return by_verdict


def place(report: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what a report is about: the host, a network namespace, a container, whose it is; no numbers of inodes."""
    kept = {
        name: value for name, value in report["where"].items() if name not in ("namespaces", "started", "inherited")
    }
    return dict(kept, container=kept["site"] == "container")


def refusal(refused: list[str]) -> tuple[str, list[str]]:
    """Return in one line why nothing was written, and the lines of what changes it, in the words of whose it is."""
    parts = [text.split("\n") for text in refused]
    fix = [line for lines in parts for line in lines[1:]]
    return listed([lines[0].rstrip(":") for lines in parts]) + (" (the lines are in fix)" if fix else ""), fix


def smallest(bounds: list[dict[str, t.Any]]) -> dict[str, t.Any] | None:
    """Return the bound in connections that is reached first, None where none is known."""
    # of two that are equal, the one backend says more than all of them
    known = [(b["hard"], b["scope"] == "all", b) for b in bounds if isinstance(b["hard"], int)]
    known = [each for each in known if each[2]["unit"] == "connections"]
    return min(known, key=lambda each: each[:2])[2] if known else None


def named(rows: list[dict[str, t.Any]]) -> str:
    """Return findings in a line, each with its reason."""
    return listed([f"{finding['subject']}: {finding['because']}" for finding in rows])


def listed(items: list[str]) -> str:
    """Return the first items in one line, and how many there are more."""
    more = len(items) - NAMED
    return "; ".join(items[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _program(module: AnsibleModule) -> str:
    """Return the path of hosttune; fail the task where there is none."""
    name: str = module.params["executable"]
    path: str | None
    if "/" in name:
        path = name if os.path.isfile(name) and os.access(name, os.X_OK) else None
    else:
        path = module.get_bin_path(name, opt_dirs=PLACES)
    if path is None:
        module.fail_json(
            msg=f"{name}: no such program on this host; the role hosttune.hosttune.hosttune installs hosttune, "
            "or name where it is with executable"
        )
        raise AssertionError("fail_json returns")
    return path


def _run(module: AnsibleModule, line: list[str]) -> tuple[int, str, str]:
    """Run hosttune to its end and return its exit code and what it wrote; fail the task where it does not end."""
    command = [_program(module), *line]
    limit = module.params["timeout"]
    if limit < 1:
        module.fail_json(msg=f"timeout: {limit}: write 1 or more seconds")
    # run_command of AnsibleModule knows no limit of time, and what writes must be told to stop, not killed
    try:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=True,
            # a group of its own: what is told to stop may be a wrapper around hosttune
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"{command[0]}: it cannot be started: {error}")
    try:
        out, stderr = running.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _stop(module, running, limit)
    return running.returncode, out.decode("utf-8", "replace"), stderr.decode("utf-8", "replace").strip()


def _stop(module: AnsibleModule, running: subprocess.Popen[bytes], limit: int) -> t.NoReturn:
    """End a run that took too long, and fail the task with what it wrote about it."""
    os.killpg(running.pid, signal.SIGTERM)
    try:
        stderr = running.communicate(timeout=GRACE)[1].decode("utf-8", "replace").strip()
        why = f"it did not end within {limit} s and was stopped"
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        stderr = ""
        why = f"it did not end within {limit} s and was killed; the next apply or rollback heals what it began"
    fail(module, why + (": " + stderr.splitlines()[-1] if stderr else ""), running.returncode, stderr)


def _first(stderr: str) -> str:
    """Return the line that says why: the first of hosttune's own, and the last where there is none."""
    lines = stderr.splitlines()
    return next((line for line in reversed(lines) if line.startswith("hosttune: ")), lines[-1] if lines else "")


def _shown(text: str) -> str:
    """Return the beginning of a text on one line."""
    short = " ".join(text.split())
    return repr(short[:80]) + (" ..." if len(short) > 80 else "") if short else ""
