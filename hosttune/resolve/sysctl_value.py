"""Sysctl keys and values as text, as the loaders spell them and as the kernel takes them."""

from __future__ import annotations

import re

from hosttune.model import Reason, Unknown, Value

_INT = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|[0-9]+)")
_LONGEST = 65536
_DIGITS = 20  # TMPBUFLEN in kernel/sysctl.c: a longer word is EINVAL, whatever its number
_WIDEST = (1 << 64) - 1
_INT_MAX = (1 << 31) - 1

LISTS = ("net.ipv4.ip_local_reserved_ports",)
"""Lists of ports: text, also where a single port looks like a number (proc_do_large_bitmap() in kernel/sysctl.c)."""


_SEVERAL = {
    "net.ipv4.ip_local_port_range": 2,
    "net.ipv4.tcp_mem": 3,
    "net.ipv4.tcp_rmem": 3,
    "net.ipv4.tcp_wmem": 3,
    "net.ipv4.udp_mem": 3,
}
_SINGLE = re.compile(
    r"fs\.(?:file-max|nr_open|aio-max-nr|epoll\.max_user_watches)|kernel\.(?:pid_max|threads-max)|vm\.max_map_count"
    r"|net\.core\.(?:somaxconn|netdev_max_backlog|[rw]mem_(?:max|default)|optmem_max)"
    r"|net\.netfilter\.nf_conntrack_(?:max|buckets|tcp_timeout_[a-z_]+)"
    r"|net\.ipv[46]\.neigh\.default\.gc_thresh[123]"
    r"|net\.ipv4\.(?:ip_forward|ip_local_port_step_width|ip_unprivileged_port_start|ip_autobind_reuse|ip_nonlocal_bind)"
    r"|net\.ipv4\.tcp_(?:max_orphans|max_syn_backlog|max_tw_buckets|syncookies|timestamps|tw_recycle|tw_reuse"
    r"|tw_reuse_delay|fin_timeout|keepalive_(?:time|probes|intvl))"
)
# of these the kernel keeps a long (fs/file_table.c, fs/aio.c, fs/eventpoll.c, net/ipv4/sysctl_net_ipv4.c)
_LONG = ("fs.file-max", "fs.aio-max-nr", "fs.epoll.max_user_watches", "net.ipv4.tcp_mem", "net.ipv4.udp_mem")
_COUNTED = {1: "one number", 2: "two numbers", 3: "three numbers"}


def known_count(key: str) -> int | None:
    """Return how many integers the kernel keeps under a dotted key, where that is known without asking one."""
    if key in LISTS:
        return 0
    return _SEVERAL.get(key, 1 if _SINGLE.fullmatch(key) else None)


def normalise(key: str) -> str:
    """Return the path below /proc/sys, as systemd's sysctl_normalize() makes it (src/shared/sysctl-util.c).

    The first `/` or `.` decides: after a dot, all dots become slashes and slashes dots. Then `//`, `/./`, a
    leading and a trailing slash are dropped.
    """
    first = next((c for c in key if c in "/."), "")
    if first == ".":
        key = key.translate({ord("."): "/", ord("/"): "."})
    return "/".join(part for part in key.split("/") if part not in ("", "."))


def display(path: str) -> str:
    """Return the dotted form of a path below /proc/sys; a dot in a name becomes a slash (eth0/100)."""
    return path.translate({ord("."): "/", ord("/"): "."})


def valid_key(key: str) -> bool:
    """Say whether a key may become a path: printable, of names and separators, without `..`."""
    if not key or len(key) > 255 or not re.fullmatch(r"[A-Za-z0-9_./:@*?\[\]!^-]+", key):
        return False
    return ".." not in normalise(key).split("/") and bool(normalise(key)) and not key.startswith("-")


def shape_of(runtime: str, key: str) -> int:
    """Return how many integers the kernel showed for a dotted key; 0 where it is text."""
    if key in LISTS:
        return 0
    words = runtime.split()
    if words and all(re.fullmatch(r"-?[0-9]+", word) for word in words):
        return len(words)
    return 0


def kernel_value(text: str, count: int | None, key: str = "") -> Value | Unknown:
    """Return what the kernel makes of `text` for a key of `count` integers (0: text, None: not known, so judged by it).

    proc_get_long() in kernel/sysctl.c: blanks lead and separate, base 0 (0x100, 010), no `+`, the rest after the wanted
    count is not looked at once a blank ends the number. Fewer integers than `count` set only the first ones.
    `key`, dotted, says how large a number may be. Unknown(MALFORMED) where the write is EINVAL.
    """
    text = text[:_LONGEST]
    if count is None:
        words = text.split()
        count = len(words) if words and len(words) < 9 and all(_INT.fullmatch(w) for w in words) else 0
    if count == 0:
        return text.strip()
    words = [word for word in re.split(r"[ \t\n]+", text) if word][:count]
    needs = f"the kernel expects {_COUNTED.get(count, f'{count} numbers')}"
    if not words:
        return Unknown(Reason.MALFORMED, f"the kernel refuses an empty value: {needs}")
    numbers = tuple(number for word in words if (number := _number(word, key)) is not None)
    if len(numbers) < len(words):
        return Unknown(Reason.MALFORMED, f"the kernel refuses {_short(text)}: {needs}")
    return numbers[0] if count == 1 else numbers


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _number(word: str, key: str) -> int | None:
    """Return a number of C, hexadecimal or octal too, None where a word is none, or one that the key cannot hold."""
    digits = word.lstrip("-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX"
    if len(digits) > _DIGITS or not _INT.fullmatch(word):
        return None
    try:
        number = int(digits, 8 if octal else 0)
    except ValueError:
        return None
    return _held(-number if word[0] == "-" else number, key)


def _held(number: int, key: str) -> int | None:
    """Return the number where the key can hold it (do_proc_dointvec_conv(), do_proc_doulongvec_minmax())."""
    if key in _LONG:
        return number if 0 <= number <= _WIDEST else None
    if known_count(key):
        return number if -_INT_MAX - 1 <= number <= _INT_MAX else None
    return number if -_WIDEST <= number <= _WIDEST else None
