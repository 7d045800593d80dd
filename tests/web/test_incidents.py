"""Incidents of peers: for each, the class of attack that its title names, tried against a server of ours.

What an advisory says in detail is not always public; where it is not, what its title names is tried.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from tests.web.serving import Served, form_of, picture

from striate.errors import ModelError, StriateError

ROUTES = ("/predict", "/find", "/look", "/models", "/v2/models/pets/infer", "/v2", "/metrics", "/docs")


@pytest.fixture
def bait() -> Iterator[tuple[str, list[str]]]:
    """A server that a fooled one would ask, and what it was asked."""
    asked: list[str] = []

    class Bait(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Bait)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_address[1]}/x.png", asked
    http.shutdown()
    http.server_close()


def well(served: Served) -> None:
    """It lives, holds nothing, and answers."""
    assert served.ask("POST", "/predict", picture()).status == 200
    text = served.ask("GET", "/metrics").body
    assert b"striate_pictures_under_way 0.0" in text and b"striate_bytes_held 0.0" in text


# A server is made to fetch an address: TorchServe CVE-2023-43654, BentoML CVE-2025-54381.
def test_no_address_is_ever_fetched(served: Served, bait: tuple[str, list[str]]) -> None:
    url, asked = bait
    for method in ("POST", "PUT", "GET"):
        for path in (
            f"/models?url={url}",
            f"/workflows/x?workflow={url}",
            f"/predict?url={url}",
            f"/predict?model={url}",
        ):
            assert served.ask(method, path, b"" if method != "GET" else None).status in (
                200 if (method, path[:7]) == ("GET", "/models") else 404,
                400,
                404,
                405,
            )
    for body in (
        url.encode(),
        json.dumps({"url": url, "image": url, "path": url}).encode(),
        b"\xff\xd8" + url.encode(),
    ):
        assert served.ask("POST", "/predict", body).status == 422
        form = b'--b\r\ncontent-disposition: form-data; name="picture"\r\n\r\n' + body + b"\r\n--b--\r\n"
        assert served.ask("POST", "/predict", form, {"content-type": "multipart/form-data; boundary=b"}).status == 422
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>'.encode()
    assert served.ask("POST", "/predict", svg).status == 422
    for header in ("x-forwarded-host", "x-original-url", "x-rewrite-url", "forwarded", "referer"):
        assert served.ask("GET", "/models", None, {header: url}).status == 200
    assert asked == []


# Code by a route of administration: TorchServe's models by address, Ray CVE-2023-48022 (jobs), Triton's repository and
# shared memory CVE-2025-23319, 23320, 23334 and CVE-2026-24206.
@pytest.mark.parametrize(
    "path",
    [
        *("/api/jobs/", "/api/job_agent/jobs/", "/v2/repository/index", "/v2/repository/models/pets/load"),
        *("/v2/systemsharedmemory/status", "/v2/systemsharedmemory/region/x/register", "/v2/cudasharedmemory/status"),
        *(
            "/v2/logging",
            "/v2/trace/setting",
            "/management",
            "/workflows",
            "/queue/join",
            "/proxy=x",
            "/upload",
            "/file=x",
        ),
        *("/ajax-api/2.0/mlflow/artifacts", "/model-versions/create", "/api/v1/eval", "/exec"),
    ],
)
def test_nothing_administers_it_from_outside(served: Served, path: str) -> None:
    before = served.ask("GET", "/models").body
    for method in ("GET", "POST", "PUT", "DELETE"):
        body = (
            None if method == "GET" else b'{"entrypoint": "id", "model_name": "/tmp/x", "byte_size": 9, "offset": -1}'
        )
        assert served.ask(method, path, body, {"content-type": "application/json"}).status == 404
    assert served.ask("GET", "/models").body == before


def infer(**changes: object) -> bytes:
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [1, 8, 8, 1], "data": [7] * 64, **changes}
    return json.dumps({"inputs": [{name: value for name, value in tensor.items() if value is not None}]}).encode()


# Shapes and sizes that do not agree, regions of memory by name, sizes that overflow: Triton CVE-2025-23319 and those
# after it, CVE-2026-24206.
@pytest.mark.parametrize(
    "body",
    [
        infer(shape=[1, 8, 8, 2]),
        infer(shape=[2**62, 8, 8, 1]),
        infer(shape=[-1, 8, 8, 1]),
        infer(shape=[0, 8, 8, 1], data=[]),
        infer(shape=[1.0, 8, 8, 1]),
        infer(shape="1,8,8,1"),
        infer(shape=[True, 8, 8, 1]),
        infer(data=[7] * 63),
        infer(data=[256] * 64),
        infer(data=[-1] * 64),
        infer(data=[0.5] * 64),
        infer(data=["a"] * 64),
        infer(data=[[7] * 8, [7] * 7]),
        infer(data=[10**400] * 64),
        infer(data=None),
        infer(
            data=None,
            parameters={"shared_memory_region": "triton_python_backend_shm_region_1", "shared_memory_byte_size": 64},
        ),
        infer(data=None, parameters={"binary_data_size": 2**63}),
        infer(data=None, parameters={"binary_data_size": -64}),
        infer(datatype="BYTES"),
        infer(name="../../etc/passwd"),
        b'{"inputs": []}',
        b"[" * 100_000,
        b'{"inputs": ' + b"9" * 10_000 + b"}",
        b'{"inputs": null, "outputs": 3}',
        b"\xff\xfe",
        b"",
    ],
)
def test_tensors_that_are_not_what_they_say(served: Served, body: bytes) -> None:
    reply = served.ask("POST", "/v2/models/pets/infer", body)
    assert reply.status in (400, 413), reply.body
    for length in ("-1", "99999999999", "1e3", "4"):
        wrong = served.ask("POST", "/v2/models/pets/infer", body, {"inference-header-content-length": length})
        assert wrong.status in (400, 413)


# Objects out of bytes: BentoML CVE-2025-27520 (pickles by content-type), torch CVE-2025-32434 and CVE-2026-24747, Keras
# CVE-2025-1550. What is sent is a picture or it is nothing.
def test_what_is_sent_is_never_made_an_object_of(served: Served, tmp_path: Path) -> None:
    import pickle

    mark = tmp_path / "ran"

    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {mark}",)

    content = pickle.dumps(Runs())
    kinds = (
        "application/vnd.bentoml+pickle",
        "application/x-python-pickle",
        "application/octet-stream",
        "image/png",
        "",
    )
    for kind in kinds:
        headers = {"content-type": kind, "payload-container": "DefaultContainer", "payload-meta": "{}"}
        assert served.ask("POST", "/predict", content, headers).status in (415, 422)
    npy = io.BytesIO()
    np.save(npy, np.array([Runs()], object), allow_pickle=True)
    assert served.ask("POST", "/predict", npy.getvalue()).status == 422
    assert not mark.exists()


# And a model file is no program either, at the command that serves it.
def test_a_model_that_is_a_pickle_is_refused(tmp_path: Path) -> None:
    import pickle

    from striate.verbs.workspace import Workspace
    from striate.web.server.models import Models, wanted
    from striate.web.server.settings import Settings

    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(StriateError):
        Models(wanted([str(path)], tmp_path), Settings(), Workspace(tmp_path))


# Paths out of the folder: MLflow CVE-2023-6831 and CVE-2023-1177, Gradio CVE-2023-51449.
@pytest.mark.parametrize(
    "path",
    [
        *("/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/models/../../../etc/passwd"),
        *("//etc/passwd", "/v2/models/..%2f..%2fx", "/v2/models/../../etc/passwd/ready", "/file=/etc/passwd"),
        *(
            "/predict/",
            "/models//",
            "/docs/..;/metrics",
            "/static/..\\..\\x",
            "/C:/Windows/win.ini",
            "/%00",
            "/models%0d%0ax",
        ),
    ],
)
def test_no_path_leads_to_a_file(served: Served, path: str) -> None:
    reply = served.raw(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    assert re.match(rb"HTTP/1.1 (404|400) ", reply) and b"root:" not in reply


# A path in a body, of a file that is then read: Gradio CVE-2024-1728.
def test_a_path_in_a_body_is_no_file(served: Served) -> None:
    for path in ("/etc/passwd", "file:///etc/passwd", str(Path(__file__).resolve())):
        meta = {"path": path, "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
        for body in (meta, {"data": [meta]}, [path], path):
            content = json.dumps(body).encode()
            for kind in ("application/json", "application/octet-stream", "text/plain"):
                reply = served.ask("POST", "/predict", content, {"content-type": kind})
                assert reply.status in (415, 422) and b"root:" not in reply.body and b"Incidents" not in reply.body
            assert served.ask("POST", "/run/predict", content).status == 404
            assert served.ask("POST", "/v2/models/pets/infer", content).status == 400
        form, kind = form_of([path.encode()])
        assert served.ask("POST", "/predict", form, {"content-type": kind}).status == 422
    well(served)


# A file's name that leads somewhere on the disk: python-multipart CVE-2026-24486.
def test_the_name_of_a_file_is_nothing(served: Served, tmp_path: Path) -> None:
    before = sorted(path for path in Path(served.folder).rglob("*") if "runs" not in path.parts)
    for name in (
        "../../evil.png",
        "/etc/cron.d/evil",
        "a\\..\\b",
        "x" * 3_000,
        "<script>alert(1)</script>",
        "a\u202eb",
    ):
        body, kind = form_of([picture()])
        body = body.replace(b'filename="a.png"', b'filename="' + name.encode() + b'"')
        reply = served.ask("POST", "/predict", body, {"content-type": kind})
        assert reply.status == 200 and name.encode()[:20] not in reply.body and b"<" not in reply.body
    assert sorted(path for path in Path(served.folder).rglob("*") if "runs" not in path.parts) == before


# ONNX CVE-2024-27318 and CVE-2025-51480: weights in a file beside, by a path of the graph's own.
def test_a_graph_that_names_a_file_beside_it_is_refused(model: Path, tmp_path: Path) -> None:
    import onnx

    from striate.runs.predictor import Predictor

    for name in (model, model.with_suffix(".onnx")):
        (tmp_path / name.name).write_bytes(name.read_bytes())
    graph = onnx.load(str(tmp_path / "pets.onnx"))
    first = graph.graph.initializer[0]
    first.ClearField("raw_data")
    first.data_location = onnx.TensorProto.EXTERNAL
    first.external_data.add(key="location", value="../../../../etc/passwd")
    (tmp_path / "pets.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError):
        Predictor.open(tmp_path / "pets.safetensors", torch=False)


# A page elsewhere, and a name that is made to point here: Ray CVE-2025-62593, Gradio CVE-2024-1727. The rest is in
# server/test_gate.py.
def test_dns_rebinding_and_requests_of_other_pages(served: Served) -> None:
    before = served.ask("GET", "/models").body
    for host in ("attacker.example", f"attacker.example:{served.port}", "localhost.attacker.example"):
        for path in ROUTES:
            assert served.ask("POST", path, picture(), {"host": host, "user-agent": "Mozilla/5.0"}).status == 421
    for agent in ("Mozilla/5.0", "other"):  # no check by what a browser calls itself
        for page in ({"origin": "http://attacker.example"}, {"sec-fetch-site": "cross-site"}):
            assert served.ask("POST", "/predict", picture(), {"user-agent": agent, **page}).status == 403
    assert served.ask("GET", "/models").body == before


# An address put together from Host: Starlette CVE-2026-48710.
@pytest.mark.parametrize(
    "host", ["localhost/v2/health/live?", "localhost#", "localhost?x", "localhost\\@x", "localhost:80/x"]
)
def test_host_says_nothing_of_the_path(served: Served, host: str) -> None:
    for path in ("/models", "/v2/health/live"):
        assert served.ask("GET", path, None, {"host": host}).status == 400


# Forms that take time or memory: Starlette CVE-2024-47874 (a field without end), python-multipart CVE-2024-53981 and
# CVE-2026-40347 (line ends before the first boundary, bytes behind the last), CVE-2024-24762 (a slow pattern).
def test_forms_without_end(served: Served) -> None:
    part = b'--b\r\ncontent-disposition: form-data; name="picture"; filename="a"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=b"}
    good = part + picture() + b"\r\n--b--\r\n"
    bombs = {
        b"\r\n" * 2_000_000 + good: {200, 400},
        good + b"\r\n" * 2_000_000: {200},
        good + b"--b--" * 400_000: {200},
        (b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\n' + b"a" * 5_000_000 + b"\r\n" + good): {200},
        (part + b"x\r\n") * 17 + good: {413},
        (b"--b\r\n" + b"a: b\r\n" * 500_000 + b"\r\nx\r\n--b--\r\n"): {400},
        (b"--b\r\n" + b"a" * 500_000 + b": b\r\n\r\nx\r\n--b--\r\n"): {400},
        part + picture(): {400},
        b"--b--\r\n": {400},
        b"": {400},
        b"--c\r\n\r\n--c--": {400},
        b"-" * 1_000_000: {400},
    }
    for body, wanted in bombs.items():
        assert served.ask("POST", "/predict", body, kind).status in wanted, body[:60]
    for kinds in (
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 5_000,
        "multipart/form-data; boundary=;",
    ):
        assert served.ask("POST", "/predict", good, {"content-type": kinds}).status == 400
    slow = 'application/x-www-form-urlencoded; !="' + "\\" * 8_000
    assert served.ask("POST", "/predict", good, {"content-type": slow}).status in (400, 422)
    well(served)


# Headers that take time: Starlette CVE-2025-62727 (Range), patterns of headers.
def test_headers_that_take_time(served: Served) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(3_000))
    for name, value in (
        ("range", ranges),
        ("range", "bytes=" + "0-," * 9_000),
        ("if-range", "x" * 9_000),
        ("accept-encoding", "gzip;q=0.1," * 2_000),
        ("accept", "*/*," * 5_000),
        ("cookie", "a=b;" * 5_000),
        ("x-request-id", "a" * 9_000),
        ("authorization", "Bearer " + " " * 9_000),
    ):
        reply = served.ask("GET", "/docs", None, {name: value})
        assert reply.status == 200 and "content-range" not in reply.headers


# A body that unpacks to more: nothing is unpacked.
def test_bodies_that_are_packed(served: Served) -> None:
    packed = gzip.compress(bytes(30_000_000))
    reply = served.ask("POST", "/predict", packed, {"content-encoding": "gzip"})
    assert reply.status in (415, 422)
    assert served.ask("POST", "/v2/models/pets/infer", packed, {"content-encoding": "gzip"}).status == 415


def png(width: int, height: int, *, rows: bytes = b"", more: bytes = b"") -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


# A decoder that is made to write where it should not: libwebp CVE-2023-4863; and pictures that are bombs. Whatever a
# decoder does, it does in a process that can open nothing and is started anew.
def test_pictures_that_are_bombs(served: Served) -> None:
    huffman = b"RIFF\x26\x1a\0\0WEBPVP8L\x19\x1a\0\0\x2f" + bytes(range(256)) * 26  # tables that claim too much
    for content in (
        png(60_000, 60_000),
        png(65_500, 65_500, rows=bytes(1_000_000)),
        png(8_000, 9_000, rows=bytes(72_000_000)),
        png(8, 8, more=(struct.pack(">I", 0) + b"tEXt" + struct.pack(">I", zlib.crc32(b"tEXt"))) * 100_001),
        huffman,
        b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(2_000),
        picture(1, "WEBP")[:-20],
        picture(1, "JPEG")[:200] + bytes(4_000_000),
    ):
        reply = served.ask("POST", "/predict", content)
        assert reply.status == 422, (reply.status, content[:20])
    well(served)


# A file of two kinds at once: what it is served back as is decided by nobody, for it is served back by nobody. Label
# Studio CVE-2023-47115 (a picture of a person that was a page).
def test_a_polyglot_is_never_served_back(served: Served) -> None:
    page = b"<html><script>alert(1)</script>"
    for content in (
        b"GIF89a" + page,
        page + picture(),
        picture() + page,
        b"%PDF-1.7\n" + picture(),
        b"PK\x03\x04" + page,
    ):
        reply = served.ask("POST", "/predict?top=1", content)
        assert reply.status in (200, 422) and reply.headers["content-type"] == "application/json"
        assert b"<" not in reply.body and reply.headers["x-content-type-options"] == "nosniff"


# Two requests in one, or one that two readers would read differently.
def test_requests_in_requests(served: Served) -> None:
    smuggled = b"GET /models HTTP/1.1\r\nhost: localhost\r\n\r\n"
    head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\n"
    for lengths in (
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"content-length: -5\r\n",
        b"content-length: 5 5\r\n",
        b"content-length : 5\r\n",
    ):
        reply = served.raw(head + lengths + b"\r\n0\r\n\r\n" + smuggled, wait=5)
        assert reply == b"" or reply.startswith(b"HTTP/1.1 400"), (lengths, reply[:100])
        assert b'"models"' not in reply
    well(served)


def test_it_opens_no_connection_of_its_own(served: Served) -> None:
    for content in (picture(), b"http://127.0.0.1:9/"):
        served.ask("POST", "/predict", content)
    held = Path(f"/proc/{served.process.pid}/fd")
    if not held.is_dir():
        pytest.skip("this system does not say what a process has open")
    open_now = [str(one.readlink()) for one in held.iterdir() if one.is_symlink()]
    inodes = {one[8:-1] for one in open_now if one.startswith("socket:")}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{served.process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and fields[3] != "0A":  # one that listens
                assert int(fields[1].split(":")[1], 16) == served.port, f"a connection to {fields[2]}"


# What the issue of the server names, and the tests that would have caught it.
INCIDENTS = {
    "TorchServe CVE-2023-43654": (test_no_address_is_ever_fetched, test_nothing_administers_it_from_outside),
    "Ray CVE-2023-48022": (test_nothing_administers_it_from_outside,),
    "Ray CVE-2025-62593": (test_dns_rebinding_and_requests_of_other_pages,),
    "Triton CVE-2025-23319": (test_nothing_administers_it_from_outside, test_tensors_that_are_not_what_they_say),
    "Triton CVE-2025-23320": (test_nothing_administers_it_from_outside, test_tensors_that_are_not_what_they_say),
    "Triton CVE-2025-23334": (test_nothing_administers_it_from_outside, test_tensors_that_are_not_what_they_say),
    "Triton CVE-2026-24206": (test_nothing_administers_it_from_outside, test_tensors_that_are_not_what_they_say),
    "BentoML CVE-2025-27520": (test_what_is_sent_is_never_made_an_object_of,),
    "BentoML CVE-2025-54381": (test_no_address_is_ever_fetched,),
    "MLflow CVE-2023-6831": (test_no_path_leads_to_a_file, test_nothing_administers_it_from_outside),
    "MLflow CVE-2023-1177": (test_no_path_leads_to_a_file, test_nothing_administers_it_from_outside),
    "Gradio CVE-2023-51449": (test_no_path_leads_to_a_file,),
    "Gradio CVE-2024-1728": (test_a_path_in_a_body_is_no_file,),
    "Gradio CVE-2024-1727": (test_dns_rebinding_and_requests_of_other_pages,),
    "Starlette CVE-2024-47874": (test_forms_without_end,),
    "Starlette CVE-2025-62727": (test_headers_that_take_time,),
    "Starlette CVE-2026-48710": (test_host_says_nothing_of_the_path,),
    "python-multipart CVE-2024-53981": (test_forms_without_end,),
    "python-multipart CVE-2026-24486": (test_the_name_of_a_file_is_nothing,),
    "torch CVE-2025-32434": (test_what_is_sent_is_never_made_an_object_of, test_a_model_that_is_a_pickle_is_refused),
    "torch CVE-2026-24747": (test_what_is_sent_is_never_made_an_object_of, test_a_model_that_is_a_pickle_is_refused),
    "Keras CVE-2025-1550": (test_what_is_sent_is_never_made_an_object_of, test_a_model_that_is_a_pickle_is_refused),
    "ONNX CVE-2024-27318": (test_a_graph_that_names_a_file_beside_it_is_refused,),
    "ONNX CVE-2025-51480": (test_a_graph_that_names_a_file_beside_it_is_refused,),
    "Label Studio CVE-2023-47115": (test_a_polyglot_is_never_served_back, test_the_name_of_a_file_is_nothing),
    "libwebp CVE-2023-4863": (test_pictures_that_are_bombs,),
}


@pytest.mark.parametrize("incident", INCIDENTS)
def test_each_incident_is_named_where_it_is_tried(incident: str) -> None:
    text = Path(__file__).read_text(encoding="utf-8").split("INCIDENTS = {")[0]
    year = incident.rsplit(" ", 1)[1]
    assert year in text or year.rsplit("-", 1)[1] in text
