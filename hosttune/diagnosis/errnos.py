"""The errnos and calls that a person may name (errno(3)); "none": it was slow, and nothing failed."""

from __future__ import annotations

ERRNOS = (
    "EADDRNOTAVAIL",
    "EADDRINUSE",
    "EMFILE",
    "ENFILE",
    "ENOSPC",
    "ENOBUFS",
    "ENOMEM",
    "EAGAIN",
    "EPERM",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "none",
)
CALLS = (
    "connect",
    "bind",
    "accept",
    "socket",
    "setrlimit",
    "epoll_ctl",
    "clone",
    "send",
    "recv",
    "open",
    "write",
    "mmap",
    "inotify_init",
    "inotify_add_watch",
    "io_setup",
)
