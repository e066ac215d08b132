"""Run a command on a kernel that has no sock_diag: socket(AF_NETLINK, _, NETLINK_SOCK_DIAG) fails as it does there.

`python no_sock_diag.py COMMAND...`: a filter of seccomp(2) stays with the command and all its children.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

_ARCHES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}  # AUDIT_ARCH_*, the number of socket(2)
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # SECCOMP_RET_*
_NR, _ARCH, _ARGUMENTS = 0, 4, 16  # struct seccomp_data
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2


def program() -> bytes:
    """Return the filter: socket(16, _, 4) is EPROTONOSUPPORT, all else is allowed."""
    arch, call = _ARCHES[os.uname().machine]
    tests = [(_ARCH, arch), (_NR, call), (_ARGUMENTS, 16), (_ARGUMENTS + 16, 4)]
    code = b""
    for number, (offset, wanted) in enumerate(tests):
        rest = 2 * (len(tests) - number - 1)
        code += struct.pack("=HBBI", _LOAD, 0, 0, offset) + struct.pack("=HBBI", _EQUAL, 0, rest + 1, wanted)
    code += struct.pack("=HBBI", _RETURN, 0, 0, _ERRNO | errno.EPROTONOSUPPORT)
    return code + struct.pack("=HBBI", _RETURN, 0, 0, _ALLOW)


def install() -> None:
    """Put the filter in place for this process; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = program()
    buffer = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(buffer))
    where = ctypes.create_string_buffer(head, len(head))
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_SECCOMP, _FILTER, ctypes.byref(where), 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    install()
    os.execv(sys.argv[1], sys.argv[1:])
