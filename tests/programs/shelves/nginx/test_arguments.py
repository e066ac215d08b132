"""nginx's command line, or what it has written over it: its file, its prefix, its directives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs.shelves.nginx.arguments import command

TITLE = "nginx: master process "
DEFAULT = ("/etc/nginx/nginx.conf",)


@pytest.mark.parametrize(
    ("words", "files", "prefix", "overrides"),
    [
        (["nginx"], DEFAULT, "", ()),
        (["/usr/sbin/nginx", "-g", "daemon off;"], DEFAULT, "", ("daemon off;",)),
        ([f"{TITLE}/usr/sbin/nginx -g daemon on; master_process on;"], DEFAULT, "", ("daemon on; master_process on;",)),
        ([f"{TITLE}nginx -c /srv/a b.conf -g user www;"], ("/srv/a b.conf",), "", ("user www;",)),
        ([f"{TITLE}nginx -p /srv -c n.conf"], ("n.conf",), "/srv", ()),
        (["nginx", "-p/srv", "-cn.conf", "-e", "stderr"], ("n.conf",), "/srv", ()),
        (["nginx", "-c", "n.conf"], ("n.conf",), "/usr/share/nginx", ()),
        (["/usr/local/nginx/sbin/nginx"], ("/usr/local/nginx/conf/nginx.conf",), "/usr/local/nginx", ()),
        (["/opt/o/nginx/sbin/nginx", "-p", "/srv"], ("conf/nginx.conf",), "/srv", ()),
        (["nginx", "-g", "worker_processes 2;", "-q"], DEFAULT, "", ("worker_processes 2;",)),
        (["nginx: worker process"], DEFAULT, "", ()),
        ([""], DEFAULT, "", ()),
    ],
)
def test_what_it_says(words: list[str], files: tuple[str, ...], prefix: str, overrides: tuple[str, ...]) -> None:
    made = command(words)
    assert (made.files, made.prefix, made.overrides) == (files, prefix, overrides)


@given(st.lists(st.sampled_from(["-c", "-p", "-g", "-ca", TITLE, "a b", "-", ""]) | st.text(max_size=9), min_size=1))
def test_any_words(words: list[str]) -> None:
    assert command(words).files
