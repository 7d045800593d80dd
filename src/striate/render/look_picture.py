"""What a net makes of a picture, as answers: why, each stage's maps, the field of a place, what a channel wants."""

from __future__ import annotations

import numpy as np

from striate.interpret.activations.maps import FeatureMap, Stage
from striate.interpret.activations.receptive import Effective
from striate.interpret.look import ChannelLook, PartLook, PictureLook
from striate.interpret.torch_probe import TorchProbe
from striate.render.answer import Answer, Legend, Row, Table, Tile
from striate.render.evidence import why_answer
from striate.render.look_scene import drawn_answer
from striate.render.png.drawn import cut, enlarged, framed, large, map_tile, over, picture_tile, scale_of, sheet
from striate.words import counted, figure, plural

_UNTRAINED = "The weights are drawn by chance: this shows how the net works, not what it knows."


def picture_answers(look: PictureLook) -> list[Answer]:
    """Return the answers of `look IMAGE`: why it said so, what each stage saw, how much the winning place sees."""
    rest = [_stages(look), _field(look.field, look.probe, winner=look.answer is not None)]
    if look.why is None:
        return rest
    drawn = drawn_answer(look.probe, look.answer) if look.answer is not None and look.probe.task.placed else None
    return [why_answer(look.why, str(look.answer), look.failed, drawn), *rest]


def part_answers(look: PartLook) -> list[Answer]:
    """Return the answers about one part, or about one channel of it."""
    field = _field(look.field, look.probe, winner=False)
    if look.channel is None:
        return [_part(look), field]
    return [_channel(look, look.channel), field]


def _stages(look: PictureLook) -> Answer:
    rows = []
    for stage in look.stages:
        low, high = scale_of(stage.low, stage.high)
        tall, wide = stage.size
        heading = f"{stage.part} ({stage.layer}): {counted(stage.channels, 'channel')} of {tall} x {wide}"
        rows.append(
            Row(
                tuple(_map_tile(one, stage, low, high) for one in stage.maps),
                heading + (f", {stage.silent} nowhere above zero" if stage.silent else ""),
                Legend(low, high, "activation"),
            )
        )
    first, last = look.stages[0], look.stages[-1]
    said = (
        f"From {first.size[0]} x {first.size[1]} places in {first.part} to {last.size[0]} x {last.size[1]} in"
        f" {last.part}; of each, the {len(first.maps)} most active channels."
    )
    return Answer(
        "What did each stage see?",
        said if look.probe.trained else f"{said} {_UNTRAINED}",
        tuple(rows),
        shows="the output of each channel at every place, on one scale within a stage; the channels whose mean above"
        " zero is highest come first.",
        hides="why the net answered as it did: an active channel may not count for the answer. Scales differ from"
        " stage to stage.",
    )


def _map_tile(one: FeatureMap, stage: Stage, low: float, high: float, shown: int = 132) -> Tile:
    row, column = one.place
    caption = f"channel {one.channel}: {figure(one.highest)} at {row},{column}"
    alt = (
        f"map of channel {one.channel} of {stage.part}, mean {figure(one.mean)}, highest {figure(one.highest)}"
        f" in row {row}, column {column}"
    )
    return map_tile(one.values, low=low, high=high, caption=caption, alt=alt, shown=shown)


def _part(look: PartLook) -> Answer:
    stage, probe = look.stage, look.probe
    low, high = scale_of(stage.low, stage.high)
    shown = [one for one in stage.maps[:6] if one.seen is not None and one.highest > 0]  # a silent one is nowhere
    measured = any(one.seen.measured for one in shown if one.seen is not None)
    told = "moves that place on this picture" if measured else "that place can see"
    places = picture_tile(
        framed(probe.pixels, [one.seen.box for one in shown if one.seen], [str(one.channel) for one in shown]),
        caption=f"Where each is highest: the frame is all that {told}, its number the channel",
        alt=f"the picture with a frame for each channel around all that {told}, where it is strongest",
    )
    maps = tuple(_map_tile(one, stage, low, high) for one in stage.maps)
    said = (
        f"{len(stage.maps)} of its {counted(stage.channels, 'channel')}, the most active first"
        + (f"; {stage.silent} are nowhere above zero on this picture" if stage.silent else "")
        + "."
    )
    given = probe.frozen.get(stage.part)
    if given is not None:
        said += f" It is frozen: its weights are those of {given}, which were given and not learnt."
    return Answer(
        f"What does {stage.part} see?",
        said if probe.trained else f"{said} {_UNTRAINED}",
        (Row((places,)), Row(maps, f"{stage.part}: {stage.layer}", Legend(low, high, "activation"))),
        shows="the output of each channel at every place, all on one scale, and the part of the picture behind each"
        " channel's highest value.",
        hides="what the channel means: look at one with --channel for the pictures that excite it most.",
    )


