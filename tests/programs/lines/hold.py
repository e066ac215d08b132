"""Open connections and keep them: `hold.py COUNT PORT [TEXT [FIRST]]`; prints what each was answered, and each error.

It waits for the listener. TEXT is sent, with its escapes; FIRST is the local port of the first, the next has the next.
"""

import contextlib
import socket
import sys
import time

count, port = int(sys.argv[1]), int(sys.argv[2])
text = (sys.argv[3:4] or [""])[0].encode().decode("unicode_escape").encode("latin-1")
first = int((sys.argv[4:5] or ["0"])[0])
end = time.monotonic() + 15
kept: list[socket.socket] = []


def connect(local: int) -> None:
    """Add one connection; a listener that is not there yet is waited for."""
    while True:
        client = socket.socket()
        client.settimeout(2)
        if local:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(("127.0.0.1", local))
        try:
            client.connect(("127.0.0.1", port))
            client.sendall(text)
        except ConnectionRefusedError:
            if kept or time.monotonic() > end:
                raise
            client.close()
            time.sleep(0.05)
        else:
            kept.append(client)
            return


for number in range(count):
    try:
        connect(first + number if first else 0)
    except OSError as error:
        print(error, flush=True)
for one in kept:
    one.settimeout(0.3)
    with contextlib.suppress(OSError):
        print(one.recv(200).decode("utf-8", "replace"), flush=True)
time.sleep(60)
