"""Every module of hosttune and what its leaves import late, imported once for all forks of tests/verbs.py."""

from __future__ import annotations

import importlib
import pkgutil

import hosttune

for _module in pkgutil.walk_packages(hosttune.__path__, "hosttune."):
    # the files of an Ansible collection import what only Ansible has
    if "._collection" not in _module.name and not _module.name.endswith(".__main__"):
        importlib.import_module(_module.name)
for _name in ("pydantic", "pyroute2", "rich.console", "typer._adapters"):
    importlib.import_module(_name)
