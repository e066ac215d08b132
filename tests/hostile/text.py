"""Text that must not come out as it is, and what holds of whatever is printed."""

from __future__ import annotations

import json
import re
from typing import Any

from hosttune.printable import shown

SEQUENCES = "\x1b]0;pwned\x07\x1b[31m\x9b2J\x08\x7f"
UNSEEN = "\u202e\u2066\u061c\ufeff\U000e0041\u200b\u00ad\ue000\ufffe\u3164\ufe0f"
FORGED = "\r\n# forged\n\u2028# forged\u2029\x0b\x0c\x85# forged"
EVIL = f"a{SEQUENCES}{UNSEEN}{FORGED}\udcff<b>|`*"
"""Everything at once; no slash and no NUL, so that a file can have the name."""
LINE = EVIL.replace("\r", "").replace("\n", "")
"""The same within one line of a file."""


def hold(text: str | bytes) -> None:
    """Hold a text to be one that a terminal, a log and a parser of lines may be given."""
    told = text.decode("utf-8") if isinstance(text, bytes) else text
    wrong = {letter for letter in told if letter not in "\n\t" and not shown(letter)}
    assert not wrong, f"{sorted(map(ascii, wrong))} in {told[:400]!a}"
    assert not re.search(r"(?m)^#? ?forged", told), ascii(told)


def poisoned(answers: Any) -> Any:
    """Return a snapshot in which whatever people or programs choose is hostile."""
    found = json.loads(json.dumps(answers))
    for moment in (found, found.get("again") or {}):
        for path, answer in moment.get("reads", {}).items():
            if "is" in answer:
                answer["is"] = _file(path, answer["is"])
            else:
                answer["detail"] = EVIL
        for key, answer in moment.get("probes", {}).items():
            if "is" in answer:
                answer["is"] = _answer(key.partition(" ")[0], answer["is"])
            else:
                answer["detail"] = EVIL
    for directory, lines in _MORE.items():
        path = f"{directory}/99{EVIL}.conf"
        found["reads"][path] = {"is": lines}
        found["globs"].setdefault(f"{directory}/*.conf", []).append(path)
    return found


_MORE = {
    "/etc/sysctl.d": f"net.core.somaxconn = 5{LINE}\nnet.ipv4.tcp_tw_reuse = 0\n# {LINE}\n{LINE} = 1\nbroken{LINE}\n",
    "/etc/security/limits.d": f"root - nofile 1024{LINE}\nroot soft nofile 77\n",
    "/etc/systemd/system/haproxy.service.d": f"[Service]\nLimitNOFILE=12\nLimitNOFILE={LINE}\n",
}


def _file(path: str, text: str) -> str:
    if path in ("/proc/sys/kernel/hostname", "/etc/hostname", "/proc/sys/kernel/osrelease"):
        return f"{text.strip()}{EVIL}"
    if path == "/etc/os-release":
        return re.sub(r'(?m)^(\w+)="?([^"\n]*)"?$', rf'\1="\2{re.escape(LINE)}"', text) if text else text
    if path.endswith("/comm"):
        return f"{LINE}\n"
    return f"{text}\n# {LINE}\n{LINE}\n" if path.startswith("/etc/") else text


def _answer(probe: str, found: Any) -> Any:
    if probe == "kernel_log":
        return [{"age": 1.0, "text": f"nf_conntrack: table full{EVIL}"}, *found]
    if probe == "programs":
        return {**found, "programs": [{**row, "name": f"{row['name']}{EVIL}"} for row in found["programs"]]}
    if probe == "workers":
        return [{**row, "name": f"{row['name']}{EVIL}"} for row in found]
    if probe == "routes":
        return {key: {**row, "interface": EVIL, "error": EVIL} for key, row in found.items()}
    return found
