"""A file is nginx's by its blocks, and no file of another program is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs.shelves import nginx
from tests.fuzz.kinds import proxies

OURS = {
    "main": "user www-data;\nworker_processes auto;\nevents { }\nhttp { }\n",
    "only includes": "include /etc/nginx/base.conf;\n",
    "http": "http {\n  include x;\n}",
    "stream": "stream { }",
    "events": "events {",
    "a brace on the next line": "http\n{\n}\n",
    "a comment between": "# http-request deny if { x }\nhttp # main\n# more\n{ }\n",
    "quotes": "'http' { }\n\"upstream\" 'b' { server x; }",
    "CRLF": "server {\r\n\tlisten 80;\r\n}\r\n",
    "an upstream": "upstream b\n{ server 10.0.0.1; }",
    "a site": "# managed\nserver {\n  listen 80;\n  location / { return 204; }\n}\n",
    "a location": "location /x { proxy_pass http://b; }",
    "a map": "map $host $to { default b; }",
    "split_clients": 'split_clients "$remote_addr" $from { * 10.0.0.1; }',
    "on one line": "events{}http{server{listen 80;}}",
    "behind other directives": "proxy_cache_path /x keys_zone=a:1m;\nserver_tokens off;\nserver { listen 80; }",
}
OTHERS = {
    "a brace in http-request": "frontend f\n bind :80\n http-request deny if { path /x }\n default_backend b\n",
    "braces everywhere": (
        "listen l\n bind :80\n http-response set-header x %{+Q}[src] if { src 10.0.0.0/8 } !{ path /y }\n"
        " http-check expect status 200\n server s 10.0.0.1:80\n tcp-request content reject if { src -f /x }\n"
    ),
    "sections called so": "backend http\n server s { 10.0.0.1\nbackend stream\n acl server { path / }\n",
    "a comment": "# http {\n# upstream b { server x; }\nglobal\n maxconn 5\n",
    "quoted": 'global\n log-send-hostname "http { }"\n',
    "peers": "peers p\n server s 10.0.0.1:80\nring r\n server t 10.0.0.1:80\n",
    "mosquitto": "user mosquitto\npid_file /run/x.pid\nlistener 1883\n# server { listen 1; }\n",
    "envoy": '{"static_resources": {"listeners": [{"server": {}}]}}',
    "yaml": "static_resources:\n  clusters:\n  - {name: x, http: {a: 1}}\n",
    "another language": "server {\n  enabled = true\n  http {\n  x = 1 }\n}\n",
    "xml": '<tsung><servers><server host="x"/></servers></tsung>',
    "nothing": "",
}


@pytest.mark.parametrize("text", OURS.values(), ids=OURS.keys())
def test_a_file_of_nginx_is(text: str) -> None:
    assert nginx.recognises(text)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_a_file_of_another_program_is_not(text: str) -> None:
    assert not nginx.recognises(text)


@pytest.mark.parametrize("text", [*proxies.HAPROXY])
def test_no_haproxy_cfg_is(text: str) -> None:
    assert not nginx.recognises(text)
    assert not nginx.recognises(text.replace("\n", "\r\n"))


LINE = st.sampled_from(
    [
        " http-request deny if { path /x }",
        " server s 10.0.0.1:80",
        "backend http",
        " acl a path -i { x",
        " use_backend b if { }",
        "listen stream",
        "# http {",
        ' log-format "%{+Q}o {"',
        " http-request return lf-string '{ }' if a",
        "frontend events",
        " tcp-request inspect-delay 5s",
        " http-request set-var(txn.x) str(;) if { src 1 }",
        "global",
        "defaults http",
    ]
)


@given(st.lists(LINE, max_size=30).map("\n".join))
def test_lines_of_haproxy_in_any_order_are_not(text: str) -> None:
    assert not nginx.recognises(f"global\n{text}")


@given(st.text(max_size=200) | st.text("{}; \n#\"'\\$shttpervupam", max_size=60))
def test_any_text_is_ours_or_not(text: str) -> None:
    assert nginx.recognises(text) in (True, False)
