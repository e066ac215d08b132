"""What a key holds after a boot where no file sets it, for the keys whose default is no constant.

The constants are in the profiles (`default_value`). These come of the memory, the kernel's release or systemd.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from hosttune import kernel, releases
from hosttune.host import Host, text
from hosttune.model import Machine, Reading, Unknown, Value
from hosttune.resolve.sysctl_value import display, kernel_value, normalise
from hosttune.resolve.systemd_limits import nr_open_default, systemd_release

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30
_STACK = 16 * _KIB  # of a thread in the kernel, THREAD_SIZE of x86 and arm64; a page at least
# what the kernel counted when it reckoned: a little less than MemTotal says later, once the initrd is given back and
# what only the start needed (973 MiB: 9 % less, 23.5 GiB: 0.5 %)
_LESS, _NOT_YET = 0.97, 160 * _MIB
_MORE = 1.02
_RAISES_FILE_MAX = 240

_CONNTRACK = "net.netfilter.nf_conntrack"


def defaults(host: Host, machine: Machine, readings: Mapping[str, Reading]) -> dict[str, Value]:
    """Return the defaults by subject, as far as they are known; the running value where it is what a rule gives."""
    values = _by_rule(host, machine, readings) if machine.kernel else {}
    most = nr_open_default(host)
    if isinstance(most, int):
        values["sysctl:fs.nr_open"] = most
    values |= _of_command_line(host, machine, readings)
    apart = bool(machine.container) or machine.network_namespace == "another"
    if machine.systemd or not apart:
        return values
    return {subject: value for subject, value in values.items() if not _is_of_the_host(readings.get(subject), value)}


def _by_rule(host: Host, machine: Machine, readings: Mapping[str, Reading]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for key, rule in _RULES.items():
        reading = readings.get(f"sysctl:{key}")
        if reading is None or (key.startswith(_CONNTRACK) and _module_sets_otherwise(host)):
            continue
        value = rule(machine, None if isinstance(reading.runtime, Unknown) else reading.runtime)
        if value is not None:
            values[f"sysctl:{key}"] = value
    return values


def _of_command_line(host: Host, machine: Machine, readings: Mapping[str, Reading]) -> dict[str, Value]:
    """Return what the kernel sets before anything else runs (fs/proc/proc_sysctl.c, do_sysctl_args())."""
    values: dict[str, Value] = {}
    for key, value in re.findall(r"(?:^|\s)sysctl\.([\w./-]+)=(\S*)", text(host, "/proc/cmdline")):
        if key.startswith("net") and machine.network_namespace == "another":
            continue  # that sets the first network namespace alone
        subject, parsed = f"sysctl:{display(normalise(key))}", kernel_value(value, None)
        if subject in readings and not isinstance(parsed, Unknown):
            values[subject] = parsed
    return values


def raises_file_max(host: Host, machine: Machine) -> bool:
    """Say whether what starts this system raises fs.file-max to the most there is: systemd >= 240 (src/core/main.c).

    Not where it starts a container, and another init never does. An unknown release is a later one.
    """
    if machine.container or (machine.kernel and not machine.systemd):
        return False
    return (systemd_release(host) or _RAISES_FILE_MAX) >= _RAISES_FILE_MAX


def _is_of_the_host(reading: Reading | None, default: Value) -> bool:
    """Say whether a container sees a global value that is no default: the host's files set it, which are not here."""
    return reading is not None and reading.subject.name.startswith("fs.") and reading.runtime != default


def _module_sets_otherwise(host: Host) -> bool:
    """Say whether a file of modprobe.d(5) or the kernel command line sets the size of the conntrack table."""
    files = [p for place in ("/etc", "/run", "/usr/lib", "/lib") for p in host.glob(f"{place}/modprobe.d/*.conf")]
    configured = any(re.search(r"^\s*options\s+nf[_-]conntrack\s", text(host, path), re.M) for path in files)
    return configured or "nf_conntrack.hashsize=" in text(host, "/proc/cmdline")


