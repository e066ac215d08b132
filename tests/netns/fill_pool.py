"""Connect to one address, until no port is left; print how many, and the errno.

python fill_pool.py ADDRESS PORT
"""

from __future__ import annotations

import socket
import sys


def main(address: str, port: int) -> None:
    listener = socket.create_server((address, port), backlog=4096)
    made: list[socket.socket] = []
    accepted: list[socket.socket] = []
    errno = 0
    while not errno:
        client = socket.socket()
        try:
            client.connect((address, port))
        except OSError as error:
            errno = error.errno or -1
        else:
            accepted.append(listener.accept()[0])
            made.append(client)
    print(len(made), errno)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
