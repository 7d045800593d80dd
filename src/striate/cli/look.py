"""``striate look``: a picture, a part, a channel or a run to a page, a sheet or text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from striate.cli import probe_options as of
from striate.cli import shared_options
from striate.cli.write_output import check_free, write_output
from striate.session import terminal

if TYPE_CHECKING:
    from striate.interpret.torch_probe import TorchProbe
    from striate.render.answer import Answer
    from striate.verbs.probe import Network


@click.command()
@click.argument("what", metavar="PICTURE|RUN")
@click.option("--part", help="Look at one part (stage2.1.conv1): what does it see? Of a run: its maps by epoch.")
@click.option("--channel", type=click.IntRange(0), help="With --part: what is this channel looking for?")
@click.option("--at", metavar="ROW,COLUMN", help="With --part: the place whose receptive field is shown.")
@click.option("--method", help="Why, by this method: layer-cam, grad-cam, occlusion, integrated-gradients ...")
@click.option("--why", "--class", "why", metavar="NAME|N", help="Why this class (or tag), and not the one it says.")
@click.option("--against", help="Why it and not this class: cat, not dog.")
@click.option(
    "--object", "object_", metavar="N", type=click.IntRange(1), help="Of boxes: why the one with this number."
)
@click.option("--pixel", metavar="X,Y", help="Of areas and counts: why this, at this pixel of the picture.")
@click.option("--box", metavar="L,T,R,B", help="Of areas and counts: why this, in this box (left, top, right, bottom).")
@click.option(
    "--missed",
    metavar="N|X,Y|L,T,R,B",
    help="Of boxes: why this object was not found: the Nth missed one of a picture of the run's own, or one at a place"
    " (then --class says what it is).",
)
@click.option("--change", is_flag=True, help="Also: the smallest part of the picture without which it says another.")
@click.option("--png", is_flag=True, help="Draw the answer as one PNG.")
@click.option("--ascii", "as_ascii", is_flag=True, help="Print it, pictures in characters: for small pictures.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where it is drawn; NAME-look.html if not said.")
@shared_options.without_missing
@of.options
def command(
    what: str,
    part: str | None,
    channel: int | None,
    at: str | None,
    method: str | None,
    why: str | None,
    against: str | None,
    object_: int | None,
    pixel: str | None,
    box: str | None,
    missed: str | None,
    change: bool,
    png: bool,
    as_ascii: bool,
    output: Path | None,
    without_missing: bool,
    **network: Any,
) -> None:
    """Look inside: why a net says what it says of a picture, what its parts see, what a run learnt.

    A picture gives one page: its answer with the evidence for it and, folded, what each stage saw and how much of the
    picture the winning place sees. A run gives what confuses it, what it learnt and when, and whether its layers work.
    """
    from striate.errors import DataError

    if png and as_ascii:
        raise click.UsageError("--png and --ascii are two ways to draw; give one")
    if part is None and (channel is not None or at is not None):
        raise click.UsageError("--channel and --at are of a part: name it with --part")
    if as_ascii and output is not None:
        raise click.UsageError("--ascii prints; -o is for a page or a sheet")
    asked = of.asked(
        why=why, object=object_, pixel=pixel, box=box, missed=missed, against=against, method=method, change=change
    )
    asks = asked.words is not None
    if asks and (channel is not None or at is not None):
        raise click.UsageError("--channel and --at are of a part; what asks why is of an answer")
    written = None
    if not as_ascii:
        from striate.render.html.look_page import is_ours

        end = ".png" if png else ".html"
        written = check_free(output or Path(f"{_stem(what, part, channel)}-look{end}"), is_ours)
    from striate.verbs.look import is_run

    path, runs_dir = Path(what), network["runs_dir"]
    if is_run(what, runs_dir):
        other = network["model"] is not None or network["net"] is not None
        if channel is not None or at is not None or other or asks:
            raise click.UsageError(f"{what} is a run: --channel, --at, --model, --net and asking why are for a picture")
        title, quiet, answers = _run(what, part, runs_dir, without_missing=without_missing)
    elif not path.is_file():
        raise DataError(f"there is no picture and no run {what!r}; striate look takes a picture file or a run's name")
    else:
        with of.said(**network) as named:
            if asks:
                from striate.verbs import why as whys

                found = whys.why_asked(path, named, asked, part=part)
                title, quiet, answers = f"{path.name}: why", _quiet(found.probe, path), whys.answers(found)
            else:
                place = of.place(at)
                title, quiet, answers = _picture(path, named, part, channel, place, without_missing=without_missing)
    _give(title, quiet, answers, written, png=png)


def _picture(
    path: Path,
    network: Network,
    part: str | None,
    channel: int | None,
    place: tuple[int, int] | None,
    *,
    without_missing: bool,
) -> tuple[str, str, list[Answer]]:
    from striate.interpret.look import PartLook
    from striate.verbs.look import answers, look_at

    look = look_at(path, network, part=part, channel=channel, at=place, without_missing=without_missing)
    title = look.stage.part if isinstance(look, PartLook) else "look"
    return f"{path.name}: {title}", _quiet(look.probe, path), answers(look)


def _quiet(probe: TorchProbe, path: Path) -> str:
    shape = probe.model.shape
    return f"{path.name} as the net sees it: {shape.channels} x {shape.height} x {shape.width} pixels."


def _run(name: str, part: str | None, runs_dir: Path, *, without_missing: bool) -> tuple[str, str, list[Answer]]:
    from striate.verbs.look import answers, look_run
    from striate.verbs.workspace import Workspace

    look = look_run(name, part=part, workspace=Workspace(runs_dir), without_missing=without_missing)
    said = " ".join(
        [f"{look.name}, on its {look.part} pictures.", *(f"{note[0].upper()}{note[1:]}." for note in look.notes)]
    )
    return f"{look.name}: look", said, answers(look)


def _give(title: str, quiet: str, answers: list[Answer], target: Path | None, *, png: bool) -> None:
    from striate.render.html.look_page import as_png, as_text, is_ours, page

    if target is None:
        click.echo(as_text(answers), nl=False)
        return
    write_output(target, as_png(answers[0], quiet) if png else page(title, quiet, answers).encode(), is_ours)
    first = answers[0]
    terminal.say(" ".join(filter(None, (first.question, first.said, first.lead))))
    if first.caution:
        terminal.say(f"note: {first.caution}")
    terminal.say(f"drawn in {target}")


def _stem(what: str, part: str | None, channel: int | None) -> str:
    name = Path(what).stem or "run"
    return "-".join([name, *([part] if part else []), *([str(channel)] if channel is not None else [])])
