"""A stand-in for the Hugging Face Hub on loopback: repositories in memory, by the requests that its library makes.

What it answers was read off huggingface_hub 2.4 (`hf_api.py`, `_commit_api.py`, `lfs.py`, `file_download.py`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

TOKEN = "hf_ThisIsTheSecretOfATest"


@dataclass
class Repository:
    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes]) -> str:
        """Add files to what is there, and move main."""
        before = self.commits.get(self.refs.get("main", ""), {})
        now = {**before, **files}
        oid = hashlib.sha1(repr((len(self.commits), sorted(now), *map(hash, now.values()))).encode()).hexdigest()
        self.commits[oid] = now
        self.refs["main"] = oid
        return oid


@dataclass
class Hub:
    """The stand-in: its ``repositories`` by name, and the ``asked`` requests, each a method and a path."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # the headers User-Agent
    large: dict[str, bytes] = field(default_factory=dict)
    broken: int | None = None  # the status of every answer, where one is set
    stop_after: int | None = None  # bytes of a file after which a connection breaks off, once
    ranges: list[str] = field(default_factory=list)


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self, status: int, value: Any = None, **headers: str) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def handle_any(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append((self.command, path))
        hub.told.append(self.headers.get("User-Agent", ""))
        content = self.body()
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if hub.broken is not None:
            return self.answer(hub.broken)
        if self.command in ("POST", "PUT") and not known and not path.startswith(("/lfs/", "/api/validate-yaml")):
            return self.answer(401, {"error": "Invalid username or password."})
        if path == "/api/repos/create":
            return self.create(json.loads(content))
        if path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if found := re.fullmatch(r"/lfs/([0-9a-f]{64})", path):
            assert hashlib.sha256(content).hexdigest() == found[1]
            hub.large[found[1]] = content
            return self.answer(200)
        if found := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            objects = [
                {**one, "actions": {"upload": {"href": f"{hub.url}/lfs/{one['oid']}"}}}
                for one in json.loads(content)["objects"]
            ]
            return self.answer(200, {"transfer": "basic", "objects": objects})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|preupload|commit)/(.+))?", path):
            return self.api(found[1], found[2], found[3], content, known)
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve(found[1], found[2], found[3], known)
        return self.answer(404)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815

    def create(self, said: dict[str, Any]) -> None:
        name = f"{said.get('organization') or 'me'}/{said['name']}"
        url = {"url": f"{self.hub.url}/{name}", "name": name}
        if name in self.hub.repositories:
            return self.answer(409, {"error": "You already created this model repo", **url})
        private = said.get("visibility") == "private" or bool(said.get("private"))
        self.hub.repositories[name] = Repository(private)
        self.hub.repositories[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        return self.answer(200, url)

    def found(self, name: str, revision: str, known: bool) -> tuple[Repository, str] | None:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not known):
            self.answer(404 if known else 401, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            return None
        oid = repository.refs.get(revision, revision)
        if oid not in repository.commits:
            self.answer(404, {"error": "Invalid rev id"}, X_Error_Code="RevisionNotFound")
            return None
        return repository, oid

    def api(self, name: str, what: str | None, revision: str | None, content: bytes, known: bool) -> None:
        found = self.found(name, revision or "main", known)
        if found is None:
            return None
        repository, oid = found
        if what == "preupload":
            files = [
                {"path": one["path"], "uploadMode": "lfs" if one["path"].endswith((".safetensors", ".onnx")) else
                 "regular", "shouldIgnore": False}
                for one in json.loads(content)["files"]
            ]  # fmt: skip
            return self.answer(200, {"files": files})
        if what == "commit":
            return self.commit(name, repository, content)
        siblings = [{"rfilename": path, "size": len(data)} for path, data in repository.commits[oid].items()]
        return self.answer(
            200, {"_id": "1", "id": name, "sha": oid, "private": repository.private, "siblings": siblings}
        )

    def commit(self, name: str, repository: Repository, content: bytes) -> None:
        files = {}
        for line in map(json.loads, content.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
        oid = repository.commit(files)
        self.answer(200, {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{name}/commit/{oid}"})

    def resolve(self, name: str, revision: str, path: str, known: bool) -> None:
        found = self.found(name, revision, known)
        if found is None:
            return
        repository, oid = found
        if path not in repository.commits[oid]:
            return self.answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound", X_Repo_Commit=oid)
        data = repository.commits[oid][path]
        start = 0
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start = int(asked[1])
            self.hub.ranges.append(self.headers["Range"])
            if asked[2]:
                data = data[: int(asked[2]) + 1]
        self.send_response(206 if start else 200)
        whole = len(repository.commits[oid][path])
        digest = hashlib.sha256(repository.commits[oid][path]).hexdigest()
        headers = {
            "X-Repo-Commit": oid,
            "ETag": f'"{digest}"',
            "Content-Length": str(len(data) - start),
            "Content-Range": f"bytes {start}-{len(data) - 1}/{whole}",
            "Accept-Ranges": "bytes",
        }
        for header, text in headers.items():
            self.send_header(header, text)
        self.end_headers()
        if self.command == "GET":
            if self.hub.stop_after is not None:
                self.wfile.write(data[start : start + self.hub.stop_after])
                self.hub.stop_after, self.close_connection = None, True
                return None
            self.wfile.write(data[start:])
        return None


@contextmanager
def hub() -> Iterator[Hub]:
    """Serve a Hub, to which HF_ENDPOINT points; nobody is logged in."""
    made = Hub()
    handler = type("Handler", (_Asked,), {"hub": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    from huggingface_hub import constants

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", made.url)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "STRIATE_OFFLINE", "HF_HUB_OFFLINE"):
            patch.delenv(name, raising=False)
        patch.setattr(constants, "HF_TOKEN_PATH", "/nobody/is/logged/in")
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # large files go by Git's LFS, as to servers without Xet
        patch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)  # read where the library is imported first
        try:
            yield made
        finally:
            server.shutdown()
            server.server_close()
