"""The lines of a mosquitto.conf and of what it includes, in the order in which mosquitto takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.errors import UsageError
from hosttune.programs.configuration import Given

_DEEPEST = 10  # include_dir within included files, src/conf.c, config__read_file_core()
_FILES = 1_000  # those of files that include one another are counted each time

_WORDS = """
acl_file address addresses allow_anonymous allow_duplicate_messages allow_zero_length_clientid auth_plugin
auto_id_prefix autosave_interval autosave_on_changes bind_address bind_interface cafile capath certfile
check_retain_source ciphers ciphers_tls1.3 cleansession clientid clientid_prefixes connection connection_messages
crlfile dhparamfile global_max_clients global_max_connections http_dir idle_timeout include_dir keepalive_interval
keyfile listener local_cleansession local_clientid local_password local_username log_dest log_facility log_timestamp
log_timestamp_format log_type max_connections max_inflight_bytes max_inflight_messages max_keepalive max_packet_size
max_qos max_queued_bytes max_queued_messages max_topic_alias memory_limit message_size_limit mount_point notifications
notifications_local_only notification_topic password_file per_listener_settings persistence persistence_file
persistence_location persistent_client_expiration pid_file plugin port protocol psk_file psk_hint queue_qos0_messages
remote_clientid remote_password remote_username require_certificate restart_timeout retain_available retry_interval
round_robin set_tcp_nodelay socket_domain start_type sys_interval threshold tls_engine tls_version topic try_private
upgrade_outgoing_qos use_identity_as_username use_subject_as_username use_username_as_clientid user
websockets_headers_size websockets_log_level
"""
WORDS = frozenset(_WORDS.split())
"""What begins a line of it, mosquitto.conf(5)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line in words: `name` and what follows it, `rest`; `where` is file:line, `begins` that its file does there."""

    where: str
    name: str = ""
    rest: str = ""
    begins: bool = False
    ends: bool = False


def read(given: Given, path: str, notes: list[str]) -> Iterator[Line]:
    """Yield the lines of a file and of its include_dir; adds a note for what cannot be read."""
    yield from _file(given, path, given.text(path), notes, [path], [])


def _file(given: Given, path: str, text: str, notes: list[str], within: list[str], seen: list[str]) -> Iterator[Line]:
    seen.append(path)
    yield Line(path, begins=True)
    for number, raw in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        # words are parted by spaces alone, and a comment is a line of its own: src/conf.c
        name, _, rest = raw.rstrip("\r").strip(" ").partition(" ")
        if "\t" in name and not name.startswith("#") and name.split()[:1]:
            notes.append(f"{where}: mosquitto does not start: it takes a tab for a part of the word")
        elif name == "include_dir":
            yield from _directory(given, rest.strip(" "), where, notes, within, seen)
        elif name and not name.startswith("#"):
            yield Line(where, name, rest.strip(" "))
    yield Line(path, ends=True)


def _directory(
    given: Given, directory: str, where: str, notes: list[str], within: list[str], seen: list[str]
) -> Iterator[Line]:
    """Yield the lines of the files of a directory that end in .conf, hidden ones too, by name whatever its case."""
    base = directory.rstrip("/")
    if not base.startswith("/"):
        base = f"{given.prefix.rstrip('/')}/{base}" if given.prefix else ""
    paths = [*given.glob(f"{base}/*.conf"), *given.glob(f"{base}/.*.conf")] if base else []
    if not paths:
        what = "no file of it ends in .conf" if base else "a relative path, and where mosquitto is started is not known"
        notes.append(f"{where}: include_dir {directory}: {what}")
    for path in sorted(paths, key=str.lower):
        if len(seen) >= _FILES:
            notes.append(f"{where}: include_dir {directory}: more than {_FILES:,} files; the others are not read")
            return
        if path in within or len(within) > _DEEPEST:
            notes.append(f"{where}: include_dir {directory}: {path} is not followed any further")
            continue
        try:
            text = given.text(path)
        except UsageError as error:
            notes.append(f"{where}: {error}")
            continue
        yield from _file(given, path, text, notes, [*within, path], seen)
