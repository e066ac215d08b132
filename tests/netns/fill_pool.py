"""Connect to one address, which nobody accepts, until no port is left; print how many, and the errno.

python fill_pool.py ADDRESS PORT
"""

from __future__ import annotations

import socket
import sys


def main(address: str, port: int) -> None:
    listener = socket.create_server((address, port), backlog=4096)
    kept, errno = [], 0
    while not errno:
        client = socket.socket()
        try:
            client.connect((address, port))
        except OSError as error:
            errno = error.errno or -1
        kept.append(client)
    print(len(kept) - 1, errno)
    listener.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
