"""haproxy.cfg and nginx.conf, from which backends are taken."""

from __future__ import annotations

from random import Random

from hosttune.errors import HosttuneError
from hosttune.programs import configuration
from tests.fuzz import mutate
from tests.fuzz.memory import Memory
from tests.fuzz.part import Given, Part

HAPROXY = (
    "global\n  maxconn 100000\n  nbthread 4\n  ulimit-n 200100\ndefaults\n  mode tcp\n  timeout connect 5s\n"
    "  option splice-auto\nfrontend f\n  bind :1883\n  bind 10.0.0.1:8883-8890 ssl crt /x\n"
    "  default_backend b\nbackend b\n"
    "  source 10.0.0.1:1024-65535\n  server s1 10.0.1.1:1883 check inter 2s source 10.0.0.2\n"
    "  server s2 [2001:db8::1]:1883\n"
    "  server-template srv 1-20 b.example:1883 check resolvers d\n",
    "listen mqtt\n  bind *:1883,:::8883 maxconn 5\n  server a 127.0.0.1:1884 weight 10 maxconn 1000\n"
    "  server b unix@/run/x\n"
    '  server c "10.0.0.3":1883 # why\n  default-server check port 9000\n'
    "  server d ipv4@10.0.0.4:1883 backup disabled\n",
    "backend b\n  source 0.0.0.0 usesrc clientip\n  server x ${HOST}:\\\n 1883\n  server y 10.0.0.9\n"
    "  server z 10.0.0.9:+100\n",
)
NGINX = (
    "worker_processes auto;\nworker_rlimit_nofile 200000;\nevents { worker_connections 65536; }\nstream {\n"
    "  upstream b { least_conn; server 10.0.0.1:1883 weight=5; server [2001:db8::1]:1883 backup; server unix:/x; }\n"
    "  server { listen 1883 backlog=65535 reuseport; proxy_pass b; proxy_bind 10.0.0.2 transparent; }\n}\n",
    "http {\n  upstream u { server 10.0.0.1; keepalive 32; }\n"
    "  server { listen 80; location / { proxy_pass http://u; } }\n"
    "  split_clients $remote_addr $s { 50% 10.0.0.3; * 10.0.0.4; }\n"
    "  server { location /x { proxy_bind $s; fastcgi_pass 10.0.0.9:9000; } }\n}\n",
    "events {}\nstream { map $x $y { default 10.0.0.1:1883; ~^a\"{1} 'b;c'; }\n"
    " server { proxy_pass $y; } include /etc/nginx/*.conf; }\n",
)
WORDS = (
    *(
        "server",
        "source",
        "bind",
        "backend",
        "listen",
        "global",
        "defaults",
        "maxconn",
        "check",
        "usesrc",
        "clientip",
        "usrc",
    ),
    *(
        "10.0.0.1:1883",
        "[::1]:1",
        "0.0.0.0:1024-65535",
        "65536",
        "*",
        "upstream",
        "proxy_pass",
        "proxy_bind",
        "include",
        "b.example:1",
    ),
    *(
        "server-template",
        "1-5",
        "nbthread",
        "option",
        "splice-auto",
        "http://u/",
        "$s",
        "unix:/x",
        "fd@${x}",
        "abns@x",
        "ssl",
    ),
)
LINES = (
    *(
        "  server q 10.0.0.8:1883",
        "  server q :1883 source :",
        "  source 10.0.0.1:9-1",
        "backend",
        "server",
        "}",
        "{",
        "  bind",
    ),
    *(
        "  server-template s 0-0 10.0.0.1:1",
        "  server-template s 1-999999999 10.0.0.1:1",
        "  default-server source 1.1.1.1",
        ";",
        "'",
    ),
)
PATH = "/etc/x.cfg"


def haproxy(random: Random) -> str:
    """Return an haproxy.cfg, nearly right."""
    return mutate.text(random, random.choice(HAPROXY), WORDS, LINES)


def nginx(random: Random) -> str:
    """Return an nginx.conf, nearly right."""
    return mutate.text(random, random.choice(NGINX), WORDS, LINES)


def _run(given: Given) -> bool:
    host = Memory({PATH: given["text"]}, {"names": ["10.0.9.9"]})
    try:
        configuration.read(configuration.Given(host, (PATH,)))
    except HosttuneError:
        return False
    return True


PARTS = (
    Part("haproxy.cfg", lambda random: {"text": haproxy(random)}, _run, share=80),
    Part("nginx.conf", lambda random: {"text": nginx(random)}, _run, share=40),
)
