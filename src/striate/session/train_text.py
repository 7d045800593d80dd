"""What `striate train` says before and after: what is about to happen, and what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from striate.session import terminal
from striate.session.label_lines import label_lines
from striate.session.progress import clock
from striate.tasks.table import task_of
from striate.train_config import TrainConfig
from striate.verbs.cautions import cautions
from striate.verbs.events import Finished, Planned
from striate.verbs.prepared import Prepared
from striate.words import counted

if TYPE_CHECKING:
    from striate.verbs.foresee import Foreseen


def plan_text(event: Planned) -> str:
    """Return what is about to happen, as lines."""
    run, done = event.run, event.done
    lines = _plan_lines(event.prepared, event.device, event.notes, run.path / "source.json")
    lines.append(f"{run.path}" + (f", going on after epoch {done}" if done else ""))
    return "\n".join(lines)


def foreseen_text(found: Foreseen) -> str:
    """Return what a training would be, and how long it takes, as lines."""
    config = found.prepared.config
    return "\n".join([*_plan_lines(found.prepared, config.device, found.prepared.notes), found.words])


def _plan_lines(prepared: Prepared, device: str, notes: Sequence[str], listed: Path | None = None) -> list[str]:
    """Return what a training is; ``listed`` is the file where all that is skipped is named."""
    config = prepared.config
    source = prepared.source
    pictures = prepared.preprocess
    lines = [
        f"{source.name}: {counted(len(source.items), 'picture')},"
        f" {counted(len(prepared.labels.names), prepared.task.noun)};"
        f" {_parts_text(prepared)}{_passed_over(source.passed_over)}"
    ]
    first = sorted(source.rejected, key=lambda one: not one.bad)[:5]
    lines += [terminal.line(f"skipped {one.key}: {one.reason}") for one in first]
    if len(source.rejected) > 5:
        rest = f"... and {len(source.rejected) - 5:,} more"
        lines.append(rest if listed is None else f"{rest}, listed in {listed}")
    name = config.net if len(config.net) <= 40 else "net"
    if config.weights is not None:
        name = f"from {config.start}: a net"
    if config.first is not None:
        name += f" behind {config.first}"
    lines.append(
        f"{name} on {pictures.channels}x{pictures.height}x{pictures.width}:"
        f" {prepared.survey.parameters:,} parameters, {prepared.survey.macs:,} MACs;"
        f" {_epochs_text(config)} on {device}; seed {config.seed}"
    )
    frozen = prepared.survey.frozen
    if config.first is not None:
        lines.append(
            f"{frozen:,} parameters, the first layer's, are those of {config.first} and stay frozen; the other"
            f" {prepared.survey.parameters - frozen:,} are trained"
        )
    elif frozen:
        learns = "the other" if config.tune == "all" else "the head's"
        lines.append(
            f"{frozen:,} parameters stay frozen as they came; {learns} {prepared.survey.parameters - frozen:,} are"
            " trained"
        )
    lines += [terminal.line(f"note: {note}") for note in (*cautions(prepared), *notes)]
    return lines


def _passed_over(files: Sequence[str]) -> str:
    """Return how many files were passed over, with the first few, as it stands behind what was found."""
    if not files:
        return ""
    names = ", ".join(files[:3]) + (", ..." if len(files) > 3 else "")
    return terminal.line(f"; {counted(len(files), 'other file')} passed over ({names})")


def _parts_text(prepared: Prepared) -> str:
    """Return which pictures are for what, in words."""
    parts, folds = prepared.split, prepared.folds
    if folds is None:
        return f"{len(parts.train):,} to train, {len(parts.val):,} to validate, {len(parts.test):,} to test"
    rest = f", {len(parts.test):,} to test" if parts.test else ""
    return f"{len(parts.train):,} to train{rest}; cross-validated in {folds}"


def _epochs_text(config: TrainConfig) -> str:
    """Return how long is trained, in words."""
    many = counted(config.epochs, "epoch")
    if config.tune == "head":
        return f"at most {many} over features"
    if config.tune == "maps":
        return f"{many} of batches of {config.batch} over the maps of a trunk that stays as it is"
    if config.tune == "all" and not task_of(config).solved:
        return (
            f"the head on maps for {counted(config.head_epochs, 'epoch')}, then all but the first stages of the trunk"
            f" for {many} of batches of {config.batch}"
        )
    head = "" if config.tune is None else "the head on features, then all of it for "
    return f"{head}{many} of batches of {config.batch}"


def result_text(event: Finished) -> str:
    """Return what came out, as lines."""
    evaluation, run = event.evaluation, event.run
    headline, found = evaluation.found.headline, evaluation.found
    lines = []
    beside = f"; {said}" if (said := found.beside()) else ""
    if evaluation.folds is not None:
        lines += [
            f"{evaluation.part} {headline} on all {counted(len(evaluation.keys), 'picture')},"
            f" {evaluation.folds}{beside}",
            evaluation.means,
        ]
    elif evaluation.keys:
        lines.append(f"{evaluation.part} {headline.exactly()} on {counted(len(evaluation.keys), 'picture')}{beside}")
    lines += [terminal.line(caveat) for caveat in found.caveats()]
    lines += [terminal.line(line) for line in found.learnt_lines()]
    lines += [terminal.line(f"note: {note}") for note in event.notes]
    if evaluation.keys:
        lines += [terminal.line(evaluation.verdict.text), *label_lines(evaluation, rest="shown in the report")]
    lines += [
        f"done in {clock(event.seconds)}",
        f"model   {run.model_path}",
        f"report  {run.path / 'report.html'}",
        f"next    {_next(event)}",
    ]
    return "\n".join(lines)


def _next(event: Finished) -> str:
    """Return the command that does what the verdict asks for; where that is more pictures, to ask about one."""
    if not event.evaluation.keys or not event.evaluation.verdict.wants_a_look:
        return "striate predict PICTURE"
    run = event.run
    return f"striate look {shlex.quote(run.name if run.path.parent == Path('runs') else str(run.path))}"
