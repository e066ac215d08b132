"""Well-known lines of proxies and brokers, and what each is a sign of: data, one row for each line.

Lines that were made to appear with the real program are taken from the table of capacity, which the tests hold
against it.
"""

from __future__ import annotations

from hosttune.diagnosis.log_line import NO_PORT, PORTS, SILENT, line, seen

_PROXIES = (
    seen("haproxy", "no free ports", PORTS, NO_PORT),
    seen("haproxy", "Cannot bind to source address before connect()", "ports ports-bind", "EADDRINUSE bind"),
    seen("haproxy", "Cannot raise FD limit to", "nofile nr-open", "EPERM setrlimit", "wanted soft"),
    line(
        "haproxy",
        "reached process FD limit",
        r"Proxy \S{1,200} reached process FD limit (?:\(maxsock=|at )(?P<soft>\d{1,12})",
        "nofile",
        "src/sock.c, sock_accept_conn()",
        "EMFILE accept",
    ),
    line(
        "haproxy",
        "reached system FD limit",
        r"Proxy \S{1,200} reached system FD limit",
        "file-max",
        "src/sock.c, sock_accept_conn()",
        "ENFILE accept",
    ),
    line(
        "haproxy",
        "reached system memory limit",
        r"Proxy \S{1,200} reached system memory limit",
        "tcp-mem memory",
        "src/sock.c, sock_accept_conn()",
        "ENOBUFS accept",
    ),
    line(
        "haproxy",
        "local address already in use",
        r"Connect\(\) failed for backend .{1,200}?: local address already in use",
        "ports-bind ports",
        "src/proto_tcp.c, tcp_connect_server()",
        "EADDRINUSE connect",
    ),
    line(
        "haproxy",
        "reached the configured maximum connection limit",
        "",
        "own-limit",
        "src/proto_tcp.c, tcp_connect_server()",
    ),
    seen("nginx", "failed (99: Cannot assign requested address) while connecting to upstream", PORTS, NO_PORT),
    line(
        "nginx",
        "ddress already in use",
        r"bind\(.{0,200}?\) failed \(98: Address already in use\) while connecting to upstream",
        "ports-bind ports",
        "src/event/ngx_event_connect.c, ngx_event_connect_peer()",
        "EADDRINUSE bind",
    ),
    seen("nginx", "socket() failed (24: Too many open files)", "nofile", "EMFILE socket"),
    seen("nginx", "accept4() failed (24: Too many open files)", "nofile", "EMFILE accept"),
    line(
        "nginx",
        "worker_connections are not enough",
        r"(?P<connections>\d{1,12}) worker_connections are not enough",
        "own-limit",
        "src/core/ngx_connection.c, ngx_get_connection()",
    ),
    line(
        "nginx",
        "exceed open file resource limit",
        r"(?P<wanted>\d{1,12}) worker_connections exceed open file resource limit: (?P<soft>\d{1,12})",
        "nofile",
        "src/event/ngx_event.c, ngx_event_module_init()",
    ),
    line(
        "nginx",
        "setrlimit(RLIMIT_NOFILE",
        r"setrlimit\(RLIMIT_NOFILE, (?P<wanted>\d{1,12})\) failed \(1: Operation not permitted\)",
        "nr-open nofile",
        "src/os/unix/ngx_process_cycle.c, ngx_worker_process_init()",
        "EPERM setrlimit",
    ),
    line("nginx", "(110: Connection timed out)", "", SILENT, "src/http/ngx_http_upstream.c", "ETIMEDOUT connect"),
    line(
        "envoy",
        " connect error: ",
        r"(?:immediate|delayed) connect error: (?:99\b|Cannot assign requested address)",
        PORTS,
        "source/common/network/connection_impl.cc",
        NO_PORT,
    ),
    line(
        "envoy",
        "Bind failure. Failed to bind to ",
        r"Bind failure\. Failed to bind to .{1,200}?: Address already in use",
        "ports-bind ports",
        "source/common/network/connection_impl.cc",
        "EADDRINUSE bind",
    ),
    line(
        "envoy",
        " connect error: ",
        r"(?:immediate|delayed) connect error: (?:110\b|Connection timed out)",
        SILENT,
        "source/common/network/connection_impl.cc",
        "ETIMEDOUT connect",
    ),
)

_BROKERS = (
    seen("mosquitto", "system socket count has been exceeded", "nofile", "EMFILE accept"),
    # built with TCP wrappers it cannot open /etc/hosts.allow then; a rule of that file denies in the same words
    seen("mosquitto", "denied access by tcpd", "nofile"),
    line("mosquitto", 'Try increasing "ulimit -n"', "", "nofile", "src/net.c, mosquitto#1505", "EMFILE accept"),
    line(
        "rabbitmq",
        "file descriptor limit alarm set",
        "",
        "nofile",
        "deps/rabbit/src/rabbit_alarm.erl, handle_set_alarm()",
        "EMFILE accept",
    ),
    line("tsung", "error_connect_eaddrinuse", "", "ports-bind ports", "src/tsung/ts_client.erl", "EADDRINUSE bind"),
    line("tsung", "error_connect_eaddrnotavail", "", PORTS, "src/tsung/ts_client.erl", NO_PORT),
    line("tsung", "error_connect_emfile", "", "nofile", "src/tsung/ts_client.erl", "EMFILE socket"),
    line("tsung", "error_connect_enfile", "", "file-max", "src/tsung/ts_client.erl", "ENFILE socket"),
    line("tsung", "error_connect_etimedout", "", SILENT, "src/tsung/ts_client.erl", "ETIMEDOUT connect"),
    line(
        "emqtt-bench",
        "eaddrnotavail",
        r"client[( ](?P<client>\d{1,12})\)?:? (?:EXIT|connect error)\b.{0,40}?\beaddrnotavail",
        PORTS,
        "emqtt-bench#47, #24, #221",
        NO_PORT,
    ),
    line(
        "emqtt-bench",
        "emfile",
        r"client[( ](?P<client>\d{1,12})\)?:? (?:EXIT|connect error)\b.{0,40}?\bemfile",
        "nofile",
        "src/emqtt_bench.erl",
        "EMFILE socket",
    ),
    # an atom of inet(3erl): gen_tcp binds where it was given an address or a port, and connects then
    line("erlang", "eaddrinuse", r"\beaddrinuse\b", "ports-bind ports", "inet(3erl); mzbench#32", "EADDRINUSE"),
    line("erlang", "eaddrnotavail", r"\beaddrnotavail\b", PORTS, "inet(3erl)", "EADDRNOTAVAIL"),
    line("erlang", "emfile", r"\bemfile\b", "nofile", "inet(3erl)", "EMFILE"),
    line("erlang", "enfile", r"\benfile\b", "file-max", "inet(3erl)", "ENFILE"),
    line("erlang", "system_limit", r"\bsystem_limit\b", "own-limit", "erlang(3erl): processes (+P), ports (+Q)"),
)

LINES = (*_PROXIES, *_BROKERS)
