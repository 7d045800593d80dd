"""Tables that scroll say so on the screens that are too narrow; names that people gave stay text of their own."""

from __future__ import annotations

import pytest

from striate.render.html.environment import drawing, environment, named
from striate.render.html.settings import used
from striate.render.html.tables import _STEPS, width_of


def table(*cells: str) -> str:
    return f"<table><tbody><tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr></tbody></table>"


def scrolling(text: str, *, label: str) -> str:
    """A table of HTML in the frame that every template puts it into."""
    call = '{% from "parts.html" import scrolling %}{% call scrolling(label) %}{{ drawing(text) }}{% endcall %}'
    return environment().from_string(call).render(text=text, label=label, drawing=drawing).strip()


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("cat", "12"), '<div class="scrolls"><div'),
        (("x" * 30,) * 2, "over-480"),
        (("x" * 30,) * 3, "over-720"),
        (("x" * 30,) * 6, "over-1400"),
    ],
)
def test_a_table_too_wide_says_that_it_scrolls(cells: tuple[str, ...], kind: str) -> None:
    text = scrolling(table(*cells), label="classes")
    assert kind in text and ("scrolls sideways" in text) is ("over" in kind)
    assert 'tabindex="0" role="region" aria-label="classes"' in text, "keys reach and scroll it"


def test_the_stylesheet_knows_every_room_that_a_table_may_be_too_wide_for() -> None:
    style = environment().loader.get_source(environment(), "style.css")[0]  # type: ignore[union-attr]
    for step in _STEPS:
        assert f"@container (max-width: {step}px) {{ .over-{step} > .swipe {{ display: block; }} }}" in style
    assert style.count(" > .swipe {") == len(_STEPS)


def test_what_stands_upright_or_in_two_lines_is_narrow() -> None:
    assert width_of(table("<span>a long name of a class</span>")) < 40
    assert width_of(table("90.5 % <small>77.2 to 96.2</small>")) == width_of(table("77.2 to 96.2"))


def test_cells_that_wrap_are_as_wide_as_their_longest_word() -> None:
    text = table("by ranks, by structure", "0.58, 0.39")
    assert width_of(text, wraps=True) == width_of(table("structure", "0.58,")) < width_of(text)


def test_a_name_is_escaped_set_apart_and_without_control_characters() -> None:
    assert named('a<b>"\x1b]0;x\x07\u202egpj') == "<bdi>a&lt;b&gt;&#34;�]0;x��gpj</bdi>"


HEAD = 'source = "pets"\nnet = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense"\n'


def test_a_head_on_features_lists_no_setting_of_steps_and_batches() -> None:
    recipe = HEAD.replace("net = ", "#") + (
        'start = "x"\ntune = "head"\nepochs = 100\nepoch_share = 1.0\nmomentum = 0.9\nnesterov = true\n'
        'betas = [0.9, 0.999]\nschedule = "one-cycle"\nmilestones = [0.5, 0.75]\n'
        'accumulate = 1\nclass_weights = "none"\nseed = 0\n'
    )
    kept = [line.partition(" ")[0] for line in used(recipe).splitlines()]
    assert {"source", "start", "tune", "epochs", "seed"} <= set(kept)
    assert not {"momentum", "betas", "schedule", "milestones", "accumulate", "class_weights"} & set(kept)


def test_a_training_lists_what_its_optimiser_and_schedule_use() -> None:
    recipe = HEAD + (
        'optimiser = "adamw"\nmomentum = 0.9\nnesterov = true\nbetas = [0.9, 0.999]\nalpha = 0.99\neps = 1e-08\n'
        'schedule = "step"\nmilestones = [0.5]\ngamma = 0.1\nevery = 1\nfinal_rate = 0.0\nwhiten = false\n'
        'class_weights = "balanced"\n'
    )
    kept = [line.partition(" ")[0] for line in used(recipe).splitlines()]
    assert kept == ["source", "net", "optimiser", "betas", "eps", "schedule", "milestones", "gamma", "class_weights"]
