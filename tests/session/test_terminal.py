"""Nothing unprintable reaches a terminal: not from a class, not from a file, on neither stream, in one line or many."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from rich.console import Console
from tests.runs import hostile

from striate.session import terminal

EVIL = "\x1b]0;owned\x07\x1b[2J\r\x9b\x7f\u202ecat"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\u202eb\u2066", r"a\u202eb\u2066"),
        ("\x9b\x7f\x00", r"\x9b\x7f\x00"),
        ("a\nb\tc", "a\nb\tc"),
        ("a\rb", r"a\rb"),
        ("\udcff", r"\udcff"),
        ("Hündin 👩‍👧 می‌خواهم 猫", "Hündin 👩‍👧 می‌خواهم 猫"),
    ],
)
def test_what_no_screen_shows_is_escaped(text: str, shown: str) -> None:
    assert terminal.printable(text) == shown
    assert terminal.line("a\nb") == r"a\nb"


def test_whoever_writes_to_a_guarded_stream_writes_text() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)
    terminal.guard(stream)
    terminal.guard(stream)  # a second time changes nothing
    print(EVIL, file=stream)
    handler = logging.StreamHandler(stream)
    handler.emit(logging.LogRecord("x", logging.ERROR, "x", 1, EVIL, None, None))
    try:
        raise ValueError(EVIL)
    except ValueError:
        traceback.print_exc(file=stream)
    stream.writelines([EVIL, "\n"])
    seen = stream.buffer.getvalue()  # type: ignore[attr-defined]
    assert seen.count(b"owned") == 4
    assert not any(byte in seen for byte in (b"\x1b", b"\x07", b"\r", b"\x7f", b"\xc2\x9b", b"\xe2\x80\xae"))
    Console(file=terminal.Moving(stream), force_terminal=True).print("[bold]ours[/bold]")
    assert b"\x1b[1mours" in stream.buffer.getvalue()  # type: ignore[attr-defined]


def striate(*words: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "striate.cli", *words], cwd=cwd, check=False, capture_output=True, **options
    )


def test_names_of_classes_and_files(tmp_path: Path) -> None:
    from PIL import Image

    model = hostile.write(tmp_path)

    def change(header: dict[str, object], facts: dict[str, object], data: bytearray) -> None:
        facts["names"] = [f"cat{EVIL}\n{number}" for number in range(3)]

    model.write_bytes(hostile.packed(model.read_bytes(), change))
    model.with_suffix(".onnx").unlink()
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.fromarray(hostile.PIXELS).save(pictures / f"a{EVIL}\nforged.png")
    (pictures / f"b{EVIL}\nforged.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    done = striate("predict", "pictures", "--model", str(model), cwd=tmp_path)
    assert done.returncode == 2
    for stream in (done.stdout, done.stderr):
        assert stream.count(b"owned") >= 1
        assert stream.count(b"\n") == 1
        assert all(letter.isprintable() or letter == "\n" for letter in stream.decode())
    told = striate("predict", "pictures", "--model", str(model), "--json", cwd=tmp_path)
    first, second = json.loads(told.stdout)
    assert first["picture"] == f"pictures/a{EVIL}\nforged.png"  # escaped, and nothing lost
    assert EVIL in first["scores"][0]["class"]
    assert "error" in second
    for words in (("predict", f"no{EVIL}.png"), ("describe", f"conv {EVIL}"), (EVIL,), ("train", f"no{EVIL}\nforged")):
        done = striate(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert all(letter.isprintable() or letter == "\n" for letter in done.stderr.decode())


@pytest.mark.skipif(os.name == "nt", reason="a shell's way to close a stream")
def test_a_closed_stream_is_a_line_and_no_traceback(tmp_path: Path) -> None:
    for closed, code in ((">&-", 3), ("2>&-", 0)):
        done = subprocess.run(
            ["sh", "-c", f'"{sys.executable}" -m striate.cli describe "conv 8 3x3" --input 1x8x8 {closed}'],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert done.returncode == code
        assert b"Traceback" not in done.stderr
        assert done.stderr.count(b"\n") == (code == 3)
        assert bool(done.stdout) == (code == 0)