def _field(field: Effective, probe: TorchProbe, *, winner: bool) -> Answer:
    box, (height, width) = field.seen.box, probe.pixels.shape[:2]
    place = f"place {field.place[0]},{field.place[1]} of {field.part}"
    reach = f"{box.height:.0f} x {box.width:.0f}"
    whole = " (all of it)" if (box.height, box.width) == (height, width) else ""
    sees = "moves it" if field.seen.measured else "it can see"
    if field.seen.measured:
        can = f"Its code does not say what {place} can see; {reach} of the picture's {height} x {width} pixels move it"
    else:
        can = f"By arithmetic {place} can see {reach} of the picture's {height} x {width} pixels{whole}"
    said = f"{can}; in effect it is moved by about {field.side:.0f} x {field.side:.0f}."
    window = field.seen.unclipped
    notes: tuple[str, ...] = ()
    if window != box:
        notes = (
            f"Its window is {window.height:.0f} x {window.width:.0f} and reaches beyond the picture, where there is"
            " nothing but padding.",
        )
    middle = field.middle
    frames = framed(probe.pixels, [box, middle], [sees.removeprefix("it "), "90 % of influence"])
    heat = over(
        large(probe.pixels)[0], enlarged(field.influence, large(probe.pixels)[0].shape[:2]), high=1.0, opacity=0.55
    )
    return Answer(
        f"How much of the picture does {'the winning place' if winner else 'a place'} see?",
        said,
        (
            Row(
                (
                    picture_tile(
                        frames,
                        caption=f"{place}: the box that {sees}, and that of the pixels that make 90 % of its influence",
                        alt=f"the picture with two frames: {reach} pixels that can be seen, and within it"
                        f" {middle.height:.0f} x {middle.width:.0f} that hold 90 % of the influence",
                        shown=360,
                    ),
                    picture_tile(
                        heat,
                        caption="How strongly each pixel moves it",
                        alt=f"the picture in gray with the influence of each pixel; {field.pixels} pixels count",
                        shown=360,
                    ),
                ),
                legend=Legend(0.0, 1.0, "influence: size of the gradient, 1 at its largest"),
            ),
        ),
        shows=f"which pixels {'move' if field.seen.measured else 'can reach'} this place at all, and the gradient of"
        f" what it puts out by each pixel on this picture; {field.pixels:,} pixels are above 4.55 % of the largest"
        f" ({100 * field.share:.0f} % of those in the outer frame; Luo et al. 2016).",
        hides="whether a pixel speaks for or against anything; on another picture the gradients differ"
        + (", and so may the frame." if field.seen.measured else ", the outer frame does not."),
        notes=notes,
    )