def _file_max(machine: Machine, now: Value | None) -> Value | None:
    # systemd >= 240 raises it to the most there is (src/core/main.c), that of the host where this is a container;
    # else fs/file_table.c, files_maxfiles_init()
    if machine.systemd or now == kernel.LONG_MAX:
        return kernel.LONG_MAX
    return _near(machine, now, lambda memory: max(memory // _KIB // 10, 8192))


def _watches(machine: Machine, now: Value | None) -> Value | None:
    return _near(machine, now, lambda memory: memory // 25 // 184)  # fs/eventpoll.c, eventpoll_init()


def _threads(machine: Machine, now: Value | None) -> Value | None:
    if machine.page_size is None:
        return None
    stack = max(_STACK, machine.page_size)
    return _near(machine, now, lambda memory: memory // (8 * stack))  # kernel/fork.c, set_max_threads()


def _tcp_mem(machine: Machine, now: Value | None) -> Value | None:
    page = machine.page_size
    if page is None:
        return None

    def rule(memory: int) -> tuple[int, int, int]:  # net/ipv4/tcp.c, tcp_init_mem()
        limit = max(memory // page // 16, 128)
        return (limit // 4 * 3, limit, limit // 4 * 6)

    if isinstance(now, tuple) and len(now) == 3 and now != (now[1] // 4 * 3, now[1], now[1] // 4 * 6):
        now = None  # the kernel's own three have this proportion
    return _near(machine, now, rule)


def _established(memory: int) -> int:
    """Return the slots of the table of connections: one for 128 KiB, a power of two, at most 524,288 (tcp_init())."""
    slots = memory // (128 * _KIB)
    return int(min(1 << max(slots - 1, 0).bit_length(), 524_288))


def _half_of_table(machine: Machine, now: Value | None) -> Value | None:
    return _near(machine, now, lambda memory: _established(memory) // 2)  # net/ipv4/tcp.c, tcp_ipv4.c


def _syn_backlog(machine: Machine, now: Value | None) -> Value | None:
    return _near(machine, now, lambda memory: max(128, _established(memory) // 128))  # net/ipv4/tcp_ipv4.c


def _receive(machine: Machine, now: Value | None) -> Value | None:
    # net/ipv4/tcp.c, tcp_init(): the last was 6 MiB for long, and is 32 MiB in 6.18
    newer = _near(machine, now, partial(_receive_buffers, 32 * _MIB))
    return newer if newer == now else _near(machine, now, partial(_receive_buffers, 6 * _MIB))


def _receive_buffers(most: int, memory: int) -> tuple[int, int, int]:
    return (4096, 131_072, max(min(memory // 128, most), 131_072))


def _send(machine: Machine, now: Value | None) -> Value | None:
    return _near(machine, now, lambda memory: (4096, 16_384, max(min(memory // 128, 4 * _MIB), 65_536)))


def _buckets(machine: Machine, now: Value | None) -> Value | None:
    # net/netfilter/nf_conntrack_core.c, nf_conntrack_init_start(); the table is whole pages of 512 slots
    newer = _newer("conntrack-default", machine)
    most, middle = (262_144, 65_536) if newer else (65_536, 16_384)

    def rule(memory: int) -> int:
        if memory > _GIB:
            return most if memory > 4 * _GIB else middle
        return -(-memory // (128 * _KIB) // 512) * 512

    return _near(machine, now, rule)


def _tracked(machine: Machine, now: Value | None) -> Value | None:
    each = 1 if _newer("conntrack-default", machine) else 4
    buckets = _buckets(machine, now // each if isinstance(now, int) else None)
    return buckets * each if isinstance(buckets, int) else None


def _buffer(machine: Machine, now: Value | None) -> Value | None:
    return 4 * _MIB if _newer("buffer-default", machine) else 212_992  # include/net/sock.h, net/core/sock.c


def _options(machine: Machine, now: Value | None) -> Value | None:
    return 131_072 if _newer("option-memory", machine) else 20_480  # net/core/sock.c


def _pid_max(machine: Machine, now: Value | None) -> Value | None:
    return max(32_768, 1024 * (machine.cpus or 1))  # kernel/pid.c, pid_idr_init(); systemd ships a file that sets more


def _newer(name: str, machine: Machine) -> bool:
    return bool(releases.holds(releases.named(name), machine.kernel))


Rule = Callable[[int], Value]


def _near(machine: Machine, now: Value | None, rule: Rule) -> Value | None:
    """Return the running value where it lies between what the rule gives for the least and the most memory.

    Else what it gives for the least: less than that cannot come. None where the memory is not known.
    """
    if machine.memory is None:
        return None
    low, high = rule(max(int(machine.memory * _LESS) - _NOT_YET, 0)), rule(int(machine.memory * _MORE))
    if now is not None and all(a <= b <= c for a, b, c in zip(_each(low), _each(now), _each(high), strict=False)):
        return now
    return low


def _each(value: Value) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()


_RULES: dict[str, Callable[[Machine, Value | None], Value | None]] = {
    "fs.file-max": _file_max,
    "fs.epoll.max_user_watches": _watches,
    "kernel.pid_max": _pid_max,
    "kernel.threads-max": _threads,
    "net.core.optmem_max": _options,
    "net.core.rmem_max": _buffer,
    "net.core.wmem_max": _buffer,
    "net.ipv4.tcp_max_orphans": _half_of_table,
    "net.ipv4.tcp_max_syn_backlog": _syn_backlog,
    "net.ipv4.tcp_max_tw_buckets": _half_of_table,
    "net.ipv4.tcp_mem": _tcp_mem,
    "net.ipv4.tcp_rmem": _receive,
    "net.ipv4.tcp_wmem": _send,
    "net.netfilter.nf_conntrack_buckets": _buckets,
    "net.netfilter.nf_conntrack_max": _tracked,
}
_SHARP = (_file_max, _buffer, _options, _pid_max)
ROUGH = frozenset(f"sysctl:{key}" for key, rule in _RULES.items() if rule not in _SHARP)
"""The subjects whose default is reckoned from the memory, which is not known to the byte as the kernel saw it."""
