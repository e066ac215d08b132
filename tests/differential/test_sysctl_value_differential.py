"""Texts written to real keys in a network namespace of their own: what the kernel takes is what we say it takes."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from hosttune.model import Unknown
from hosttune.resolve.sysctl_value import kernel_value, known_count
from tests import needs

_ASK = r"""
import json, os, sys
key, texts = json.load(sys.stdin)
path = "/proc/sys/" + key.replace(".", "/")
first = open(path).read()
answers = []
for text in texts:
    open(path, "w").write(first)
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, (text + "\n").encode())
        taken = True
    except OSError:
        taken = False
    os.close(file)
    answers.append([taken, [int(word) for word in open(path).read().split()]])
json.dump(answers, sys.stdout)
"""
_NUMBERS = ("1024", "0x400", "02000", "2000", "3000", "65535", "0xffff", "0XFfF")
_WRONG = (
    "garbage", "1024-65535", "1024,65535", "08", "0x", "0xg", "+5", "- 5", "", "   ", "\t", "1e6", "1.5",
    "\u0661\u0662",
    "4294967296", "2147483648", "99999999999999999999", "18446744073709551616", "0" * 30 + "5", "x 1024", "5;", "5\r",
    "5\v6", "1_000", "2000\u00a03000", "9" * 4000,
)  # fmt: skip
_KEYS = {
    "net.ipv4.ip_local_port_range": (2, "1024 # c"),
    "net.ipv4.tcp_rmem": (3, "4096 8192 x"),
    "net.ipv4.tcp_max_syn_backlog": (1, "1024x"),
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait": (1, "1024#"),
}


def _texts(count: int) -> list[str]:
    """Return numbers in their spellings, fewer than are kept, as many and more, and what is none."""
    rng = random.Random(count)
    texts = list(_WRONG)
    for _ in range(40):
        words = sorted(rng.choices(_NUMBERS, k=rng.randint(1, 4)), key=lambda word: kernel_value(word, 1))  # type: ignore[arg-type,return-value]
        blank = rng.choice((" ", "\t", "  ", " \t "))
        texts.append(rng.choice(("", " ")) + blank.join(words) + rng.choice(("", " ", "\t")))
        texts.append(blank.join(words[:count]) + " # a comment")
    return texts


@pytest.mark.parametrize("key", _KEYS)
def test_kernel_takes_what_we_say(key: str) -> None:
    needs.need("namespaces")
    count, refused = _KEYS[key]
    assert known_count(key) == count
    texts = [*_texts(count), refused]
    command = ["unshare", "-m", "-n", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-c", _ASK]
    ran = subprocess.run(command, input=json.dumps([key, texts]), capture_output=True, text=True, check=False)
    if "No such file" in ran.stderr:
        pytest.skip(f"this kernel has no {key} now")
    assert not ran.returncode, ran.stderr
    wrong = []
    for text, (taken, numbers) in zip(texts, json.loads(ran.stdout), strict=True):
        ours = kernel_value(text, count, key)
        if isinstance(ours, Unknown):
            agree = not taken
        else:
            given = list(ours) if isinstance(ours, tuple) else [ours]
            agree = taken and numbers[: len(given)] == given
        # the other end stays: a begin behind it is a range that has none
        behind = key.endswith("port_range") and isinstance(ours, tuple) and len(ours) == 1 and ours[0] > 60999
        if not agree and not behind:
            wrong.append(f"{text[:60]!r}: the kernel {'takes' if taken else 'refuses'} it: {numbers}; ours: {ours}")
    assert not wrong, "\n".join(wrong)