def _channel(look: PartLook, channel: ChannelLook) -> Answer:
    stage, probe, number = look.stage, look.probe, channel.channel
    rows = []
    if channel.top_activations is not None:
        found = channel.top_activations.patches[0]
        tiles = []
        for patch, pixels, key in zip(found, channel.pictures, channel.keys, strict=True):
            edge = ", at the border" if patch.border else ""
            row, column = patch.place
            tiles.append(
                picture_tile(
                    cut(pixels, patch.box),
                    caption=f"{figure(patch.activation)}{edge}",
                    alt=f"patch of {key} that gives {figure(patch.activation)} at {row},{column}{edge}",
                    shown=96,
                )
            )
        most = len(channel.top_activations.highest)
        rows.append(
            Row(
                tuple(tiles),
                f"The {len(found)} {plural(len(found), 'patch')} of {counted(most, 'training picture')} that"
                " excite it most",
            )
        )
    again = "each" if channel.top_activations is not None else "this picture's strongest place"
    tiles = [
        _projection(one, f"what patch {count} shows the channel") for count, one in enumerate(channel.projections, 1)
    ]
    if tiles:
        rows.append(Row(tuple(tiles), f"What in {again} it answers to, by deconvolution (gray is nothing)"))
    grown = channel.feature_visualization
    rows.append(
        Row(
            (
                picture_tile(
                    large(cut(grown.pixels, channel.visualization_box), 224)[0],
                    caption=f"Grown: {figure(grown.value)} on it, {figure(grown.start)} on the noise it grew from",
                    alt=f"picture grown so that {grown.objective} is as high as it can be: {figure(grown.value)}",
                    shown=224,
                ),
                *_weight_tiles(channel, stage),
            ),
            "What maximises it" + (", and its weights" if channel.weights is not None else ""),
        )
    )
    low, high = scale_of(stage.low, stage.high)
    (one,) = stage.maps
    rows.append(
        Row(
            (
                _map_tile(one, stage, low, high, 224),
                picture_tile(
                    framed(probe.pixels, [one.seen.box] if one.seen else []),
                    caption="What its strongest place here can see",
                    alt="the picture with a frame around what the channel's strongest place can see",
                    shown=224,
                ),
            ),
            "On this picture",
            Legend(low, high, "activation"),
        )
    )
    return Answer(
        f"What is channel {number} of {stage.part} looking for?",
        _said(look, channel),
        tuple(rows),
        shows="patches as large as the channel can see, each with its activation; a picture grown to raise it, measured"
        " on exactly these pixels.",
        hides="everything it reacts to: nine patches are its extremes, and a grown picture is one of many. Patches at"
        " the border saw zeros beside the picture. The grown picture is no photograph and nothing in the data.",
        table=_sources(channel),
    )


def _projection(values: np.ndarray, alt: str) -> Tile:
    """Return what deconvolution gives (C, h, w) as a picture, its largest value black or white."""
    pixels = np.clip(127.5 + 127.5 * values / (float(np.abs(values).max()) or 1.0), 0, 255).astype(np.uint8)
    return picture_tile(pixels.transpose(1, 2, 0), caption="", alt=alt, shown=96)


def _said(look: PartLook, channel: ChannelLook) -> str:
    (one,) = look.stage.maps
    here = f"On this picture it reaches {figure(one.highest)}"
    if channel.top_activations is None:
        said = f"{here}; the picture grown for it reaches {figure(channel.feature_visualization.value)}."
    else:
        top = channel.top_activations.percentile(channel.channel, 99.9)
        said = (
            f"{here}; one picture in a thousand of the data reaches {figure(top)}, the picture grown for it"
            f" {figure(channel.feature_visualization.value)}."
        )
    return said if look.probe.trained else f"{said} {_UNTRAINED}"


def _weight_tiles(channel: ChannelLook, stage: Stage) -> tuple[Tile, ...]:
    weights = channel.weights
    if weights is None or max(weights.shape[1:]) < 2:
        return ()
    if len(weights) in (1, 3) and channel.reads == "input":
        tile = Tile(
            sheet(weights[None], side=160),
            "Its weights on the picture's channels; middle gray is zero",
            f"the {weights.shape[1]} x {weights.shape[2]} weights of channel {channel.channel} as a picture",
            shown=170,
        )
        return (tile,)
    strongest = channel.sources[:3]
    low, high = scale_of(-1e-9, float(np.abs(weights[[index for index, _ in strongest]]).max()))
    return tuple(
        map_tile(
            weights[index],
            low=low,
            high=high,
            caption=f"Its weights on channel {index} of {channel.reads}, {low:.2g} (blue) to {high:.2g} (red)",
            alt=f"{weights.shape[1]} x {weights.shape[2]} weights of {stage.part} on channel {index}",
            shown=120,
        )
        for index, _ in strongest
    )


def _sources(channel: ChannelLook) -> Table | None:
    if channel.weights is None or len(channel.weights) <= 3:
        return None
    rows = tuple((f"{channel.reads}, channel {index}", f"{figure(norm)}") for index, norm in channel.sources)
    return Table(("what its filter weighs most", "norm of the weights"), rows)
