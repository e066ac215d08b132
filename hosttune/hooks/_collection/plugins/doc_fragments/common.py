"""What the documentation of all modules shares."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module."""

    DOCUMENTATION = r"""
options:
  roles:
    description:
      - Roles of the host, such as V(lb) or V(broker); C(hosttune profile list) names them.
    type: list
    elements: str
    aliases: [role]
  profiles:
    description:
      - Your own profile files, on the host.
      - The role P(hosttune.hosttune.hosttune#role) copies one from the controller.
    type: list
    elements: path
    aliases: [profile]
  connections:
    description:
      - Target number of connections; without it that of the profile.
    type: int
  rate:
    description:
      - New connections per second.
    type: int
  hold:
    description:
      - Seconds that a connection lives; V(0) where it stays.
    type: int
  backends:
    description:
      - Addresses that the host connects to, each as C(HOST:PORT).
    type: list
    elements: str
    aliases: [backend]
  backends_from:
    description:
      - Files of a proxy's configuration on the host, or directories of them, to read the backends from.
    type: list
    elements: path
  sources:
    description:
      - Source addresses of the host, or V(all); without it those that routing gives.
    type: list
    elements: str
    aliases: [source]
  bind_mode:
    description:
      - How the program takes its local ports, as C(connect), C(no-port), C(bind) or C(explicit), or C(MODE:LO-HI).
    type: str
  service:
    description:
      - The unit that handles the connections.
    type: str
  users:
    description:
      - Logins whose limits count.
    type: list
    elements: str
    aliases: [user]
  root:
    description:
      - The tree of an image or a chroot on the host; nothing runs in it.
    type: path
    default: /
  executable:
    description:
      - Name or path of hosttune on the host.
      - A name is looked for in E(PATH), C(/usr/local/bin) and C(/opt/hosttune/bin).
    type: path
    default: hosttune
  timeout:
    description:
      - Seconds after which hosttune is stopped; the task fails then.
      - An apply or rollback that is stopped undoes what it has written.
    type: int
    default: 600
"""
