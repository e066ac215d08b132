"""A program reads a file that is larger than its control group: the group is full of cache, which gives way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "memory"
WHERE = "guest"
_CODE = """
import socket, threading
kept = [socket.socket() for _ in range(200)]
path = "/var/tmp/scene"
with open(path, "wb") as file:
    file.write(bytes(48 << 20))
def read():
    while True:
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass
threading.Thread(target=read, daemon=True).start()
import os, time
time.sleep(1)
print("ready", flush=True)
sys.stdin.read()
os.unlink(path)
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with limited.group({"memory.max": 24 << 20}) as group, made.child(limited.JOIN + _CODE, str(group)) as ready:
        assert ready == "ready"
        yield []
