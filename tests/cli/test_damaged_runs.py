"""Runs one of whose files is damaged: every command that reads a run refuses in a line, or does not need that file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.stage import NET, Place, contents
from tests.pictures import paint

QUICK = ("--threads", "1", "--device", "cpu")
PICTURE = "zoo/ant/0-00.png"
COMMANDS: dict[str, tuple[str, ...]] = {
    "evaluate": ("evaluate", "damaged"),
    "evaluate --data": ("evaluate", "damaged", "--data", "zoo"),
    "predict": ("predict", "--run", "damaged", PICTURE),
    "look": ("look", "damaged", "-o", "look.html"),
    "look --channel": ("look", PICTURE, "--run", "damaged", "--part", "conv1", "--channel", "0", "-o", "look.html"),
    "dot": ("dot", PICTURE, "--run", "damaged"),
    "export": ("export", "damaged", "-o", "x.onnx"),
    "export --int8": ("export", "damaged", "--int8", "-o", "x8.onnx"),
    "train --resume": ("train", "--resume", "damaged"),
    "train --start": (
        "train", "zoo", "--start", "runs/damaged", "--tune", "head", "--folds", "0", "--runs-dir", "other", *QUICK,
    ),
    "runs": ("runs",),
    "compare": ("compare", "damaged", "good", "-o", "compare.html"),
}  # fmt: skip
READING = ("evaluate", "look", "train --resume", "runs")  # these read the fields of JSON; the others ask for a model
WHOLE = ("", "{}", "[]", "null", "7", '"x"', "hello", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 3000, "\0" * 300)
ODD = (None, -7, 10**30, 1.5, "\x00x", "\ud800", [], [[1]], {"a": 1}, True)
UNREAD = ("report.html", "lock")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small runs: ``net-1`` trained from chance, ``head-1`` a cross-validated head on it."""
    folder = tmp_path_factory.mktemp("good")
    paint(folder / "zoo")
    place = Place(folder)
    assert place("train", "zoo", "--net", NET, "--epochs", "1", "--size", "16", "--name", "net", *QUICK).code == 0
    assert (
        place("train", "zoo", "--start", "net-1", "--tune", "head", "--folds", "2", "--name", "head", *QUICK).code == 0
    )
    return folder


def begun(good: Path, kind: str) -> Place:
    """Return a working directory with a run ``good``, and the pictures both were trained on."""
    for name in ("bench", "other"):
        shutil.rmtree(good / name, ignore_errors=True)
    bench = good / "bench"
    shutil.copytree(good / "runs" / kind, bench / "runs" / "good")
    shutil.copytree(good / "runs" / "net-1", bench / "runs" / "net-1")
    (bench / "zoo").symlink_to(good / "zoo")
    (bench / "cache").symlink_to(good / "cache")
    return Place(bench)


