"""Well-known lines of language runtimes, the kernel, providers, and of any program that prints strerror(3): data."""

from __future__ import annotations

from hosttune.diagnosis.log_line import NO_PORT, PORTS, SILENT, line

_LANGUAGES = (
    line(
        "go",
        "bind: address already in use",
        r"dial \w+ .{0,200}?bind: address already in use",
        "ports-bind ports",
        "net, dial",
        "EADDRINUSE bind",
    ),
    line(
        "go",
        "accept4: too many open files",
        r"accept4: too many open files(?! in system)",
        "nofile",
        "net, accept",
        "EMFILE accept",
    ),
    line(
        "go",
        "socket: too many open files",
        r"socket: too many open files(?! in system)",
        "nofile",
        "net, socket",
        "EMFILE socket",
    ),
    line(
        "go",
        "annot assign requested address",
        r"dial \w+ .{0,200}?connect: cannot assign requested address",
        PORTS,
        "k6#826",
        NO_PORT,
    ),
    line(
        "go",
        "onnection timed out",
        r"dial \w+ .{0,200}?connect: connection timed out",
        SILENT,
        "net, dial",
        "ETIMEDOUT connect",
    ),
    line("go", "i/o timeout", r"dial \w+ .{0,200}?: i/o timeout", SILENT, "net, dial", "ETIMEDOUT connect"),
    line("node", "EADDRNOTAVAIL", r"\bconnect EADDRNOTAVAIL\b", PORTS, "net.js, afterConnect()", NO_PORT),
    line("node", "EADDRINUSE", r"\bconnect EADDRINUSE\b", "ports-bind ports", "net.js", "EADDRINUSE connect"),
    line(
        "node",
        "EMFILE",
        r"\b(?:accept|connect|socket) EMFILE\b|\bEMFILE: too many open files",
        "nofile",
        "net.js",
        "EMFILE",
    ),
    line(
        "node", "ENFILE", r"\b(?:accept|connect) ENFILE\b|\bENFILE: file table overflow", "file-max", "net.js", "ENFILE"
    ),
    line("node", "ETIMEDOUT", r"\bconnect ETIMEDOUT\b", SILENT, "net.js", "ETIMEDOUT connect"),
    line(
        "java",
        "unable to create ",
        r"unable to create (?:new )?native thread",
        "pids memory",
        "os_linux.cpp",
        "EAGAIN clone",
    ),
)

_SYSTEM = (
    line(
        "kernel",
        "table full, dropping packet",
        r"_conntrack: table full, dropping packet",
        "conntrack conntrack-churn",
        "net/netfilter/nf_conntrack_core.c",
    ),
    line(
        "kernel",
        "ossible SYN flooding on port ",
        r"ossible SYN flooding on port (?:\S{1,60}:)?(?P<port>\d{1,5})\b",
        "accept-queue backlog syn-queue ghosts",
        "net/ipv4/tcp_input.c, tcp_syn_flood_action()",
    ),
    line("kernel", "eighbor table overflow", "", "neighbours", "net/core/neighbour.c, neigh_alloc()"),
    line("kernel", "eighbour table overflow", "", "neighbours", "net/ipv4/route.c, before Linux 4"),
    line(
        "kernel",
        "VFS: file-max limit",
        r"VFS: file-max limit (?P<limit>\d{1,19}) reached",
        "file-max",
        "fs/file_table.c, alloc_empty_file()",
        "ENFILE",
    ),
    line("kernel", "too many orphaned sockets", "", "orphans", "net/ipv4/tcp.c, tcp_check_oom()"),
    line("kernel", "consider tuning tcp_mem", "", "tcp-mem", "net/ipv4/tcp.c, tcp_check_oom()"),
    # before Linux 3.4 one line for both: net/ipv4/tcp_timer.c, tcp_out_of_resources()
    line("kernel", "Out of socket memory", "", "orphans tcp-mem", "net/ipv4/tcp_timer.c"),
    line("kernel", "fork rejected by pids controller", "", "pids", "kernel/cgroup/pids.c", "EAGAIN clone"),
    line(
        "kernel",
        "ut of memory: Killed process",
        r"ut of memory: Killed process (?P<pid>\d{1,10})",
        "memory",
        "mm/oom_kill.c",
    ),
    line(
        "kernel",
        "ut of memory: Kill process",
        r"ut of memory: Kill process (?P<pid>\d{1,10})",
        "memory",
        "mm/oom_kill.c, before Linux 5.3",
    ),
    line(
        "systemd",
        "Failed to adjust resource limit RLIMIT_NOFILE: Operation not permitted",
        "",
        "nr-open nofile",
        "src/core/exec-invoke.c",
        "EPERM setrlimit",
    ),
    line(
        "shell",
        "open files: cannot modify limit: Operation not permitted",
        "",
        "nr-open nofile",
        "ulimit of bash(1)",
        "EPERM setrlimit",
    ),
    line("aws", "ErrorPortAllocation", "", "nat-gateway", "Amazon VPC, metrics of a NAT gateway; BedrockStreaming#277"),
    line(
        "gcp",
        "OUT_OF_RESOURCES",
        r"nat.{0,400}?\bOUT_OF_RESOURCES\b|\bOUT_OF_RESOURCES\b.{0,400}?nat",
        "nat-gateway",
        "Cloud NAT, dropped_sent_packets_count",
    ),
)

_OWN = (
    line("apache2", "AH00484", "", "own-limit", "server/mpm/event/event.c: MaxRequestWorkers"),
    line(
        "postgres",
        "sorry, too many clients already",
        "",
        "own-limit",
        "src/backend/storage/lmgr/proc.c: max_connections",
    ),
    line("redis-server", "max number of clients reached", "", "own-limit", "src/networking.c: maxclients"),
    line(
        "pgbouncer", "no more connections allowed (max_client_conn)", "", "own-limit", "src/objects.c: max_client_conn"
    ),
)

_ANY = (
    # bind() to an address that is not this host's, before any connection: no pool is used up (bind(2))
    line(
        "the program",
        "annot assign requested address",
        r"\bbind(?:\(|ing|:)?.{0,200}?annot assign requested address",
        "",
        "strerror(3)",
    ),
    line("the program", "annot assign requested address", "", PORTS, "strerror(3)", "EADDRNOTAVAIL"),
    line("the program", "oo many open files in system", "", "file-max", "strerror(3)", "ENFILE"),
    # inotify(7) has this errno for its own limit of instances
    line("the program", "oo many open files", r"(?i)inotify.{0,200}?oo many open files", "", "strerror(3)"),
    line("the program", "oo many open files", "", "nofile", "strerror(3)", "EMFILE"),
    line(
        "the program",
        "No space left on device",
        r"epoll_ctl.{0,200}?No space left on device",
        "epoll",
        "strerror(3)",
        "ENOSPC epoll_ctl",
    ),
    line(
        "the program",
        "o buffer space available",
        r"(?i)\bconnect.{0,200}?o buffer space available",
        "neighbours memory",
        "strerror(3)",
        "ENOBUFS connect",
    ),
)

LINES = (*_LANGUAGES, *_SYSTEM, *_OWN, *_ANY)
