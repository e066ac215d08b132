"""Who can write a file or directory beside root, and beside the person who called sudo."""

from __future__ import annotations

import errno
import os
import stat
import struct
from dataclasses import dataclass

_ACL = "system.posix_acl_access"
_ACL_VERSION = 2  # POSIX_ACL_XATTR_VERSION, include/uapi/linux/posix_acl_xattr.h
_NAMED_USER, _OWN_GROUP, _NAMED_GROUP, _MASK, _OTHER = 0x02, 0x04, 0x08, 0x10, 0x20  # include/uapi/linux/posix_acl.h
_WRITE = 0x02
_NO_LIST = (errno.ENODATA, errno.EOPNOTSUPP, errno.ENOENT, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A file, directory or link that others can write or replace.

    `owned`: its owner is the one who can. `listed`: an entry of its access control list is (acl(5)). `file` is the one
    that was opened through it, "" where any of a directory is meant.
    """

    path: str
    uid: int
    mode: int
    owned: bool
    listed: bool = False
    file: str = ""

    @property
    def directory(self) -> bool:
        """Say whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def sentence(self) -> str:
        """Return what it is: `FILE is owned by bob (uid 1000), mode 0644`."""
        kind = " (a link)" if stat.S_ISLNK(self.mode) else ""
        listed = ", with an access control list that lets others write" if self.listed else ""
        return f"{self.path}{kind} is owned by {user(self.uid)}, mode {stat.S_IMODE(self.mode):04o}{listed}"


def trusted() -> frozenset[int]:
    """Return the users whose files root may take orders from.

    Root, the person who called sudo (sudo(8): SUDO_UID; only root could have set it to another one), and whoever
    owns /, who can replace everything anyway: in a user namespace that need not be 0 (user_namespaces(7)).
    """
    users = {0, os.geteuid(), os.stat("/").st_uid}
    called = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and called.isascii() and called.isdecimal() and len(called) <= 10:
        users.add(int(called))
    return frozenset(users)


def user(uid: int) -> str:
    """Return a user as a person reads it: `bob (uid 1000)`, `uid 1000` where it has no name."""
    import pwd

    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def doubt(fd: int, path: str, *, sticky: bool = False) -> Doubt | None:
    """Return what lets others write what a descriptor is of, None where nothing does; raises OSError.

    `sticky`: a directory in which nobody renames or removes what is another's (inode(7)) will do, if its own owner
    is to be trusted.
    """
    status = os.fstat(fd)
    owned = status.st_uid not in trusted()
    acl = _acl(fd)
    listed = acl is not None and _listed(acl)
    by_mode = _by_mode(status, acl)
    if sticky and status.st_mode & stat.S_ISVTX and not owned:
        return None
    return Doubt(path, status.st_uid, status.st_mode, owned, listed) if owned or listed or by_mode else None


def shared(fd: int) -> bool:
    """Say whether others can make entries in an open directory; raises OSError."""
    acl = _acl(fd)
    return bool(_by_mode(os.fstat(fd), acl)) or (acl is not None and _listed(acl))


def _by_mode(status: os.stat_result, acl: bytes | None) -> int:
    """Return the bits of a mode by which others can write."""
    # with a list the group's bits of the mode are its mask: the most that any entry of it allows (acl(5))
    by_all, by_group = status.st_mode & 0o002, status.st_mode & 0o020
    return by_all | (by_group if acl is None and by_group and not _private(status.st_gid) else 0)


def _private(gid: int) -> bool:
    """Say whether a group is the private one of the person who called sudo: of that name, with no other member.

    With such groups many distributions have a umask of 002 (login.defs(5): USERGROUPS_ENAB); root's umask has none.
    """
    import grp
    import pwd

    try:
        group = grp.getgrgid(gid)
        own = pwd.getpwnam(group.gr_name)
    except KeyError:
        return False
    known = own.pw_uid != 0 and own.pw_uid in trusted()
    return known and own.pw_gid == gid and set(group.gr_mem) <= {own.pw_name}


def _acl(fd: int) -> bytes | None:
    """Return the access control list of what is open, with O_PATH too, None where it has none."""
    try:
        # fgetxattr(2) takes no descriptor of O_PATH, the link to it in /proc does
        return os.getxattr(f"/proc/self/fd/{fd}", _ACL)
    except OSError as error:
        if error.errno in _NO_LIST:
            return None
        raise


def _listed(acl: bytes) -> bool:
    """Say whether an entry lets anybody write who is not to be trusted (struct posix_acl_xattr_entry)."""
    if len(acl) < 4 or (len(acl) - 4) % 8 or struct.unpack_from("<I", acl)[0] != _ACL_VERSION:
        return True  # not known: nobody can say that nobody is let in
    entries = list(struct.iter_unpack("<HHI", acl[4:]))
    mask = next((allowed for tag, allowed, _ in entries if tag == _MASK), 7)
    good = trusted()
    for tag, allowed, who in entries:
        if tag == _NAMED_USER and allowed & mask & _WRITE and who not in good:
            return True
        if tag in (_OWN_GROUP, _NAMED_GROUP) and allowed & mask & _WRITE:
            return True
        if tag == _OTHER and allowed & _WRITE:
            return True
    return False
