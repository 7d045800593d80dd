"""`striate train --dry-run`: what would be trained and how long it takes; with --inputs what the net would be given."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.cli.write_output import check_free, write_output
from striate.recipe import Recipe
from striate.session import terminal
from striate.session.train_text import foreseen_text
from striate.verbs.foresee import foresee
from striate.verbs.workspace import Workspace


def foreseen(
    recipe: Recipe, workspace: Workspace, inputs: Path | None, *, allow_bad: bool = False, as_json: bool = False
) -> None:
    """Print what would be trained, and draw what the net would be given into the file ``inputs``, where there is one.

    Errors: as of `striate.verbs.foresee.foresee`, and DataError for a file that is not ours.
    """
    if inputs is not None:
        from striate.render.png.inputs_png import is_sheet

        check_free(inputs, is_sheet, *filter(Path.is_dir, [Path(recipe.source)]), option="--inputs")
    found = foresee(recipe, workspace, allow_bad=allow_bad)
    if inputs is not None:
        from striate.render.png.inputs_png import inputs_png, is_sheet
        from striate.verbs.network_inputs import network_inputs

        given = network_inputs(recipe, workspace, allow_bad=allow_bad)
        write_output(inputs, inputs_png(given.pictures), is_sheet)
    click.echo(json.dumps(found.to_dict()) if as_json else foreseen_text(found))
    if inputs is not None and not as_json:
        click.echo(f"what it is given: {terminal.line(str(inputs))}")
