"""`striate serve` says in one line why it does not start, and ends with 2."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.web.serving import model_at

from striate.cli.main import striate
from striate.errors import ServeError, StriateError
from striate.web.server.models import wanted
from striate.web.server.settings import Settings, settled


def served(*arguments: str, token: str = "") -> Result:
    return CliRunner(env={"STRIATE_TOKEN": token}).invoke(striate, ["serve", *arguments])


def why(result: Result) -> str:
    """Return the one line of an error."""
    assert isinstance(result.exception, StriateError) and result.exception.exit_code == 2, result.output
    text = str(result.exception)
    assert "\n" not in text and "Traceback" not in result.output
    return text


def test_models_that_cannot_be_served(tmp_path: Path) -> None:
    runs = ["--runs-dir", str(tmp_path / "runs"), "--port", "0"]
    assert "there is no run yet" in why(served(*runs))
    assert "there is no run yet" in why(served("zebra", *runs))
    (tmp_path / "a.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    assert "a.safetensors" in why(served(str(tmp_path / "a.safetensors"), *runs))
    model = model_at(tmp_path / "b.safetensors")
    model.with_suffix(".onnx").unlink()
    assert "there is no" in (text := why(served(str(model), *runs))) and "striate export" in text
    with pytest.raises(ServeError, match="two models would be called b"):
        wanted([str(model), f"b={model}"], tmp_path)
    assert [one.name for one in wanted(["x=a", "runs/pets-2", "a/b.safetensors"], tmp_path)] == ["x", "pets-2", "b"]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        text = why(served("--port", str(port), "--runs-dir", str(tmp_path)))
    assert f"port {port} of 127.0.0.1 cannot be had" in text and "--port 8001" in text


def test_tokens_and_binds(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "10.0.0.1"):
        assert "set a token (STRIATE_TOKEN, or --token-file FILE)" in why(served("--host", host))
    assert "has 5 characters" in why(served("--host", "0.0.0.0", token="short"))
    assert "there is no file" in why(served("--token-file", str(tmp_path / "none")))
    (tmp_path / "empty").touch()
    assert "has 0 characters" in why(served("--token-file", str(tmp_path / "empty")))
    assert "is a number" in why(served("--host", "example.com"))
    assert "an origin, such as" in why(served("--allow-origin", "example.com"))
    assert "an origin, such as" in why(served("--allow-origin", "https://example.com/"))
    assert "a host's name alone" in why(served("--allow-host", "http://example.com"))
    assert "no index" in why(served("--index", str(tmp_path), "--port", "0", str(model_at(tmp_path / "m.safetensors"))))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("port = ", "is no TOML"),
        ("queue = 0", "queue = '0': input should be greater than or equal to 1"),
        ("queue = 'many'", "queue = 'many'"),
        ("qeue = 3", "qeue is nothing that a server is told"),
        ("token = 'a-token-of-no-use-elsewhere'", "does not belong into it"),
        ("deadline = -1.0", "deadline"),
        ("upload = 300_000_000", "nothing of that size could ever be taken"),
        ("port = 8000\nmetrics_port = 8000", "needs another"),
        ("\0", "is no TOML"),
    ],
)
def test_configuration_that_is_broken(tmp_path: Path, text: str, reason: str) -> None:
    config = tmp_path / "serve.toml"
    config.write_text(text)
    assert reason in (said := why(served("--config", str(config)))) and len(said) < 600


def test_configuration_that_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIATE_TOKEN", raising=False)
    config = tmp_path / "serve.toml"
    config.write_text('queue = 3\ndeadline = 2\nallow_origin = ["https://example.com"]\n')
    found = settled({"port": 1, "queue": None}, config)
    assert found == Settings(port=1, queue=3, deadline=2.0, allow_origin=("https://example.com",))
    assert "secret" not in repr(Settings(token="secret-secret-secret"))
    (tmp_path / "token").write_text("a-token-of-no-use-elsewhere\n")
    assert settled({"host": "0.0.0.0"}, None, tmp_path / "token").token == "a-token-of-no-use-elsewhere"
