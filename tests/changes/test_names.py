"""Whom --service and --user name: as systemctl takes it, or one line where there is nobody of that name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hosttune.errors import UsageError
from hosttune.options import Options
from hosttune.workflows import loading
from tests.changes import acts, tree


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"service": "nosuch"}, "no unit file of nosuch.service"),
        ({"service": "nosuch.service"}, "no unit file of nosuch.service"),
        ({"service": "ssh.socket"}, "name the service"),
        ({"service": "a b"}, "no unit's name"),
        ({"service": "masked"}, "masks the unit"),
        ({"user": ["root", "nosuch"]}, "--user nosuch: no such user"),
    ],
)
def test_a_name_that_is_not_there_is_one_line(root: Path, options: dict[str, Any], says: str) -> None:
    tree.make(root, {"/usr/lib/systemd/system/masked.service": ""})
    with pytest.raises(UsageError, match="--") as caught:
        acts.apply(tree.Host(root), tree.asked(**options))
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("sources", ["files sss", "files systemd", "files [NOTFOUND=return] # ldap"])
def test_a_login_of_a_directory_service_is_believed(root: Path, sources: str) -> None:
    (root / "etc/nsswitch.conf").write_text(f"group: ldap\npasswd:  {sources}\n")
    options = Options(user=["nosuch"])
    if "sss" in sources:
        assert loading.load(tree.Host(root), options).programs.users == ("nosuch",)
    else:
        with pytest.raises(UsageError, match="no such user"):
            loading.load(tree.Host(root), options)


@pytest.mark.parametrize("name", ["haproxy", "a\\x2db", "foo@x"])
def test_a_service_is_named_as_systemctl_takes_it(root: Path, run: Any, name: str) -> None:
    for file in ("a\\x2db.service", "foo@.service"):
        tree.make(root, {f"/usr/lib/systemd/system/{file}": "[Service]\nExecStart=/x\n"})
    assert run(root, tree.asked(service=name))[0] == 0
    assert (root / f"etc/systemd/system/{name}.service.d/90-hosttune.conf").exists()


def test_a_login_that_is_named_gets_what_the_role_needs(root: Path, run: Any) -> None:
    code, document = run(root, tree.asked(user=["alice"], connections=20_000))
    assert code == 0 and "nofile:login/alice" in [row["subject"] for row in document["results"]]
    text = (root / "etc/security/limits.d/90-hosttune.conf").read_text()
    assert "alice soft nofile 40200\n" in text and "root" not in text.replace("rollback", "")
    assert run(root, tree.asked(user=["alice"], connections=20_000))[1]["changed"] is False
