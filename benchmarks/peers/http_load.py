"""Ask a server without a pause from N connections: PORT FILE SECONDS CONNECTIONS; prints a line of JSON.

The picture goes as the form that a tutorial's handler takes. Per status: how often, and how long each took.
"""

import http.client
import json
import sys
import threading
import time
from pathlib import Path

port, content, seconds, number = int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), float(sys.argv[3]), int(sys.argv[4])
body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + content + b"\r\n--b--\r\n"
end = time.perf_counter() + seconds
took: dict[str, list[float]] = {}


def ask() -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while (begun := time.perf_counter()) < end:
        try:
            connection.request("POST", "/predict", body, {"content-type": "multipart/form-data; boundary=b"})
            reply = connection.getresponse()
            reply.read()
            status = str(reply.status)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status = type(error).__name__
        took.setdefault(status, []).append(time.perf_counter() - begun)


threads = [threading.Thread(target=ask) for _ in range(number)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(took))
