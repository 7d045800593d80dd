"""Ask a server from N connections: PORT FILE SECONDS CONNECTIONS [RATE]; prints a line of JSON.

RATE is how many requests are sent a second, whatever comes back; 0: each connection asks again as soon as it is
answered. The picture goes as the form that a tutorial's handler takes. Per status: how long each took. Plain sockets,
since who asks shares the cores with who is asked.
"""

import json
import socket
import sys
import threading
import time
from pathlib import Path

port, content, seconds, number = int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), float(sys.argv[3]), int(sys.argv[4])
rate = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + content + b"\r\n--b--\r\n"
head = (
    f"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: multipart/form-data; boundary=b\r\n"
    f"content-length: {len(body)}\r\n\r\n"
)
request = head.encode() + body
start = time.perf_counter()
end = start + seconds
took: dict[str, list[float]] = {}


def answer(one: socket.socket) -> tuple[str, bool]:
    """Return the status of an answer that came whole, and whether the connection is kept."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = one.recv(65_536)
        if not piece:
            raise ConnectionResetError
        found += piece
    said, _, rest = found.partition(b"\r\n\r\n")
    lines = said.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    while len(rest) < length:
        piece = one.recv(65_536)
        if not piece:
            raise ConnectionResetError
        rest += piece
    return lines[0].split()[1].decode(), b"connection: close" not in lines


def ask(first: float, pause: float) -> None:
    one, due = None, first
    while True:
        if pause:
            time.sleep(max(0.0, due - time.perf_counter()))
            due += pause
        begun = time.perf_counter()
        if begun >= end:
            break
        kept = False
        try:
            if one is None:
                one = socket.create_connection(("127.0.0.1", port), timeout=60)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.sendall(request)
            status, kept = answer(one)
        except (OSError, ValueError, StopIteration) as error:
            status = type(error).__name__
        if not kept and one is not None:
            one.close()
            one = None
        took.setdefault(status, []).append(time.perf_counter() - begun)


threads = [
    threading.Thread(target=ask, args=(start + place / rate if rate else start, number / rate if rate else 0.0))
    for place in range(number)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(took))
