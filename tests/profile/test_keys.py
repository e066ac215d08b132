"""Which sysctls a profile may set: those of connections, in their one spelling, and no other."""

from __future__ import annotations

import pytest

from hosttune.profile import keys, load

SHIPPED = [load.load(name) for name in load.names()]


ROUTER = "sysctl:net.ipv4.ip_forward"
"""The one that makes a host pass on what is for others: the role gateway asks for it, and takes it by --allow-key."""


def test_every_key_that_ships_is_taken() -> None:
    rows = [row.subject for profile in SHIPPED for row in profile.rows if row.subject.startswith("sysctl:")]
    rows.remove("sysctl:net.ipv4.ip_forward")  # it makes a router of a host: that takes --allow-key
    assert len(rows) > 30
    for subject in set(rows) - {ROUTER}:
        assert keys.is_known(subject.removeprefix("sysctl:")), subject


_FOREIGN = """
    kernel.core_pattern kernel.modprobe kernel.hotplug kernel.poweroff_cmd kernel.kptr_restrict kernel.sysrq
    kernel.yama.ptrace_scope kernel.unprivileged_bpf_disabled kernel.pid_max.x kernel.usermodehelper.bset
    fs.suid_dumpable fs.protected_symlinks fs.protected_hardlinks fs.binfmt_misc.register fs.mount-max fs.file-maxx
    net.ipv4.ip_forward net.ipv4.conf.all.rp_filter net.ipv4.conf.all.accept_redirects net.ipv4.conf.eth0/1.forwarding
    net.ipv6.conf.all.forwarding net.core.bpf_jit_enable net.core.bpf_jit_harden net.ipv4.tcp_fastopen_key
    net.ipv4.ping_group_range net.netfilter.nf_conntrack_helper net.ipv4.icmp_echo_ignore_all
    vm.overcommit_memory vm.drop_caches vm.mmap_min_addr vm.panic_on_oom vm.nr_hugepages vm.max_map_count.x
    dev.cdrom.autoclose user.max_user_namespaces abi.vsyscall32 sunrpc.x
"""
FOREIGN = _FOREIGN.split()


@pytest.mark.parametrize("key", FOREIGN)
def test_other_keys_are_not(key: str) -> None:
    assert not keys.is_known(key) and keys.canonical(key) == key


TRICKS = (
    "net/ipv4/tcp_mem",
    "net.ipv4.tcp_/../../kernel.core_pattern",
    "net.ipv4.tcp_mem/../../../kernel/core_pattern",
    "net.ipv4.tcp_*",
    "net.ipv4.tcp_mem/x",
    "net.ipv4.tcp_mem.x",
    "-net.ipv4.tcp_mem",
    "-net.core.somaxconn",
    "net.core.somaxconn.",
    ".net.core.somaxconn",
    "net..core.somaxconn",
    "net.core.somaxconn/",
    "net.core.SOMAXCONN",
    "net.ipv4.tcp_",
    "net.ipv4.tcp_[m]em",
    "net.core.netdev_a-b",
    "net.ipv4.tcp_mem\u2028x",
    "net.ipv4.tcp_mem=1",
    "net.ipv4.tcp_mem\n",
    "",
    " net.core.somaxconn",
    "net.core.somaxconn\n",
)


@pytest.mark.parametrize("key", TRICKS)
def test_no_spelling_gets_past(key: str) -> None:
    assert not keys.is_known(key)


@pytest.mark.parametrize("key", ["-kernel.x", "kernel.*", "kernel.a b", "", "kernel.x\n", "../x", "a/../b"])
def test_what_is_no_key_cannot_be_allowed(key: str) -> None:
    with pytest.raises(ValueError, match="no sysctl"):
        keys.canonical(key)


def test_a_key_that_is_allowed_has_one_spelling() -> None:
    for spelled in ("kernel/core_pattern", "sysctl:kernel.core_pattern", "kernel.core_pattern"):
        assert keys.canonical(spelled) == "kernel.core_pattern"
    assert keys.canonical("net/ipv4/conf/eth0.100/tag") == "net.ipv4.conf.eth0/100.tag"