def damages(content: bytes) -> Iterator[bytes | None]:
    """Yield what may stand in a file's place: None is a folder."""
    yield None
    yield from (text.encode() for text in WHOLE)
    yield content[: len(content) // 2]
    yield bytes(range(256))
    yield from _odd(content)


def _odd(content: bytes) -> Iterator[bytes]:
    try:
        first, *rest = content.splitlines(keepends=True)
        value = json.loads(content if first.strip() == b"{" else first)
        rest = [] if first.strip() == b"{" else rest
    except (ValueError, UnicodeDecodeError):
        return
    for name in value:
        yield json.dumps({key: each for key, each in value.items() if key != name}).encode() + b"\n" + b"".join(rest)
        for odd in ODD:
            yield json.dumps({**value, name: odd}).encode() + b"\n" + b"".join(rest)


def hold(place: Place, file: str, damage: bytes | None, command: str) -> None:
    """Damage a copy of the run ``good`` and run a command on it."""
    run = place.path / "runs" / "damaged"
    shutil.rmtree(run, ignore_errors=True)
    shutil.rmtree(place.path / "other", ignore_errors=True)
    shutil.copytree(run.with_name("good"), run)
    (run / "lock").unlink()
    if command == "train --resume" and file != "finished.json":
        (run / "finished.json").unlink()
    (run / file).unlink(missing_ok=True)
    if damage is None:
        (run / file).mkdir()
    else:
        (run / file).write_bytes(damage)
    before = {name: content for name, (_, content) in contents(run).items()}
    told = place(*COMMANDS[command])
    after = {name: content for name, (_, content) in contents(run).items()}
    # A line that a kill left half-written is cut off when the run is locked; the lock says whose it was.
    own = {"lock", *([file] if file.endswith(".jsonl") else [])}
    what = f"{command} with {file} = {damage!r:.200}: {told}"
    if told.code:
        assert told.code == 2 or (told.code == 3 and damage is None), what
        assert told.err.startswith("striate: ") and told.err.count("\n") == 1 and len(told.err) < 1000, what
    if told.code or command != "train --resume":
        assert {name for name in before | after if before.get(name) != after.get(name)} <= own, what


def files(good: Path, kind: str) -> list[str]:
    run = good / "runs" / kind
    found = (path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in UNREAD)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_of_the_commands_works_on_a_run_that_is_whole(good: Path, command: str) -> None:
    place = begun(good, "net-1")
    shutil.copytree(place.path / "runs" / "good", place.path / "runs" / "damaged")
    if command == "train --resume":
        (place.path / "runs" / "damaged" / "finished.json").unlink()
    assert place(*COMMANDS[command]).code == 0


def test_a_damaged_file_is_a_line_or_is_not_needed(good: Path) -> None:
    """Of every file one damage after another, each for another command: what there is besides is in the slow test."""
    place, commands, turn = begun(good, "head-1"), ["evaluate", "train --resume", "look", "runs"], 0
    for file in files(good, "head-1"):
        for damage in (None, b"", b"{}"):
            hold(place, file, damage, commands[turn % len(commands)])
            turn += 1


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("source.json", {"rejected": None}, r"source\.json is damaged \(rejected is None and no list\)"),
        ("source.json", {"classes": ["ant", 7]}, r"\(classes\[1\] is 7 and no text\)"),
        ("source.json", {"pictures": {"train": 1}}, r"\(pictures lacks val, test\)"),
        ("split.json", {"test": {"a": 1}}, r"split\.json is damaged \(test is an object and no list\)"),
        ("split.json", {"folds": {"count": 10**6, "places": [[0]]}}, r"split\.json is damaged: its folds do not read"),
        ("pictures.json", {"digests": [1]}, r"pictures\.json is damaged \(digests\[0\] is 1 and no text\)"),
        ("pictures.json", {"keys": []}, r"pictures\.json is damaged: its lists do not belong together"),
    ],
)  # fmt: skip
def test_the_field_is_named(good: Path, file: str, change: dict[str, object], said: str) -> None:
    place = begun(good, "head-1")
    path = place.path / "runs" / "good" / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    place("evaluate", "good").refused(said)


def test_a_split_without_a_part_is_not_gone_on_with(good: Path) -> None:
    """It read as one without pictures in that part, and the run was then trained without validation."""
    place = begun(good, "net-1")
    run = place.path / "runs" / "good"
    kept = json.loads((run / "split.json").read_text())
    (run / "split.json").write_text(json.dumps({part: keys for part, keys in kept.items() if part != "val"}))
    (run / "finished.json").unlink()
    place("train", "--resume", "good").refused(r"split\.json is damaged \(lacks val\)")


def test_a_damaged_history_is_said_before_anything_is_learnt(good: Path) -> None:
    place = begun(good, "net-1")
    run = place.path / "runs" / "good"
    for file, line, said in (
        ("history.jsonl", {"index": 1, "train_loss": "low"}, r"line 1 \(train_loss is 'low' and no number\)"),
        ("filters.jsonl", {"index": 1, "shape": [4, 3], "largest": 1, "values": ""}, r"line 1 \(shape is a list"),
        ("maps.jsonl", {"index": 1, "picture": -1, "parts": {}}, r"line 1 \(picture is -1"),
    ):
        before = (run / file).read_bytes()
        (run / file).write_text(json.dumps(line) + "\n")
        answer = place("train", "--resume", "good", "--epochs", "2")
        answer.refused(rf"{file} is damaged in {said}")
        assert not answer.out
        (run / file).write_bytes(before)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["net-1", "head-1"])
def test_any_damage_to_any_file_for_any_command(good: Path, kind: str) -> None:
    place = begun(good, kind)
    for file in files(good, kind):
        content = (place.path / "runs" / "good" / file).read_bytes()
        whole = [None, *(text.encode() for text in WHOLE)]
        for damage in damages(content):
            for command in COMMANDS if damage in whole else READING:
                hold(place, file, damage, command)
