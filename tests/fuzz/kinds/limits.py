"""limits.conf(5) and the PAM files that make pam_limits(8) read it."""

from __future__ import annotations

import contextlib
from random import Random

from hosttune.errors import HostError
from hosttune.resolve import pam_limits, pam_rules
from tests.fuzz import mutate
from tests.fuzz.kinds.sysctls import RELEASES
from tests.fuzz.memory import Memory
from tests.fuzz.part import Given, Part

DOMAINS = (
    "*",
    "root",
    "bob",
    "@bob",
    "%bob",
    "@0",
    "1000:",
    ":1000",
    "0:4000",
    "@100:200",
    "%",
    "%@bob",
    "-",
    "@",
    "nobody",
)
TYPES = ("soft", "hard", "-", "Soft", "HARD", "both")
ITEMS = ("nofile", "nproc", "core", "NOFILE", "maxlogins", "maxsyslogins", "priority", "nice", "nonewprivs", "rtprio")
VALUES = (
    "1024",
    "1048576",
    "unlimited",
    "infinity",
    "-1",
    "0",
    "-2",
    "65536k",
    "0x10",
    "1e6",
    " 5",
    "999999999999999999999",
)
LINES = (
    *(
        "# a comment",
        "",
        "root - nofile 1",
        "* soft nofile 4096",
        "bob -",
        "@bob hard",
        "* soft nofile 1 2 3",
        "*\tsoft\tnofile",
    ),
    *(
        "* soft nofile 4096 # why",
        "\\",
        "root\x00soft nofile 5",
        "%bob - maxlogins 2",
        "0: - nofile 7",
        ":: - nofile 1",
    ),
)
PASSWD = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
GROUP = "root:x:0:\nbob:x:1000:bob\nstaff:x:50:bob,root\n"
PAM = (
    "session required pam_limits.so\n",
    "@include common-session\n",
    "session [success=1 default=ignore] pam_unix.so\n"
    "-session optional pam_limits.so conf=/etc/security/other.conf set_all\n",
    "session include other\nsession substack common-session\nauth required pam_limits.so\n",
    "session required /lib/security/pam_limits.so debug utmp_early change_uid\\\n noaudit\n",
)
PAM_WORDS = (
    "session",
    "required",
    "requisite",
    "include",
    "substack",
    "@include",
    "[default=die]",
    "pam_limits.so",
    "conf=/etc/x",
)


def text(random: Random) -> str:
    """Return a file of limits, nearly right."""
    lines = [
        random.choice(LINES)
        if random.random() < 0.2
        else random.choice((" ", "\t", "  ")).join(map(random.choice, (DOMAINS, TYPES, ITEMS, VALUES)))
        for _ in range(random.randint(1, 8))
    ]
    return mutate.text(random, "\n".join(lines) + "\n", (*DOMAINS, *TYPES, *ITEMS, *VALUES), LINES)


def files(random: Random) -> dict[str, str]:
    """Return limits, the PAM files, and the accounts."""
    found = {"/etc/security/limits.conf": text(random), "/etc/passwd": PASSWD, "/etc/group": GROUP}
    if random.random() < 0.5:
        found["/etc/security/limits.d/50-lb.conf"] = text(random)
    for name in random.sample(("sshd", "login", "common-session", "other"), random.randint(1, 4)):
        found[f"/etc/pam.d/{name}"] = mutate.text(random, random.choice(PAM), PAM_WORDS)
    if random.random() < 0.3:
        found["/etc/pam.conf"] = f"sshd {random.choice(PAM)}"
    if random.random() < 0.3:
        found["/etc/ssh/sshd_config"] = mutate.text(random, "UsePAM no\nMatch User bob\n UsePAM yes\n")
    for path, sample in (("/etc/passwd", PASSWD), ("/etc/group", GROUP)):
        if random.random() < 0.3:
            found[path] = mutate.text(random, sample)
    return found


def _make(random: Random) -> Given:
    release = mutate.text(random, random.choice(RELEASES)) if random.random() < 0.1 else random.choice(RELEASES)
    user = random.choice(("root", "bob", "nobody", "", "no such", "-"))
    return {"files": {**files(random), "/etc/os-release": release}, "user": user}


def _run(given: Given) -> bool:
    host = Memory(given["files"])
    with contextlib.suppress(HostError):  # of a user that the host has not
        pam_limits.resolve_login(host, given["user"])
    pam_limits.hard_limits(host)
    pam_rules.login_stack(host)
    return True


def _limits_make(random: Random) -> Given:
    sample = (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max processes             96326                96326                processes \n"
        "Max open files            1024                 524288               files     \n"
        "Max locked memory         unlimited            unlimited            bytes     \n"
    )
    return {"text": mutate.text(random, sample, ("Max open files", "unlimited", "files"))}


def _limits_run(given: Given) -> bool:
    with contextlib.suppress(HostError):  # of a text that has no such line
        pam_limits.limits_of(given["text"])
    return True


PARTS = (
    Part("limits.conf and PAM", _make, _run, share=90),
    Part("proc limits", _limits_make, _limits_run, share=30),
)
