"""Write the Ansible collection."""

from __future__ import annotations

from hosttune import __version__
from hosttune.hooks import ansible
from hosttune.printable import word
from hosttune.terminal import file_tree


def run(output: str) -> None:
    """Write it into a directory of its own and say how to use it; raises UsageError or ApplyError."""
    written = file_tree.write("-o", output, ansible.files(__version__))
    output = word(output)
    print(f"{len(written)} files of the collection hosttune.hosttune {ansible.semantic(__version__)} in {output}")
    print(f"  use it as it is:  ANSIBLE_COLLECTIONS_PATH={output} ansible-doc hosttune.hosttune.hosttune")
    print(f"  or install it:    ansible-galaxy collection install {output}/{ansible.TREE}")
