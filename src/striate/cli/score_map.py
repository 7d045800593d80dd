"""``striate predict --map``: where in a larger picture a class is, as a picture, a line and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from striate.cli.write_output import check_free, write_output
from striate.errors import SourceError
from striate.render.png.overlay import is_ours, overlay
from striate.runs.predictor import Predictor
from striate.session import terminal
from striate.tasks.score_map import ScoreMap
from striate.verbs.score_map import score_map


def show(
    predictor: Predictor,
    files: Sequence[Path],
    *,
    name: str | None,
    output: Path | None,
    scale: float,
    as_json: bool,
) -> None:
    """Draw the map of one picture, and say where its best place is."""
    if len(files) != 1:
        raise SourceError(f"--map takes one picture at a time, not {len(files)}")
    path = files[0]
    target = check_free(output or Path(f"{path.stem}-map.png"), is_ours)
    answer = score_map(predictor, path, scale=scale)
    number = answer.number(name)
    write_output(target, overlay(answer, number, words(answer, number, path.name)), is_ours)
    if as_json:
        told = {"picture": str(path), "file": str(target), **answer.to_dict(number)}
        click.echo(json.dumps(told))
        return
    for line in words(answer, number, path.name):
        terminal.say(line)
    terminal.say(f"drawn in {target}")


def words(answer: ScoreMap, number: int, picture: str) -> list[str]:
    """Return what the map says in words: the best place in pixels of the picture, the grid, what it cannot say."""
    row, column = answer.best(number)
    left, top, right, bottom = answer.box(row, column)
    rows, columns, _ = answer.probabilities.shape
    step, side = (tuple(round(length * answer.scale) for length in both) for both in (answer.stride, answer.window))
    likelihood = float(answer.probabilities[row, column, number])
    said = [
        f"{likelihood:.2f} {answer.names[number]} at its best place in {picture}: "
        f"{left} to {right} across, {top} to {bottom} down",
        f"{rows} x {columns} places, one every {step[0]} x {step[1]} pixels, each for {side[0]} x {side[1]} pixels",
    ]
    if answer.padded:
        parts = f"{len(answer.padded)} parts of the net pad" if len(answer.padded) > 1 else f"{answer.padded[0]} pads"
        said.append(f"close to what each crop alone would get, not equal: {parts} a crop's edge with zeros")
    return said
