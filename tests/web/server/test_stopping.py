"""SIGTERM under load: what was accepted is answered, and the door is closed to the rest."""

from __future__ import annotations

import http.client
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.web.serving import Served, form_of, model_at, picture, serving, until

NEVER_TAKEN = (ConnectionRefusedError, http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Client(threading.Thread):
    """Asks without a pause until nobody answers; ``lost`` are answers that were begun and not ended."""

    def __init__(self, served: Served, *, keep: bool, several: bool) -> None:
        super().__init__(daemon=True)
        self.served, self.keep = served, keep
        self.body, self.kind = form_of([picture(n) for n in range(4)]) if several else (picture(), "image/png")
        self.statuses: list[int] = []
        self.lost: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
        while True:
            begun = False
            try:
                connection.request("POST", "/predict", self.body, {"content-type": self.kind})
                reply = connection.getresponse()
                begun = True
                reply.read()
                self.statuses.append(reply.status)
                if not self.keep or reply.headers.get("connection") == "close":
                    connection.close()
            except NEVER_TAKEN as error:
                if begun:
                    self.lost.append(repr(error))
                return
            except Exception as error:
                self.lost.append(repr(error))
                return


def count(clients: Sequence[Client]) -> int:
    return sum(len(each.statuses) for each in clients)


def stopped_under_load(model: Path, folder: Path, times: int) -> None:
    for turn in range(times):
        with serving([model], folder, "--queue", "8") as served:
            clients = [Client(served, keep=n % 2 == 0, several=n == 3) for n in range(5)]
            for client in clients:
                client.start()
            enough = 5 * (1 + turn % 4)
            while count(clients) < enough:
                time.sleep(0.01)
            begun = time.monotonic()
            assert served.stop() == 0
            assert time.monotonic() - begun < 10  # what the server promises, not how quick it is
            for client in clients:
                client.join(30)
            assert not [lost for each in clients for lost in each.lost]
            assert {status for each in clients for status in each.statuses} <= {200, 503}
            served.heard()
            last = served.lines[-1]
            assert last["event"] == "stop" and last["begun"] == last["answered"] == count(clients)


def test_what_was_accepted_is_answered(model: Path, tmp_path: Path) -> None:
    stopped_under_load(model, tmp_path, 2)


@pytest.mark.slow
def test_what_was_accepted_is_answered_a_hundred_times(model: Path, tmp_path: Path) -> None:
    stopped_under_load(model, tmp_path, 100)


@pytest.mark.parametrize("watch", [False, True])
def test_a_newer_version_takes_over_without_a_lost_request(tmp_path: Path, watch: bool) -> None:
    model = model_at(tmp_path / "pets.safetensors")
    with serving([model], tmp_path, *(["--watch", "0.2"] if watch else [])) as served:
        clients = [Client(served, keep=True, several=n == 2) for n in range(3)]
        for client in clients:
            client.start()
        before = served.ask("GET", "/models").json()["models"][0]
        model_at(model, seed=1)
        if not watch:
            served.process.send_signal(signal.SIGHUP)
        until(lambda: served.ask("GET", "/models").json()["models"][0]["version"] > 1)
        until(lambda: any(line.get("said", "").endswith("answers") for line in served.lines))
        now = served.ask("GET", "/models").json()["models"][0]
        assert now["digest"] != before["digest"] and now["version"] >= 2
        model.write_bytes(model.read_bytes()[:-100])  # what is broken does not take over
        if not watch:
            served.process.send_signal(signal.SIGHUP)
        until(lambda: any(f"stays at version {now['version']}" in line.get("said", "") for line in served.lines))
        assert served.ask("POST", "/predict", picture()).json()["version"] == now["version"]
        served.stop()
        for client in clients:
            client.join(30)
        assert not [lost for each in clients for lost in each.lost]
        assert {status for each in clients for status in each.statuses} == {200}
