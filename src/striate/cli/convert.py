"""``striate convert``: labels of objects from one format to another, and what is lost on the way."""

from __future__ import annotations

import json
from pathlib import Path

import click

from striate.data.labels.object_formats import WRITTEN
from striate.session import terminal
from striate.verbs.convert import convert, summary


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--to", type=click.Choice(WRITTEN), required=True, help="The format to write.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The file (coco, csv) or new folder (voc, yolo, masks) to write.",
)  # fmt: skip
@click.option(
    "--labels", "--form", "--from", "labels", metavar="FORM|PATH",
    help="Which labels of SOURCE: a format, or a file or folder; found by looking if not said.",
)  # fmt: skip
@click.option(
    "--pictures", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Below which folder the pictures are, where not with the labels.",
)  # fmt: skip
@click.option("--allow-bad", is_flag=True, help="Go on with more than 1 % of the objects unusable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    source: Path, to: str, output: Path, labels: str | None, pictures: Path | None, allow_bad: bool, as_json: bool
) -> None:
    """Read boxes, outlines or masks of SOURCE, a folder or a file, and write them in another format.

    Says what was found, what was assumed and dropped, and what the other format has no word for. Pictures are read for
    their sizes alone; they are neither copied nor changed.
    """
    done = convert(source, to=to, output=output, labels=labels, pictures=pictures, allow_bad=allow_bad)
    if as_json:
        click.echo(json.dumps(done.to_dict(), indent=2))
        return
    terminal.say(summary(done.objects))
    for note in done.objects.notes:
        terminal.say(f"  {note}")
    for sentence in done.lost:
        terminal.say(f"  lost in {to}: {sentence}")
    terminal.say(f"written to {done.path}" + (f" ({done.files:,} files)" if done.files > 1 else ""))
