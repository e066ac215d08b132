"""Listen and never accept, `serve.py PORT`: the kernel completes what connects. The file `up` says that it listens."""

import pathlib
import socket
import sys
import time

server = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=999)
pathlib.Path("up").touch()
time.sleep(60)
