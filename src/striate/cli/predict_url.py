"""``striate predict --url``: a server answers; nothing is opened here but the pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from striate.errors import PictureError
from striate.files import PICTURE, read_bytes
from striate.runs.reading import unreadable
from striate.session import terminal

TOKEN = "STRIATE_TOKEN"


def show(url: str, files: Sequence[Path], *, model: str | None, top: int | None, unknown: bool, as_json: bool) -> int:
    """Print what the server at an address answers, as `striate predict` does; return how many could not be read.

    The token is that of the environment, where the server wants one. Errors: ServeError.
    """
    from striate.web.client import Client

    bad, separator = 0, "["
    with Client(url, token=os.environ.get(TOKEN, "")) as client:
        for path in files:
            try:
                content = read_bytes(path, limit=PICTURE)
                answer = client.predict(content, model=model, top=top, unknown=None if unknown else False)
                text = str(answer.pop("text", ""))
                row = {"picture": str(path), **answer}
            except (OSError, PictureError) as error:
                told = unreadable(str(path), error) if isinstance(error, OSError) else PictureError(f"{path}: {error}")
                terminal.tell(f"striate: {told}")
                bad += 1
                row, text = {"picture": str(path), "error": str(told)}, ""
            if as_json:
                click.echo(separator + "\n  " + json.dumps(row), nl=False)
                separator = ","
            elif text:
                terminal.say(text if len(files) == 1 else f"{path}  {text}")
    if as_json:
        click.echo("\n]")
    return bad
