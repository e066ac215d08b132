"""A plan as a POSIX shell script, for those whose change process wants one."""

from __future__ import annotations

import re
import shlex

from hosttune.model import HOST, Change, FileState, Plan, State, Where
from hosttune.printable import clean, lines, octal, shown

_MARK = "# Written by hosttune"
_IN_AN_IMAGE = ("file", "directory")


def render(plan: Plan, command: str, root: str = "/", where: Where = HOST) -> str:
    """Return a script that makes the changes in the same order, as often as it is run; it keeps no way back.

    `root` is the top of an image: every path then lies below it, and nothing of the running host is touched. `where`
    is what was judged: the script stops in any network namespace but that. What cannot be printed in any encoding,
    bytes that are no UTF-8 too, stands there as octal numbers.
    """
    top = "" if root == "/" else root.rstrip("/")
    made = [
        "#!/bin/sh",
        f"# What `{clean(command)}` would do, as planned. It keeps no way back: `hosttune apply` does.",
        *(f"# note: {clean(' '.join(note.split()))}" for note in plan.notes),
        "set -eu",
    ]
    if top:
        made += _guard(top)
    if not where.initial and where.namespaces.net:
        made += _in_namespace(where)
    for change in plan.changes:
        if top and change.backend not in _IN_AN_IMAGE:
            continue
        made += ["", *_comment(change), *_change(change, top)]
    if plan.reload and not top:
        made += ["", "systemctl daemon-reload"]
    if plan.restart and not top:
        made += [f"systemctl restart -- {_quoted(unit)}" for unit in plan.restarts]
    return "\n".join(made) + "\n"


def _guard(top: str) -> list[str]:
    """Return the function that stops the script where a symbolic link leads out of the image, onto this host."""
    return [
        f"root={_quoted(top) if clean(top) == top else _quoted(f'{top}/.')}",
        'top=$(cd -P "$root" && pwd -P)',
        "inside() {",
        '    case $(cd -P "$root$1" && pwd -P)/ in',
        '    "${top%/}"/*) ;;',
        '    *) echo "$root$1: a link leads out of $root; hosttune apply --root follows it within" >&2; exit 1 ;;',
        "    esac",
        "}",
    ]


def _in_namespace(where: Where) -> list[str]:
    """Return what stops the script outside of the network namespace that was judged."""
    run = f"run it with: ip netns exec {where.name} sh" if where.name else "run it there"
    inode = where.namespaces.net.partition(":")[2]
    return [
        f'if [ "$(stat -Lc %i /proc/self/ns/net)" != {inode} ]; then',
        f"    echo {shlex.quote(f'this is another network namespace than the one that was judged; {run}')} >&2",
        "    exit 1",
        "fi",
    ]


def _comment(change: Change) -> list[str]:
    if change.backend == "file":
        return []
    before = "" if change.before is None else f"{change.target} was {change.before}. "
    comment = clean(f"{before}{change.why}").strip()
    return [f"# {comment}"] if comment else []


def _change(change: Change, top: str) -> list[str]:
    if change.backend == "sysctl":
        # the words of a key that are separated by dots are a path; a slash stands for a dot within a word
        path = "/proc/sys/" + change.target.translate({46: 47, 47: 46})
        return [f"printf '%s\\n' {_quoted(str(change.after))} > {_quoted(path)}"]
    if change.backend == "directory":
        return [*_inside(change.target, top), f"mkdir -p -m 0755 {_quoted(top + change.target)}"]
    if change.backend == "prlimit":
        return _limits(change)
    if change.backend == "address":
        address, _, interface = change.target.rpartition("@")
        return [f"ip address replace {_quoted(address)} dev {_quoted(interface)}"]
    if change.backend == "anyip":
        return [f"ip route replace local {_quoted(change.target)} dev lo"]
    if change.backend != "file":
        return [
            f"# {clean(str(change))} becomes {clean(str(change.after))}: no command does that, `hosttune apply` does"
        ]
    return [*_inside(change.target, top), *_file(top + change.target, change.after)]


def _inside(path: str, top: str) -> list[str]:
    return [f"inside {_quoted(path.rpartition('/')[0] or '/')}"] if top else []


def _limits(change: Change) -> list[str]:
    """Return the line that raises a process, where it is still the one: its number may be another's by then."""
    pid, _, start = change.target.partition(":")
    soft, hard = str(change.after).split()
    now = f"$(sed 's/.*) //' /proc/{pid}/stat 2>/dev/null | cut -d ' ' -f 20)"
    return [f'if [ "{now}" = "{start}" ]; then prlimit --pid {pid} --nofile={soft}:{hard}; fi']


def _file(path: str, state: State) -> list[str]:
    target = _quoted(path)
    if not isinstance(state, FileState):
        return [f"rm -f {target}"]
    directory, _, name = path.rpartition("/")
    temporary = _quoted(f"{directory}/.{name}.new")
    text = re.sub(rf"(?m)^{_MARK}.*?(\r?)$", rf"{_MARK} (its script); to undo it, remove this file.\1", state.text)
    owner = [f"chown {state.uid}:{state.gid} {temporary}"] if state.uid is not None and state.gid is not None else []
    # made anew: what lies under that name may be a link
    return [
        f"rm -f {temporary}",
        *_text(text, temporary),
        *owner,
        f"chmod {state.mode:04o} {temporary}",
        f"mv -f {temporary} {target}",
    ]


def _quoted(text: str) -> str:
    """Return a word of the shell; no newline in it may begin a line of the script, and no newline may end it."""
    plain = clean(text) == text and text.isascii()
    return shlex.quote(text) if plain else f'"$(printf -- {_octal(text)})"'


def _octal(text: str) -> str:
    """Return the format of printf(1) that gives a text: what cannot be printed as octal numbers, each byte of it."""
    marks = {"\\": "\\\\", "%": "%%"}
    return shlex.quote("".join(marks.get(c, c if shown(c) and c.isascii() else octal(c)) for c in text))


def _text(text: str, path: str) -> list[str]:
    if lines(text) != text or not text.isascii():
        # a line each, so that a person can read what can be read
        return ["{", *(f"printf -- {_octal(line)}" for line in text.splitlines(keepends=True)), f"}} > {path}"]
    if not text.endswith("\n"):
        return [f"printf '%s' {_quoted(text)} > {path}"]
    end = "END"
    while re.search(rf"^{end}$", text, re.M):
        end += "_"
    return [f"cat > {path} <<'{end}'", text[:-1], end]
