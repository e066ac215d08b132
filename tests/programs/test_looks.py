"""A file of no program that is read is refused by what it looks like, and what is read is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.programs import configuration, looks
from hosttune.programs.configuration import Given

PROXY = "    frontend f\n      bind :80\n      default_backend b\n    backend b\n      server s 10.0.0.1:80\n"
TEXTS = {
    "": "empty",
    "\n \n": "empty",
    "# one\n; two\n": "nothing but comments",
    "\x1f\udc8b\x08\x00": "a gzip archive",
    "\x7fELF\x02": "a program",
    "PK\x03\x04": "a zip archive",
    "a\0b": "binary",
    "\udcff\udcfe\x01\x02\x03": "binary",
    "-----BEGIN CERTIFICATE-----\nMIIB\n": "PEM, a key or a certificate",
    "#!/bin/sh\necho x\n": "a script for /bin/sh",
    "#!/usr/bin/env python3\nx = 1\n": "a script for /usr/bin/env",
    '<?xml version="1.0"?>\n<domain type="kvm"/>\n': "XML with the root <domain>",
    "<!DOCTYPE html>\n<html></html>": "XML with the root <html>",
    "<": "XML without a root",
    '{"a": 1}': "JSON with a, without static_resources",
    '{\n  "name": "x",\n  "version": 3\n}\n': "JSON with name, version, without static_resources",
    "{}": "JSON without static_resources",
    "[1, 2]\n": "a list in JSON",
    "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/x\n": "INI or TOML with the section [Unit]",
    "[[case]]\nname = 1\n": "INI or TOML with the section [[case]]",
    "net.core.somaxconn = 4096\nfs.file-max=1\n": "lines of KEY = VALUE",
    "port = 5432\nmax_connections = 100\n": "lines of KEY = VALUE",
    "services:\n  web:\n    image: x\n    ports:\n      - 80\n": "YAML without static_resources",
    "---\n- hosts: all\n": "YAML without static_resources",
    ":80 {\n  reverse_proxy x\n}\nfoo {\n}\n": "blocks in braces, of directives that nginx does not have",
    "hello world\n": "text of no form that is known",
    "<VirtualHost *:80>\n</VirtualHost>\n": "a configuration of Apache",
    f"#!/bin/sh\ncat >x <<E\n{PROXY}E\n": "a script for /bin/sh",
    f"--- a/x.cfg\n+++ b/x.cfg\n@@ -1,3 +1,4 @@\n{PROXY}": "a patch",
    f"# chart\napiVersion: v1\nkind: ConfigMap\ndata:\n  haproxy.cfg: |\n{PROXY}": (
        "a ConfigMap of Kubernetes, not the file within it"
    ),
    f"---\n- copy:\n  content: |\n{PROXY}": "YAML without static_resources",
}


@pytest.mark.parametrize(("text", "what"), TEXTS.items())
def test_what_it_looks_like(text: str, what: str) -> None:
    assert looks.like(text) == what


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("global\n maxconn {{ most }}\nbackend b\n{% for host in web %}\n server {{ host }} x:80\n{% endfor %}\n", 2),
        ("events { }\nhttp {\n upstream b {\n {%- for h in hosts %}\n server {{ h }}:80;\n{% endfor %} } }\n", 4),
        ("# {{ ansible_managed }}\nname: {{ .Values.name }}\n", 2),
    ],
)
def test_a_template_that_was_not_rendered_is_refused_as_such(text: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(UsageError, match=rf"/x:{line}: a template \(Jinja, Helm\) that was not rendered; name "):
        configuration.read(Given(LiveHost(str(tmp_path)), ("/x",)))


def test_what_a_template_has_within_a_file_that_is_read_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(f"#!/usr/sbin/haproxy -f\n{PROXY}      http-request return string '{{{{ x }}}}'\n")
    read = configuration.read(Given(LiveHost(str(tmp_path)), ("/x",))).configuration
    assert [str(backend) for backend in read.backends] == ["10.0.0.1:80"]


@pytest.mark.parametrize("text", [text for text in TEXTS if "\udc8b" not in text and "\udcff" not in text])
def test_it_is_refused_by_that_with_the_kinds_that_are_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(UsageError) as caught:
        configuration.read(Given(LiveHost(str(tmp_path)), ("/x",)))
    said = str(caught.value)
    assert f"/x: of no program that is known: it looks like {looks.like(text)}; " in said
    assert "configurations of envoy, haproxy, mosquitto, nginx, tsung are read" in said and "\n" not in said


@given(st.text(max_size=300) | st.lists(st.sampled_from("{}[]<>\"':=# \n\tab-"), max_size=60).map("".join))
def test_any_text_looks_like_something_that_can_be_printed(text: str) -> None:
    said = looks.like(text)
    assert said and said.isprintable() and len(said) < 200


@pytest.mark.parametrize("part", ["a: b\n", "<", '{"a":', "[", "x {\n", " ", "#\n", "'"])
def test_it_is_soon_said_of_a_large_one(part: str) -> None:
    assert looks.like(part * ((1 << 20) // len(part)))
